"""Exact samples of fractional Gaussian noise, and noise that only looks rough."""

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]


def fractional_noise(hurst: float, ticks: int, lanes: int, rng: np.random.Generator) -> Series:
    """Unit-variance fGn, [ticks, lanes], by circulant embedding (Davies & Harte 1987).

    The covariance is written anew here, not taken from the code under test.
    """
    k = np.arange(ticks + 1)
    gamma = (np.abs(k - 1) ** (2 * hurst) + (k + 1) ** (2 * hurst)) / 2 - k ** (2 * hurst)
    row = np.concatenate([gamma, gamma[1:-1][::-1]])
    eigenvalues = np.fft.fft(row).real
    assert eigenvalues.min() > -1e-8
    size = len(row)
    normal = rng.standard_normal((lanes, size)) + 1j * rng.standard_normal((lanes, size))
    spectrum = np.sqrt(np.maximum(eigenvalues, 0.0) / size) * normal
    sample: Series = np.fft.fft(spectrum, axis=1).real[:, :ticks].T
    return sample


def bounced_noise(ratio: float, ticks: int, lanes: int, rng: np.random.Generator) -> Series:
    """Increments of a Brownian path observed with independent noise of `ratio` its step."""
    steps = rng.standard_normal((ticks, lanes))
    noise = ratio * rng.standard_normal((ticks + 1, lanes))
    seen: Series = (steps + np.diff(noise, axis=0)) / np.sqrt(1.0 + 2.0 * ratio**2)
    return seen
