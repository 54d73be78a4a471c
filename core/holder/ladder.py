"""The wavelet's scales and what follows from them alone: filters, delays, noise.

The wavelet is the second derivative of a Gaussian. Applied to a path that is constant between
ticks it weighs each increment by a first derivative of a Gaussian, so that levels are never
needed, and an unbounded price costs no precision. Runs once, the same on every processor. The
invariant: an isolated step of one increment scale has modulus 1 at every scale.
"""

import functools
import math
from decimal import Decimal
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from core.exact import exponential, logarithm, power, to_float64

__all__ = ["SCALES", "Ladder", "increment_filter", "ladder"]

VOICES = 4
FINEST = 0.7
OCTAVES = 3
SCALES: NDArray[np.float64] = FINEST * to_float64(
    power(2.0, j / VOICES) for j in range(VOICES * OCTAVES + 1)
)
"""0.7 to 5.6 samples, four voices an octave."""
_SUPPORT = 4.0
"""Deviations of the Gaussian; beyond them a step contributes less than 0.3% of its height."""


class Ladder(NamedTuple):
    """Constants of the transform under one cone. S scales, finest first.

    Attributes:
        filters: weight of the increment k ticks ago in the column that becomes computable now,
            [S, span].
        delays: ticks until a column is known to be a maximum or not, [S].
        reach: how far a line may move between scale j - 1 and j, in samples, [S - 1].
        log_ratio: log(a_j / a_0), [S].
        noise: standard deviation of an exponent read at scale j off a step of unit height in
            white increments of unit variance (delta method); 0 for the finest scale, [S].
    """

    filters: NDArray[np.float64]
    delays: tuple[int, ...]
    reach: tuple[int, ...]
    log_ratio: NDArray[np.float64]
    noise: NDArray[np.float64]


def increment_filter(scale: float) -> NDArray[np.float64]:
    """Weights of the increments into samples -r+1 .. r around a column, oldest first, [2 r].

    An increment lies half a sample before the level it leads to. Scaled by the largest weight,
    which is the modulus an isolated unit step has at its maximum.
    """
    radius = int(_SUPPORT * scale + 0.5)
    u = (np.arange(-radius, radius) + 0.5) / scale
    weights = u * to_float64(exponential(-(Decimal(x) ** 2) / 2) for x in u)
    return np.asarray(weights / np.abs(weights).max())


@functools.cache
def ladder(cone: float) -> Ladder:
    """All constants for lines that move at most `cone` * (a_j - a_{j-1}) + 1 samples a scale.

    Scale j looks at the finer scale's lines of one tick ago, within its reach on both sides, so
    each link adds its reach and one tick to the delay.
    """
    kernels = [increment_filter(float(a)) for a in SCALES]
    reach = tuple(int(cone * step + 1.0) for step in np.diff(SCALES))
    delays = [len(kernels[0]) // 2 + 1]
    for width in reach:
        delays.append(delays[-1] + 1 + width)
    span = max(d - 1 + len(k) // 2 for d, k in zip(delays, kernels, strict=True))
    filters = np.zeros((len(kernels), span))
    for row, delay, kernel in zip(filters, delays, kernels, strict=True):
        # The column lies delay - 1 ticks back; its newest increment is r ticks after it.
        newest = delay - 1 - len(kernel) // 2
        row[newest : newest + len(kernel)] = kernel[::-1]
    filters.setflags(write=False)
    log_ratio = to_float64(logarithm(a / SCALES[0]) for a in SCALES)
    return Ladder(filters, tuple(delays), reach, log_ratio, _exponent_noise(kernels, log_ratio))


def _exponent_noise(
    kernels: list[NDArray[np.float64]], log_ratio: NDArray[np.float64]
) -> NDArray[np.float64]:
    """At the maxima on one side of a step, where the line of each scale runs."""
    finest = _around_step(kernels[0], len(kernels[-1]))
    noise = np.zeros(len(kernels))
    for j in range(1, len(kernels)):
        difference = _around_step(kernels[j], len(kernels[-1])) - finest
        noise[j] = math.sqrt(math.fsum(difference * difference)) / log_ratio[j]
    return noise


def _around_step(kernel: NDArray[np.float64], half: int) -> NDArray[np.float64]:
    """The filter shifted so that its largest weight falls on the middle of 2 `half` + 1."""
    placed = np.zeros(2 * half + 1)
    start = half - int(np.argmax(kernel))
    placed[start : start + len(kernel)] = kernel
    return placed
