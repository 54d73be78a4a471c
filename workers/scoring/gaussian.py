"""Proper scores of a normal forecast, lower is better, and where the truth fell in it."""

import math

import numpy as np
from jaxtyping import Float64
from numpy import ndarray
from scipy.special import ndtr

__all__ = ["crps", "log_score", "pit"]

_LOG_ROOT_TWO_PI = 0.5 * math.log(2.0 * math.pi)


def log_score(error: Float64[ndarray, " n"], scale: Float64[ndarray, " n"]) -> ndarray:
    """Minus the log density of errors under N(0, scale²), in nats.

    Args:
        error: truth less forecast.
        scale: positive, in the same unit.
    """
    return np.asarray(0.5 * (error / scale) ** 2 + np.log(scale) + _LOG_ROOT_TWO_PI)


def crps(error: Float64[ndarray, " n"], scale: Float64[ndarray, " n"]) -> ndarray:
    """Continuous ranked probability score of N(0, scale²), in the unit of the errors.

    Closed form of Gneiting, Raftery, Westveld and Goldman (2005), equation 5.
    """
    z = error / scale
    density = np.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi)
    inside = z * (2.0 * ndtr(z) - 1.0) + 2.0 * density - 1.0 / math.sqrt(math.pi)
    return np.asarray(scale * inside)


def pit(error: Float64[ndarray, " n"], scale: Float64[ndarray, " n"]) -> ndarray:
    """Probability that N(0, scale²) gives to less than the error; uniform if the scale is right."""
    return np.asarray(ndtr(error / scale))
