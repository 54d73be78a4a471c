"""Simple forecasts of the next price, stepped beside the model on the same ticks. No look-ahead.

Persistence says the price stays; drift adds the mean move so far; EWMA is simple exponential
smoothing of the price; AR(1) regresses a move on the one before it, by least squares over all
moves so far. They are what a forecaster must beat to be worth its cost.
"""

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from workers.scoring import smoothed

__all__ = ["PEERS", "PeerState", "peer_forecasts"]

PEERS: Final = ("persistence", "drift", "ewma", "ar1")
_EWMA_GAIN: Final = 0.5


@dataclass(slots=True)
class PeerState:
    """One asset: ticks so far, its first and last price, smoothed level, sums of the regression."""

    ticks: int = 0
    first: float = 0.0
    last: float = 0.0
    level: float = 0.0
    last_move: float = 0.0
    cross: float = 0.0
    square: float = 0.0
    forecasts: list[float] = field(default_factory=lambda: [np.nan] * len(PEERS))


def peer_forecasts(state: PeerState, price: Float64[ndarray, " n"]) -> Float64[ndarray, "peers n"]:
    """Forecasts made at each of the next n > 0 ticks of an asset; the state moves on.

    Args:
        state: of the asset, changed in place.
        price: of the ticks, units of the price.
    """
    if state.ticks == 0:
        state.first = state.level = state.last = float(price[0])
    moves = np.diff(price, prepend=state.last)
    before = np.concatenate([[state.last_move], moves[:-1]])
    number = state.ticks + np.arange(1, price.size + 1)
    drift = (price - state.first) / np.maximum(number - 1, 1)
    level = smoothed(price, gain=_EWMA_GAIN, before=state.level)
    cross = state.cross + np.cumsum(moves * before)
    square = state.square + np.cumsum(before**2)
    slope = np.divide(cross, square, out=np.zeros_like(cross), where=square > 0.0)
    forecasts = np.stack([price, price + drift, level, price + slope * moves])
    state.ticks += price.size
    state.last, state.level = float(price[-1]), float(level[-1])
    state.last_move = float(moves[-1])
    state.cross, state.square = float(cross[-1]), float(square[-1])
    state.forecasts = forecasts[:, -1].tolist()
    return forecasts
