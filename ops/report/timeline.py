"""A run over time: everything in a fixed number of stretches of equal length."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from ops.report.certainty import StretchSkill
from ops.report.read import read_batches
from ops.report.service import Service
from ops.report.skill import Judged, column

__all__ = ["COLUMNS", "Timeline", "flag_timeline"]

WEIGHTS: Final = ("weight_a", "weight_b", "weight_c", "weight_d")
COLUMNS: Final = (
    *WEIGHTS,
    "holder_exponent",
    "regime_change_detected",
    "processing_time_ns",
    "signature_depth",
    "kernel_mask",
)
_STRETCHES: Final = 120
_HOLDER_BINS: Final = 60
_HOLDER_TOP: Final = 1.5
_CONFIDENCE: Final = 0.95


@dataclass(slots=True)
class Timeline:
    """Sums per stretch.

    Attributes:
        first_ns, last_ns: event time of the run's ends.
        ticks: per stretch.
        losses: squared errors of the model and of persistence.
        weights: sums of the kernels' weights.
        holder: how often the Hölder exponent lay in each bin of [0, 1.5].
        alarms: regime changes.
        certainty: how sure the skill is.
        service: how old ticks were, and what was shed.
    """

    first_ns: int
    last_ns: int
    ticks: Float64[ndarray, " s"] = field(default_factory=lambda: np.zeros(_STRETCHES))
    losses: Float64[ndarray, "2 s"] = field(default_factory=lambda: np.zeros((2, _STRETCHES)))
    weights: Float64[ndarray, "4 s"] = field(default_factory=lambda: np.zeros((4, _STRETCHES)))
    holder: Float64[ndarray, "s bins"] = field(
        default_factory=lambda: np.zeros((_STRETCHES, _HOLDER_BINS))
    )
    alarms: Float64[ndarray, " s"] = field(default_factory=lambda: np.zeros(_STRETCHES))
    certainty: StretchSkill = field(default_factory=lambda: StretchSkill(_STRETCHES))
    service: Service = field(default_factory=lambda: Service(_STRETCHES))

    @property
    def middle_ns(self) -> Float64[ndarray, " s"]:
        """Event time in the middle of each stretch."""
        length = (self.last_ns - self.first_ns) / _STRETCHES
        return self.first_ns + length * (np.arange(_STRETCHES) + 0.5)

    @property
    def accepted(self) -> int:
        """Ticks in all: those that were not rejected."""
        return int(self.ticks.sum())

    def stretch_of(self, timestamp_ns: Int64[ndarray, " n"]) -> Int64[ndarray, " n"]:
        """Into which stretch each time falls."""
        length = max(self.last_ns - self.first_ns, 1)
        # As a difference of integers first: nanoseconds since 1970 do not fit a double.
        place = (timestamp_ns - self.first_ns) / length * _STRETCHES
        return np.clip(place.astype(np.int64), 0, _STRETCHES - 1)

    def add(self, judged: Judged) -> None:
        """One batch."""
        rows, batch = judged.rows, judged.batch
        at = self.stretch_of(column(batch, "timestamp_ns")[rows])
        self.ticks += np.bincount(at, minlength=_STRETCHES)
        self.certainty.add(at, judged.asset, judged.losses)
        self.service.add(at, batch, rows)
        for number, loss in enumerate(judged.losses):
            self.losses[number] += np.bincount(at, np.nan_to_num(loss), _STRETCHES)
        for number, name in enumerate(WEIGHTS):
            self.weights[number] += np.bincount(at, column(batch, name)[rows], _STRETCHES)
        exponent = column(batch, "holder_exponent")[rows]
        bins = np.clip(exponent / _HOLDER_TOP * _HOLDER_BINS, 0, _HOLDER_BINS - 1)
        known = np.isfinite(bins)
        cell = at[known] * _HOLDER_BINS + bins[known].astype(np.int64)
        self.holder += np.bincount(cell, minlength=self.holder.size).reshape(self.holder.shape)
        self.alarms += np.bincount(
            at, column(batch, "regime_change_detected")[rows].astype(float), _STRETCHES
        )

    def skill(self) -> Float64[ndarray, " s"]:
        """1 - squared errors over persistence's; NaN where there is nothing to divide by."""
        base = self.losses[1]
        ratio = np.divide(self.losses[0], base, out=np.full_like(base, np.nan), where=base > 0.0)
        return np.asarray(1.0 - ratio)

    def skill_band(self) -> tuple[Float64[ndarray, " s"], Float64[ndarray, " s"]]:
        """A 95% interval around it."""
        skill, half = self.skill(), self.certainty.half_width(_CONFIDENCE)
        return skill - half, skill + half

    def mean_weights(self) -> Float64[ndarray, "4 s"]:
        """NaN where there are no ticks."""
        ticks = np.where(self.ticks > 0, self.ticks, np.nan)
        return np.asarray(self.weights / ticks)

    def holder_quantiles(self, shares: tuple[float, ...]) -> Float64[ndarray, "q s"]:
        """Quantiles of the exponent over all ticks of a stretch, to the width of a bin."""
        below = np.cumsum(self.holder, axis=1)
        total = below[:, -1:]
        found = np.array([(below < share * total).sum(axis=1) for share in shares], dtype=float)
        found = (found + 0.5) * _HOLDER_TOP / _HOLDER_BINS
        found[:, total[:, 0] == 0] = np.nan
        return found


def flag_timeline(run: Path, timeline: Timeline) -> dict[str, Float64[ndarray, " s"]]:
    """Events per stretch and type, cleared ones not counted; the most frequent first."""
    found: dict[str, Any] = defaultdict(lambda: np.zeros(_STRETCHES))
    for batch in read_batches(run, "flags", ["type", "state", "timestamp_ns"]):
        at = timeline.stretch_of(column(batch, "timestamp_ns"))
        counts = Counter(
            (kind, stretch)
            for kind, state, stretch in zip(
                batch.column("type").to_pylist(),
                batch.column("state").to_pylist(),
                at.tolist(),
                strict=True,
            )
            if state != "cleared"
        )
        for (kind, stretch), count in counts.items():
            found[kind][stretch] += count
    return dict(sorted(found.items(), key=lambda item: -item[1].sum()))
