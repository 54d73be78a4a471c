"""When a low exponent becomes an emergency, and when it stops being one."""

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from core.holder.bank import Peak

__all__ = ["HYSTERESIS", "MINIMUM_DWELL_TICKS", "EmergencyState", "next_emergency"]

HYSTERESIS = 0.05
MINIMUM_DWELL_TICKS = 16
"""From the last singularity. While it holds, kernel D alone forecasts, whichever kernel is best: at
32, two jumps in a hundred ticks put an asset into emergency for 14% of the time, at 16 for 9%."""
_ERRORS = 2.0


class EmergencyState(NamedTuple):
    """`active` is 0 or 1; `held_ticks` counts the ticks spent in it, up to the minimum dwell."""

    active: Float[Array, "1 lanes"]
    held_ticks: Float[Array, "1 lanes"]


def next_emergency(
    state: EmergencyState,
    peak: Peak,
    *,
    threshold: float,
    may_enter: Bool[Array, "1 lanes"],
    singular: Bool[Array, "1 lanes"],
) -> tuple[EmergencyState, Bool[Array, "1 lanes"]]:
    """Enter at H + 2 se < threshold or at a singularity; leave above threshold + 0.05.

    Not before the minimum dwell has passed, counted from the last singularity.

    Source: specification section 11.2, with the uncertainty of the estimate taken into account:
    H alone is below 0.4 for 5% of the 128-tick windows of a Brownian path.
    """
    upper = peak.exponent + _ERRORS * peak.standard_error
    was_active = state.active > 0.0
    may_leave = (state.held_ticks >= MINIMUM_DWELL_TICKS) & (upper > threshold + HYSTERESIS)
    active = jnp.where(was_active, ~may_leave, may_enter & (upper < threshold)) | singular
    goes_on = active & was_active & ~singular
    held = jnp.where(goes_on, state.held_ticks + 1.0, jnp.where(active, 1.0, 0.0))
    held = jnp.minimum(held, float(MINIMUM_DWELL_TICKS))
    return EmergencyState(active.astype(state.active.dtype), held), active
