"""The latch: when it closes, when it asks for a new network, when it opens."""

import jax.numpy as jnp
import numpy as np
import pytest

from core.kernels.galerkin.collapse import collapse_fields, update_collapse
from core.kernels.galerkin.entropy import ENTROPY_GRID, TERMINAL_ENTROPY, spacing_entropy
from core.kernels.galerkin.surface import SURFACE_ROWS, Surface


class Watch:
    """One lane's latch, driven tick by tick."""

    def __init__(self, gamma: float = 0.5) -> None:
        self._gamma = gamma
        self._state = {f.name: jnp.full((f.rows, 1), f.initial) for f in collapse_fields()}

    @property
    def generation(self) -> int:
        return int(self._state["galerkin.generation"][0, 0])

    def tick(self, power: float, *, generation: int = 0, weight: float = 0.25) -> tuple[bool, bool]:
        rows = np.zeros((SURFACE_ROWS, 1))
        rows[-2:, 0] = power, generation
        self._state, seen = update_collapse(
            self._state,
            Surface.of(jnp.asarray(rows)),
            latent_weight=jnp.full((1, 1), weight),
            gamma=self._gamma,
        )
        return bool(seen.collapsed[0, 0]), bool(seen.began[0, 0])


@pytest.mark.parametrize("gamma", [0.5, 0.8, 1.0])
@pytest.mark.parametrize("margin", [-0.2, -1e-6, 1e-6, 0.2])
def test_a_solution_of_c_times_g_is_flagged_iff_c_is_below_gamma(
    gamma: float, margin: float
) -> None:
    share = gamma + margin
    entropy = spacing_entropy(jnp.asarray(share * ENTROPY_GRID))[0, 0]
    power = float(jnp.exp(entropy - TERMINAL_ENTROPY))
    watch = Watch(gamma)
    flags = [watch.tick(power)[0] for _ in range(40)]
    assert flags.index(True) == 10 if share < gamma else not any(flags)


def test_one_sound_tick_starts_the_count_anew() -> None:
    watch = Watch()
    flags = [watch.tick(0.9 if t % 11 == 10 else 0.1)[0] for t in range(100)]
    assert not any(flags)


@pytest.mark.parametrize("weight, flagged", [(0.05, False), (0.051, True)])
def test_it_matters_only_while_the_latent_weight_does(weight: float, flagged: bool) -> None:
    watch = Watch()
    assert any(watch.tick(0.1, weight=weight)[0] for _ in range(40)) == flagged


def test_not_a_number_is_a_collapse() -> None:
    watch = Watch()
    assert [watch.tick(float("nan"))[0] for _ in range(11)] == [False] * 10 + [True]


def test_it_opens_after_ten_sound_ticks_of_the_new_network() -> None:
    watch = Watch()
    begun = [watch.tick(0.1)[1] for _ in range(15)]
    assert begun == [False] * 10 + [True] + [False] * 4
    assert watch.generation == 1
    # The old network, even if it were sound again, is not what was asked for.
    assert all(watch.tick(0.9)[0] for _ in range(30))
    assert [watch.tick(0.9, generation=1)[0] for _ in range(11)] == [True] * 9 + [False] * 2
    assert watch.generation == 1


def test_a_new_network_that_fails_too_is_replaced_while_the_latch_stays() -> None:
    watch = Watch()
    for _ in range(11):
        watch.tick(0.1)
    seen = [watch.tick(0.1, generation=1) for _ in range(11)]
    assert all(closed for closed, _ in seen) and not any(began for _, began in seen)
    assert watch.generation == 2
    assert all(watch.tick(0.1, generation=1)[0] for _ in range(30))
    assert watch.generation == 2
