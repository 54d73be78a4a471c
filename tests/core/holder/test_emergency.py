"""The emergency flag against a loop written from the sentence that defines it."""

import jax.numpy as jnp
import numpy as np

from core.holder.bank import Peak
from core.holder.emergency import MINIMUM_DWELL_TICKS, EmergencyState, next_emergency


def _flags(upper: np.ndarray, may_enter: np.ndarray, singular: np.ndarray) -> np.ndarray:
    """H + 2 se = `upper` tick by tick, with se = 0."""
    state = EmergencyState(jnp.zeros((1, 1)), jnp.zeros((1, 1)))
    flags = []
    for value, allowed, broken in zip(upper, may_enter, singular, strict=True):
        peak = Peak(jnp.full((1, 1), value), jnp.zeros((1, 1)))
        state, active = next_emergency(
            state,
            peak,
            threshold=0.4,
            may_enter=jnp.full((1, 1), allowed),
            singular=jnp.full((1, 1), broken),
        )
        flags.append(bool(active[0, 0]))
    return np.array(flags)


def test_random_walk_of_the_exponent_matches_a_plain_loop() -> None:
    rng = np.random.default_rng(3)
    upper = 0.42 + 0.03 * np.cumsum(rng.standard_normal(600)) / 4
    allowed = rng.random(600) < 0.8
    broken = rng.random(600) < 0.01
    expected, active, ticks = [], False, 0
    for value, may, singular in zip(upper, allowed, broken, strict=True):
        if singular:
            active, ticks = True, 0
        elif active and ticks >= 16 and value > 0.45:
            active = False
        elif not active and may and value < 0.4:
            active, ticks = True, 0
        ticks += 1 if active else 0
        expected.append(active)
    assert 0 < sum(expected) < 600
    np.testing.assert_array_equal(_flags(upper, allowed, broken), expected)


def test_uncertainty_delays_the_entry() -> None:
    state = EmergencyState(jnp.zeros((1, 1)), jnp.zeros((1, 1)))
    peak = Peak(jnp.full((1, 1), 0.3), jnp.full((1, 1), 0.06))
    yes, no = jnp.ones((1, 1), bool), jnp.zeros((1, 1), bool)
    _, active = next_emergency(state, peak, threshold=0.4, may_enter=yes, singular=no)
    assert not bool(active[0, 0])


def test_it_lasts_the_minimum_dwell() -> None:
    upper, never = np.concatenate([[0.3], np.full(100, 0.9)]), np.zeros(101, bool)
    assert _flags(upper, ~never, never).sum() == MINIMUM_DWELL_TICKS


def test_a_singularity_enters_and_starts_the_dwell_anew() -> None:
    singular = np.zeros(200, bool)
    singular[[10, 20]] = True
    flags = _flags(np.full(200, 0.9), np.zeros(200, bool), singular)
    np.testing.assert_array_equal(np.flatnonzero(flags), np.arange(10, 20 + MINIMUM_DWELL_TICKS))
