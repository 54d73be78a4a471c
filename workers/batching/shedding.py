"""Load shedding: how deep the signature may go and which kernels may run (spec §15).

Pure: latencies and arrivals are told to it, and its answer is a decision that the journal
records. `predictor.md` §7 says which ratios lead where.
"""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from core import AVAILABLE_KERNELS, Kernel
from workers.errors import ConfigurationError

__all__ = ["LoadShedder", "SheddingPolicy", "depth_ladder"]

_LADDER: Final = (2, 3, 5)
_ASCENDING: Final = ("recovery_ratio", "degradation_ratio", "critical_ratio", "mask_b_ratio")
# Lowest and highest; NaN lies in no range.
_RANGES: Final = {
    **dict.fromkeys(_ASCENDING, (0.0, 1e6)),
    "ewma_alpha": (1e-6, 1.0),
    "dwell_batches": (1, 1_000_000),
}


def depth_ladder(max_depth: int) -> tuple[int, ...]:
    """The depths there are readouts for, up to `log_sig_depth`; the last is the one at rest."""
    return tuple(rung for rung in _LADDER if rung <= max_depth)


@dataclass(frozen=True, slots=True)
class SheddingPolicy:
    """Thresholds on the latency ratio; they change decisions, never what a decision leads to.

    Attributes:
        critical_ratio: at or above, the lowest rung; above, kernel C is masked.
        degradation_ratio: at or above, at most depth 3.
        recovery_ratio: below, one rung up after the dwell.
        mask_b_ratio: above, kernel B is masked too.
        ewma_alpha: weight of the newest batch in both averages (spec §15: 0.3).
        dwell_batches: batches between two steps up.

    Raises:
        ConfigurationError: a threshold is out of range or out of order; the message names it.
    """

    critical_ratio: float = 1.0
    degradation_ratio: float = 0.7
    recovery_ratio: float = 0.5
    mask_b_ratio: float = 2.0
    ewma_alpha: float = 0.3
    dwell_batches: int = 20

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise ConfigurationError(
                    f"shedding.{name} must lie in [{low:g}, {high:g}], got {getattr(self, name)}"
                )
        for lower, upper in pairwise(_ASCENDING):
            if getattr(self, lower) > getattr(self, upper):
                raise ConfigurationError(
                    f"shedding.{lower} must not be above shedding.{upper}: "
                    f"{getattr(self, lower)} against {getattr(self, upper)}"
                )


class LoadShedder:
    """Follows step latency and inter-arrival time of micro-batches.

    Args:
        max_depth: `log_sig_depth` of the configuration; caps the ladder {2, 3, 5}.
        policy: the thresholds.
    """

    def __init__(self, max_depth: int, policy: SheddingPolicy | None = None) -> None:
        self._policy = policy or SheddingPolicy()
        self._ladder = depth_ladder(max_depth)
        self._rung = len(self._ladder) - 1
        self._latency_s: float | None = None
        self._interval_s: float | None = None
        self._batches_since_step = 0

    @property
    def ratio(self) -> float:
        """EWMA of step latency over EWMA of inter-arrival; 0 until both are known."""
        if self._latency_s is None or not self._interval_s:
            return 0.0
        return self._latency_s / self._interval_s

    @property
    def latency_s(self) -> float:
        """EWMA of step latency; 0 until one is known."""
        return self._latency_s or 0.0

    @property
    def depth(self) -> int:
        """The depth allowed now."""
        return self._ladder[self._rung]

    @property
    def kernel_mask(self) -> int:
        """The kernels allowed now."""
        mask = AVAILABLE_KERNELS
        if self.ratio > self._policy.critical_ratio:
            mask &= ~Kernel.C
        if self.ratio > self._policy.mask_b_ratio:
            mask &= ~Kernel.B
        return int(mask)

    def observe(self, *, latency_s: float, interval_s: float) -> None:
        """Tell one micro-batch: how long its step took, and how long ago the one before came."""
        alpha = self._policy.ewma_alpha
        self._latency_s = _ewma(self._latency_s, latency_s, alpha)
        self._interval_s = _ewma(self._interval_s, interval_s, alpha)
        self._batches_since_step += 1
        top = len(self._ladder) - 1
        if self.ratio >= self._policy.critical_ratio:
            self._move_to(0)
        elif self.ratio >= self._policy.degradation_ratio:
            self._move_to(min(self._rung, max(i for i, r in enumerate(self._ladder) if r <= 3)))
        elif (
            self.ratio < self._policy.recovery_ratio
            and self._batches_since_step >= self._policy.dwell_batches
        ):
            self._move_to(min(self._rung + 1, top))

    def _move_to(self, rung: int) -> None:
        if rung != self._rung:
            self._rung = rung
            self._batches_since_step = 0


def _ewma(average: float | None, value: float, alpha: float) -> float:
    return value if average is None else alpha * value + (1.0 - alpha) * average
