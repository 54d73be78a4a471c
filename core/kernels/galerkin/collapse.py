"""Mode collapse of the network: a latch on the entropy power of its solution.

The step judges, training acts: the latch asks for a new generation of the network, and training
starts one. It opens again once the new network has kept its spread for ten ticks.
"""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from core.kernels.galerkin.surface import Surface
from core.layout import Field, State

__all__ = ["Collapse", "collapse_fields", "update_collapse"]

PATIENCE_TICKS = 10.0
"""Ticks a violation may last (specification section 13.1), and a recovery must."""
RELEVANT_WEIGHT = 0.05
"""Latent weight of kernel B below which its collapse is nobody's concern (section 11.4)."""
_GENERATIONS = 2.0**20


class Collapse(NamedTuple):
    """Each [1, lanes].

    Attributes:
        collapsed: the latch.
        began: it closed at this tick.
    """

    collapsed: Bool[Array, "1 lanes"]
    began: Bool[Array, "1 lanes"]


def collapse_fields() -> tuple[Field, ...]:
    """Ticks of violation and of recovery, the latch, and the generation the network should be."""
    names = ("low_ticks", "sound_ticks", "collapsed", "generation")
    return tuple(Field(f"galerkin.{name}", "B", 1, 0.0) for name in names)


def update_collapse(
    state: State, surface: Surface, *, latent_weight: Float[Array, "1 lanes"], gamma: float
) -> tuple[dict[str, Float[Array, "rows lanes"]], Collapse]:
    """One tick of the latch.

    A new generation is asked for after more than ten ticks of violation in a row, also while the
    latch is closed, but not before the last one asked for has been trained.
    """
    sound = surface.power >= gamma  # a network that is not a number is not sound
    was = state["galerkin.collapsed"] > 0.0
    low = jnp.where(
        ~sound & (latent_weight > RELEVANT_WEIGHT), state["galerkin.low_ticks"] + 1.0, 0.0
    )
    renewed = surface.generation == state["galerkin.generation"]
    failed = (low > PATIENCE_TICKS) & renewed
    recovering = jnp.where(was & renewed & sound, state["galerkin.sound_ticks"] + 1.0, 0.0)
    released = recovering >= PATIENCE_TICKS
    collapsed = (was & ~released) | failed
    generation = state["galerkin.generation"] + failed
    new = {
        "galerkin.low_ticks": jnp.where(failed, 0.0, jnp.minimum(low, 2.0 * PATIENCE_TICKS)),
        "galerkin.sound_ticks": jnp.where(released, 0.0, recovering),
        "galerkin.collapsed": collapsed.astype(low.dtype),
        "galerkin.generation": jnp.where(generation >= _GENERATIONS, 0.0, generation),
    }
    return new, Collapse(collapsed, collapsed & ~was)
