"""Kernel D as the step sees it: the path's signature, its readouts, and the depth allowed."""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from core.barrier import settle
from core.config import PredictorConfig
from core.kernels.signature import fading, readout, window
from core.kernels.signature.features import read, rungs
from core.layout import Field, State

__all__ = ["allowed_depth", "fields", "update"]

INCREMENT_BOUND = 12.0
"""Scale units. A jump is where the path now is: clipped at 8, it would be lost to what reverts."""
_FORGOTTEN = ("signature.features", "signature.forecasts")
"""What a frozen tick must not leave behind: forecasts of a tick that will not be the next."""


def fields(config: PredictorConfig) -> tuple[Field, ...]:
    """The signature's rows, and the readouts'."""
    path = fading if config.kernel_d == "fading" else window
    return (*path.fields(rungs(config)[-1]), *readout.fields(config))


def allowed_depth(
    config: PredictorConfig, depth: Float[Array, "1 lanes"]
) -> Float[Array, "1 lanes"]:
    """The deepest rung that a decision allows; the lowest if it allows none."""
    allowed = jnp.full_like(depth, float(rungs(config)[0]))
    for rung in rungs(config)[1:]:
        allowed = jnp.where(depth >= float(rung), float(rung), allowed)
    return allowed


def update(
    config: PredictorConfig,
    state: State,
    *,
    increment: Float[Array, "1 lanes"],
    depth: Float[Array, "1 lanes"],
    frozen: Bool[Array, "1 lanes"],
) -> tuple[dict[str, Float[Array, "rows lanes"]], Float[Array, "1 lanes"]]:
    """Learn from r_t, then forecast r_{t+1} with the readout of the depth allowed.

    Args:
        config: `kernel_d` and `log_sig_depth` are read.
        state: named view of the tile.
        increment: r_t.
        depth: what `allowed_depth` returned. All depths learn, whichever is used.
        frozen: the stream is too sparse for its path to mean anything: path and readouts stand
            still and the forecast is persistence.

    Returns:
        The new fields, and the forecast in scale units. Source: predictor.md, section 3, D.
    """
    realised = jnp.clip(increment, -INCREMENT_BOUND, INCREMENT_BOUND)
    path = fading if config.kernel_d == "fading" else window
    moved, signature = path.update(state, realised, rungs(config)[-1])
    features = settle(read(config, signature, realised))
    learned, forecasts = readout.update(config, state, realised=realised, features=features)
    new = {
        name: jnp.where(frozen, 0.0 if name in _FORGOTTEN else state[name], rows)
        for name, rows in (moved | learned).items()
    }
    chosen = forecasts[0:1]
    for at, rung in enumerate(rungs(config)[1:], start=1):
        chosen = jnp.where(depth >= float(rung), forecasts[at : at + 1], chosen)
    chosen = jnp.clip(chosen, -readout.FORECAST_BOUND, readout.FORECAST_BOUND)
    return new, jnp.where(frozen, 0.0, chosen)
