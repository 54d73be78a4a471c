"""How old ticks were when they were answered, and what was left out under load, over time."""

from typing import Any, Final

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from core import Kernel

__all__ = ["Service"]

_LOW, _HIGH, _PER_DECADE = -3, 7, 20
_BINS: Final = (_HIGH - _LOW) * _PER_DECADE


class Service:
    """Sums per stretch. In a run at event time ages are zero and nothing is shed.

    Args:
        stretches: how many.
    """

    def __init__(self, stretches: int) -> None:
        self._stretches = stretches
        self._ages = np.zeros((stretches, _BINS))
        self._ticks = np.zeros(stretches)
        self._depth = np.zeros(stretches)
        self._without = {kernel: np.zeros(stretches) for kernel in Kernel}
        self.aged = False

    def add(self, stretch: Int64[ndarray, " n"], batch: Any, rows: Int64[ndarray, " n"]) -> None:
        """Rows of one batch."""

        def column(name: str) -> Any:
            return batch.column(name).to_numpy(zero_copy_only=False)[rows]

        age_ms = (column("processing_time_ns") - column("timestamp_ns")) / 1e6
        self.aged |= bool((age_ms > 0.0).any())
        place = (np.log10(np.maximum(age_ms, 10.0**_LOW)) - _LOW) * _PER_DECADE
        cell = stretch * _BINS + np.clip(place.astype(np.int64), 0, _BINS - 1)
        self._ages += np.bincount(cell, minlength=self._ages.size).reshape(self._ages.shape)
        self._ticks += np.bincount(stretch, minlength=self._stretches)
        self._depth += np.bincount(stretch, column("signature_depth"), self._stretches)
        mask = column("kernel_mask").astype(np.int64)
        for kernel in self._without:
            absent = (mask & int(kernel)) == 0
            self._without[kernel] += np.bincount(stretch, absent, self._stretches)

    def age_quantile_ms(self, share: float) -> Float64[ndarray, " s"]:
        """Of processing time less event time, milliseconds, to an eighth; NaN without ticks."""
        below = np.cumsum(self._ages, axis=1)
        place = (below < share * below[:, -1:]).sum(axis=1)
        found = 10.0 ** (_LOW + (place + 0.5) / _PER_DECADE)
        return np.asarray(np.where(self._ticks > 0, found, np.nan))

    def mean_depth(self) -> Float64[ndarray, " s"]:
        """Signature depth; NaN without ticks."""
        return np.asarray(self._depth / self._known())

    def without(self) -> dict[str, Float64[ndarray, " s"]]:
        """Share of ticks that each kernel had no part in; those of which that happened."""
        return {
            f"without {kernel.name}": count / self._known()
            for kernel, count in self._without.items()
            if count.any()
        }

    def _known(self) -> Float64[ndarray, " s"]:
        return np.where(self._ticks > 0, self._ticks, np.nan)
