"""Reported weights: votes, masks and overrides, and their order."""

import jax.numpy as jnp
import numpy as np
import pytest

from core import TILE_WIDTH
from core.folds import total
from core.weights import reported_weights

LATENT = (0.4, 0.3, 0.2, 0.1)
LAST = (0.1, 0.1, 0.1, 0.7)


def rows(values: tuple[float, ...]) -> jnp.ndarray:
    return jnp.repeat(jnp.asarray(values)[:, None], TILE_WIDTH, axis=1)


def report(
    *,
    credit: tuple[float, ...] = (1.0, 1.0, 1.0, 1.0),
    mask: tuple[bool, ...] = (True, True, True, True),
    frozen: bool = False,
    emergency: bool = False,
    collapsed: bool = False,
) -> list[float]:
    weights = reported_weights(
        rows(LATENT),
        credit=rows(credit),
        mask=rows(mask),
        last=rows(LAST),
        frozen=jnp.full((1, TILE_WIDTH), frozen),
        emergency=jnp.full((1, TILE_WIDTH), emergency),
        collapsed=jnp.full((1, TILE_WIDTH), collapsed),
    )
    assert bool((weights == weights[:, :1]).all())
    return [float(w) for w in weights[:, 0]]


def test_with_full_credit_the_latent_weights_are_reported() -> None:
    assert report() == pytest.approx(LATENT)


def test_a_vote_is_the_latent_weight_times_the_credit() -> None:
    votes = np.array(LATENT) * (0.5, 0.0, 1.0, 0.25)
    got = report(credit=(0.5, 0.0, 1.0, 0.25))
    np.testing.assert_allclose(got, votes / votes.sum(), rtol=1e-14)


def test_a_silent_kernel_does_not_shrink_the_others() -> None:
    assert report(credit=(0.9, 0.0, 0.0, 0.0)) == pytest.approx([1.0, 0.0, 0.0, 0.0])


def test_without_any_credit_among_those_that_run_the_latent_weights_decide() -> None:
    assert report(credit=(0.0, 0.0, 0.0, 0.0)) == pytest.approx(LATENT)
    got = report(credit=(1.0, 0.0, 0.0, 0.0), mask=(False, True, True, True))
    assert got == pytest.approx([0.0, 0.5, 1.0 / 3.0, 1.0 / 6.0])


def test_frozen_before_emergency_before_votes() -> None:
    silent = (1.0, 0.0, 0.0, 0.0)
    assert report(credit=silent, emergency=True) == [0.0, 0.0, 0.0, 1.0]
    assert report(credit=silent, emergency=True, frozen=True) == pytest.approx(LAST)
    only_d_masked = report(emergency=True, mask=(True, True, True, False))
    assert only_d_masked == pytest.approx([4 / 9, 3 / 9, 2 / 9, 0.0])


def test_uniform_over_all_when_nothing_runs() -> None:
    assert report(mask=(False, False, False, False)) == [0.25, 0.25, 0.25, 0.25]


def test_a_collapsed_kernel_b_has_no_weight_but_where_it_is_overruled() -> None:
    assert report(collapsed=True) == pytest.approx([4 / 7, 0.0, 2 / 7, 1 / 7])
    assert report(collapsed=True, credit=(0.0, 1.0, 0.0, 0.0))[1] == 0.0
    assert report(collapsed=True, emergency=True) == [0.0, 0.0, 0.0, 1.0]
    assert report(collapsed=True, frozen=True) == list(LAST)
    assert report(collapsed=True, mask=(False, True, False, False)) == [0.0, 1.0, 0.0, 0.0]


def test_frozen_weights_keep_every_bit() -> None:
    shares = np.random.default_rng(0).dirichlet(np.ones(3), TILE_WIDTH).T
    last = jnp.concatenate([jnp.asarray(shares), jnp.zeros((1, TILE_WIDTH))])
    assert (last / total(last) != last).any(), "totals of 1 to the bit would show nothing"
    for _ in range(3):
        moved = reported_weights(
            rows(LATENT),
            credit=rows((1.0,) * 4),
            mask=rows((True, True, True, False)),
            last=last,
            frozen=jnp.full((1, TILE_WIDTH), True),
            emergency=jnp.full((1, TILE_WIDTH), False),
            collapsed=jnp.full((1, TILE_WIDTH), False),
        )
        assert moved.tobytes() == last.tobytes()
