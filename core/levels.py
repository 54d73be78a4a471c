"""Location and spread of the last `wtmm_buffer_size` levels, the newest included.

Both are computed from the ring at every tick, so that they cannot drift. Levels are kept relative
to the asset's anchor: a gap the guards have accepted moves the anchor, not the window.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Float

from core.config import PredictorConfig
from core.folds import total
from core.layout import Field, State

__all__ = ["Levels", "fields", "update"]


class Levels(NamedTuple):
    """Statistics of the window, in units of the price. Each [1, lanes].

    Attributes:
        mean: mean level, relative to the anchor.
        deviation: population standard deviation of the levels; 0 for equal ones.
        filled: levels seen, at most the window.
    """

    mean: Float[Array, "1 lanes"]
    deviation: Float[Array, "1 lanes"]
    filled: Float[Array, "1 lanes"]


def fields(config: PredictorConfig) -> tuple[Field, ...]:
    """The ring of levels, the slot to write next, and how many are filled."""
    return (
        Field("levels.ring", "global", config.wtmm_buffer_size, 0.0),
        Field("levels.phase", "global", 1, 0.0),
        Field("levels.filled", "global", 1, 0.0),
    )


def update(
    config: PredictorConfig,
    state: State,
    level: Float[Array, "1 lanes"],
    *,
    run: Float[Array, "1 lanes"],
) -> tuple[dict[str, Float[Array, "rows lanes"]], Levels]:
    """Overwrite the oldest level, then take mean and deviation in two passes.

    Args:
        config: hyperparameters.
        state: before the tick.
        level: the newest.
        run: ticks up to this one, it included, that did not move the price.
    """
    window = config.wtmm_buffer_size
    slot = jnp.arange(window, dtype=level.dtype)[:, None]
    phase = state["levels.phase"]
    ring = jnp.where(slot == phase, level, state["levels.ring"])
    filled = jnp.minimum(state["levels.filled"] + 1.0, float(window))
    # Slots not yet filled hold zero and are left out of the second sum.
    mean = total(ring) / filled
    squares = jnp.where(slot < filled, jnp.square(ring - mean), 0.0)
    deviation = jnp.sqrt(total(squares) / filled)
    # The mean of n equal numbers is not always that number: what rounding leaves would be a unit
    # to the kernels.
    still = run >= filled - 1.0
    mean, deviation = jnp.where(still, level, mean), jnp.where(still, 0.0, deviation)
    new = {
        "levels.ring": ring,
        "levels.phase": jnp.where(phase == window - 1.0, 0.0, phase + 1.0),
        "levels.filled": filled,
    }
    return new, Levels(mean=mean, deviation=deviation, filled=filled)
