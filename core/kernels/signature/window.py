"""The signature of exactly the last `WINDOW` segments, by two stacks whose flip is spread out.

A window slides by dropping its oldest segment. The group inverse would undo it with one product,
and lets rounding errors grow without bound. Two stacks only ever multiply: products of the
window's front end are kept for every later start, those of its back end are extended. Turning
one into the other in one tick would be a burst, so blocks of `BLOCK` segments are turned one
segment a tick, while the next block fills:

    window = [suffix of block b-2 from segment p] [block b-1] [block b up to segment p]

has 2 BLOCK + 1 segments at every phase p. Three products a tick, whatever the phase; the phase
is the asset's own.
"""

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from core.barrier import settle
from core.folds import total
from core.kernels.signature.tensor import (
    Tensor,
    chen,
    exponential,
    flatten,
    multiply_exponential,
    terms,
    unflatten,
)
from core.layout import Field, State

__all__ = ["BLOCK", "WINDOW", "fields", "update"]

BLOCK = 16
WINDOW = 2 * BLOCK + 1
_TIME, _PRICE = 1.0 / WINDOW, WINDOW**-0.5
"""Units that make level 1 of order one: time sums to 1, unit-variance increments to variance 1."""


def fields(depth: int) -> tuple[Field, ...]:
    """Suffix products by slot, increments by slot, and the three products in progress."""
    return (
        Field("signature.suffixes", "D", BLOCK * terms(depth), 0.0),
        Field("signature.increments", "D", BLOCK, 0.0),
        Field("signature.backward", "D", terms(depth), 0.0),
        Field("signature.forward", "D", terms(depth), 0.0),
        Field("signature.middle", "D", terms(depth), 0.0),
        Field("signature.phase", "D", 1, 0.0),
        Field("signature.turning", "D", 1, 0.0),
    )


def update(
    state: State, increment: Float[Array, "1 lanes"], depth: int
) -> tuple[dict[str, Float[Array, "rows lanes"]], Tensor]:
    """Append one tick and drop the one `WINDOW` ago. Returns the new fields and the levels.

    Levels are [words, 1, lanes], of as many segments as there are until the window is full.
    """
    phase = state["signature.phase"]
    starts = (phase == 0.0) | (phase == float(BLOCK))
    here = _slot(phase)
    suffixes = state["signature.suffixes"].reshape(terms(depth), BLOCK, -1)
    front = _picked(suffixes, here)
    turned = _picked(state["signature.increments"][None], here)
    front, turned = settle((front, turned))

    # Nothing precedes the first block: its segments have no length.
    clock = _TIME * state["signature.turning"]
    older = unflatten(jnp.where(starts, 0.0, state["signature.backward"]), depth)
    backward = flatten(chen(exponential(_stack(clock, turned), depth), older))

    newest = _stack(jnp.full_like(increment, _TIME), increment)[:, None]
    restarted = jnp.where(starts, 0.0, state["signature.forward"])
    continued = jnp.where(starts, state["signature.forward"], state["signature.middle"])
    both = unflatten(jnp.stack([restarted, continued], axis=1), depth)
    moved = settle(flatten(multiply_exponential(both, newest)))
    window = chen(unflatten(front[:, None], depth), unflatten(moved[:, 1:2], depth))
    backward = settle(backward)

    last = phase == 2.0 * BLOCK - 1.0
    rewritten = jnp.where(here, backward[:, None], suffixes)
    return {
        "signature.suffixes": rewritten.reshape(terms(depth) * BLOCK, -1),
        "signature.increments": jnp.where(here, increment, state["signature.increments"]),
        "signature.backward": backward,
        "signature.forward": moved[:, 0],
        "signature.middle": moved[:, 1],
        "signature.phase": jnp.where(last, 0.0, phase + 1.0),
        "signature.turning": jnp.where(phase >= BLOCK - 1.0, 1.0, state["signature.turning"]),
    }, window


def _slot(phase: Float[Array, "1 lanes"]) -> Bool[Array, "slots lanes"]:
    """The slot read and then written at this phase.

    What is read has had its last use, so the newly turned product takes its place. Blocks are
    read first to last and turned last to first: the order of slots alternates between blocks.
    """
    slot = jnp.arange(BLOCK, dtype=phase.dtype)[:, None]
    return slot == jnp.where(phase < BLOCK, phase, 2.0 * BLOCK - 1.0 - phase)


def _picked(
    rows: Float[Array, "terms slots lanes"], here: Bool[Array, "slots lanes"]
) -> Float[Array, "terms lanes"]:
    """The rows of one slot: a sum with one term that is not zero."""
    return total(jnp.where(here, rows, 0.0), axis=1)[:, 0]


def _stack(
    time: Float[Array, "1 lanes"], increment: Float[Array, "1 lanes"]
) -> Float[Array, "2 lanes"]:
    return jnp.concatenate([time, _PRICE * increment])
