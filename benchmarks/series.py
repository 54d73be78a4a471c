"""Price series to forecast: thirteen synthetic processes, and real ticks where files are given.

Synthetic ones are functions of a generator, so that tuning and held-out seeds give other paths of
the same laws. Innovations have unit variance.
"""

import csv
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.core.holder.paths import fractional_noise

__all__ = ["SYNTHETIC", "Series", "read_prices"]

Series = NDArray[np.float64]
Sampler = Callable[[int, int, np.random.Generator], Series]


def read_prices(file: Path, count: int) -> Series:
    """The first `count` prices of a CSV: its second column, below a line of titles."""
    with file.open(encoding="utf-8", newline="") as stream:
        rows = islice(csv.reader(stream), 1, count + 1)
        return np.fromiter((float(row[1]) for row in rows), np.float64)


def _recursive(noise: Series, coefficient: Series | float) -> Series:
    """x_t = c_t x_{t-1} + noise_t."""
    factor = np.broadcast_to(coefficient, noise.shape)
    path = np.zeros_like(noise)
    for t in range(1, len(noise)):
        path[t] = factor[t] * path[t - 1] + noise[t]
    return path


def _normal(ticks: int, lanes: int, rng: np.random.Generator) -> Series:
    return rng.standard_normal((ticks, lanes))


def _jumps(ticks: int, lanes: int, rng: np.random.Generator) -> Series:
    """Two in a hundred ticks, six deviations large."""
    return (rng.random((ticks, lanes)) < 0.02) * rng.normal(0.0, 6.0, (ticks, lanes))


def _garch(ticks: int, lanes: int, rng: np.random.Generator) -> Series:
    noise, variance = _normal(ticks, lanes, rng), np.ones(lanes)
    steps = np.empty_like(noise)
    for t in range(ticks):
        steps[t] = np.sqrt(variance) * noise[t]
        variance = 0.02 + 0.1 * steps[t] ** 2 + 0.88 * variance
    return steps


def _switching(ticks: int, lanes: int, rng: np.random.Generator) -> Series:
    """Increments of autocorrelation 0.5 and -0.5, changing every 500 ticks."""
    sign = np.where((np.arange(ticks) // 500) % 2 == 0, 0.5, -0.5)[:, None]
    return _recursive(_normal(ticks, lanes, rng), sign)


def _bounce(ticks: int, lanes: int, rng: np.random.Generator) -> Series:
    """A walk seen at the bid or the ask, a half-spread of one deviation away."""
    side: Series = np.sign(_normal(ticks, lanes, rng))
    return _summed(_normal(ticks, lanes, rng)) + side


def _sine(ticks: int, lanes: int, rng: np.random.Generator) -> Series:
    wave: Series = 10.0 * np.sin(2.0 * np.pi * np.arange(ticks) / 100.0)
    return wave[:, None] + 0.3 * _normal(ticks, lanes, rng)


def _summed(steps: Series) -> Series:
    path: Series = np.cumsum(steps, axis=0)
    return path


SYNTHETIC: dict[str, Sampler] = {
    "AR(1) increments, 0.4": lambda t, n, g: _summed(_recursive(_normal(t, n, g), 0.4)),
    "OU, decay 0.9": lambda t, n, g: _recursive(_normal(t, n, g), 0.9),
    "random walk": lambda t, n, g: _summed(_normal(t, n, g)),
    "fBm, H 0.3": lambda t, n, g: _summed(fractional_noise(0.3, t, n, g)),
    "fBm, H 0.7": lambda t, n, g: _summed(fractional_noise(0.7, t, n, g)),
    "fGn, H 0.3": lambda t, n, g: fractional_noise(0.3, t, n, g),
    "fGn, H 0.7": lambda t, n, g: fractional_noise(0.7, t, n, g),
    "GARCH(1,1) walk": lambda t, n, g: _summed(_garch(t, n, g)),
    "Merton walk": lambda t, n, g: _summed(_normal(t, n, g) + _jumps(t, n, g)),
    "OU + jumps": lambda t, n, g: _recursive(_normal(t, n, g) + _jumps(t, n, g), 0.9),
    "regime AR, +-0.5": lambda t, n, g: _summed(_switching(t, n, g)),
    "bid-ask bounce": _bounce,
    "sine + noise": _sine,
}
