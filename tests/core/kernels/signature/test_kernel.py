"""Kernel D against its naive form; depths, freezing, and what it should find in known processes."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks.naive import signature as naive
from core import PredictorConfig
from core.kernels import signature
from tests.core.scanning import as_input, scan

LANES = 64
DEEP = PredictorConfig(log_sig_depth=5)


def kernel(
    r: np.ndarray,
    *,
    config: PredictorConfig = DEEP,
    depth: np.ndarray | int = 5,
    frozen: np.ndarray | None = None,
    dtype: str = "float64",
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Final state and the forecasts after every tick of increments [ticks, lanes]."""

    def update(state, tick):  # type: ignore[no-untyped-def]
        row, allowed, stop = tick
        return signature.update(config, state, increment=row, depth=allowed, frozen=stop)

    still = np.zeros(r.shape, dtype=bool) if frozen is None else frozen
    inputs = (as_input(r, dtype), as_input(np.broadcast_to(depth, r.shape)), jnp.asarray(still))
    return scan(signature.fields(config), update, inputs, lanes=r.shape[1], dtype=dtype)


def autoregressive(seed: int, ticks: int, coefficient: float) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(size=(ticks, LANES))
    r = noise.copy()
    for t in range(1, ticks):
        r[t] = coefficient * r[t - 1] + noise[t]
    return r


def loss(r: np.ndarray, forecasts: np.ndarray, burn_in: int = 500) -> float:
    """Squared error of forecasting the next increment, over persistence's."""
    ahead = r[1:][burn_in:]
    return float(np.mean((ahead - forecasts[:-1][burn_in:]) ** 2) / np.mean(ahead**2))


@pytest.mark.parametrize("log_sig_depth", [2, 3, 4, 5])
def test_equals_the_naive_form(log_sig_depth: int) -> None:
    config = PredictorConfig(log_sig_depth=log_sig_depth)
    rng = np.random.default_rng(log_sig_depth)
    r = autoregressive(log_sig_depth, 1200, 0.4) * np.exp(rng.normal(0.0, 0.5, LANES))
    r[300:330] = 0.0
    r += rng.normal(0.0, 12.0, r.shape) * (rng.random(r.shape) < 0.005)
    depth = rng.choice([0.0, 2.0, 3.0, 4.0, 5.0], r.shape)
    frozen = np.repeat(rng.random((120, LANES)) < 0.1, 10, axis=0)
    _, got = kernel(r, config=config, depth=depth, frozen=frozen)

    one = jax.vmap(
        lambda state, tick: naive.signature(config, state, tick[0], depth=tick[1], frozen=tick[2])
    )
    start = jax.tree.map(lambda x: jnp.broadcast_to(x, (LANES, *x.shape)), naive.fresh(config))
    run = jax.jit(lambda state, ticks: jax.lax.scan(one, state, ticks)[1])
    expected = run(start, (jnp.asarray(r), jnp.asarray(depth), jnp.asarray(frozen)))
    np.testing.assert_allclose(got, expected, rtol=1e-8, atol=1e-8)
    assert np.abs(got).mean() > 0.1


@pytest.mark.parametrize(
    ("log_sig_depth", "expected"),
    [
        (2, [2, 2, 2, 2, 2, 2]),
        (3, [2, 2, 3, 3, 3, 3]),
        (4, [2, 2, 3, 3, 3, 3]),
        (5, [2, 2, 3, 3, 5, 5]),
    ],
)
def test_the_ladder_is_2_3_5_capped(log_sig_depth: int, expected: list[int]) -> None:
    config = PredictorConfig(log_sig_depth=log_sig_depth)
    asked = jnp.asarray([[1.0, 2.0, 3.0, 4.0, 5.0, 9.0]])
    assert signature.allowed_depth(config, asked)[0].tolist() == expected


@pytest.mark.parametrize("kernel_d", ["fading", "window"])
def test_every_depth_is_trained_whichever_is_used(kernel_d: str) -> None:
    config = PredictorConfig.from_json(f'{{"kernel_d": "{kernel_d}", "log_sig_depth": 5}}')
    r = autoregressive(1, 900, 0.5)
    states, forecasts = zip(*(kernel(r, config=config, depth=d) for d in (2, 3, 5)), strict=True)
    for name, rows in states[0].items():
        assert rows.tobytes() == states[1][name].tobytes() == states[2][name].tobytes(), name
    shed = np.where(np.arange(900) < 600, 5, 2)[:, None]
    _, switched = kernel(r, config=config, depth=shed)
    np.testing.assert_array_equal(switched[:600], forecasts[2][:600])
    np.testing.assert_array_equal(switched[600:], forecasts[0][600:])
    assert not np.array_equal(forecasts[0][600:], forecasts[1][600:])
    assert not np.array_equal(forecasts[1][600:], forecasts[2][600:])


def test_a_frozen_kernel_stands_still_and_forecasts_persistence() -> None:
    r = autoregressive(2, 700, 0.5)
    frozen = np.zeros(r.shape, dtype=bool)
    frozen[600:, ::2] = True
    before, _ = kernel(r[:600])
    after, forecasts = kernel(r, frozen=frozen)
    assert np.all(forecasts[600:, ::2] == 0.0)
    for name, rows in after.items():
        if name not in {"signature.features", "signature.forecasts"}:
            assert rows[:, ::2].tobytes() == before[name][:, ::2].tobytes(), name
        else:
            assert np.all(rows[:, ::2] == 0.0)
    calm, _ = kernel(r)
    for name, rows in after.items():
        np.testing.assert_array_equal(rows[:, 1::2], calm[name][:, 1::2], err_msg=name)


def test_nothing_is_learned_across_a_frozen_stretch() -> None:
    """What came before it is no past of what comes after."""
    r = autoregressive(3, 640, 0.5)
    frozen = np.zeros(r.shape, dtype=bool)
    frozen[600:639] = True
    still, _ = kernel(r[:639], frozen=frozen[:639])
    after, _ = kernel(r, frozen=frozen)
    np.testing.assert_array_equal(after["signature.coefficients"], still["signature.coefficients"])


def test_an_asset_whose_first_tick_is_frozen_learns_afterwards() -> None:
    r = autoregressive(4, 2000, 0.5)
    frozen = np.zeros(r.shape, dtype=bool)
    frozen[0] = True
    _, forecasts = kernel(r, frozen=frozen)
    assert loss(r, forecasts) < 0.78


@pytest.mark.parametrize("kernel_d", ["fading", "window"])
@pytest.mark.parametrize("depth", [2, 3, 5])
def test_finds_persistence_and_reversal_and_leaves_noise_alone(kernel_d: str, depth: int) -> None:
    config = PredictorConfig.from_json(f'{{"kernel_d": "{kernel_d}", "log_sig_depth": 5}}')
    for coefficient in (0.5, -0.5):
        r = autoregressive(5, 2500, coefficient)
        assert loss(r, kernel(r, config=config, depth=depth)[1]) < 0.77  # at best 1 - 0.25
    noise = autoregressive(6, 2500, 0.0)
    assert loss(noise, kernel(noise, config=config, depth=depth)[1]) < 1.012


def test_follows_a_sign_that_flips_every_500_ticks() -> None:
    """What the slow regressions average away, the fast part finds."""
    noise = np.random.default_rng(7).normal(size=(6000, LANES))
    r = noise.copy()
    for t in range(1, len(r)):
        r[t] = (0.5 if t // 500 % 2 else -0.5) * r[t - 1] + noise[t]
    assert loss(r, kernel(r, depth=2)[1]) < 0.86


@functools.cache
def _nonlinear() -> np.ndarray:
    """Increments of a walk seen through a coin: the best forecast is not linear in them."""
    rng = np.random.default_rng(8)
    prices = np.cumsum(0.5 * rng.normal(size=(6000, LANES)), axis=0)
    prices += np.sign(rng.normal(size=prices.shape))
    steps = np.diff(prices, axis=0, prepend=prices[:1])
    return np.asarray(steps / steps.std())


def test_deeper_words_help_where_the_best_forecast_is_not_linear() -> None:
    r = _nonlinear()
    losses = [loss(r, kernel(r, depth=depth)[1], 1500) for depth in (2, 3, 5)]
    assert losses[0] > losses[1] + 0.002
    assert losses[1] > losses[2] + 0.002


@pytest.mark.parametrize("kernel_d", ["fading", "window"])
def test_float32_follows_float64(kernel_d: str) -> None:
    config = PredictorConfig.from_json(f'{{"kernel_d": "{kernel_d}", "log_sig_depth": 5}}')
    r = autoregressive(9, 1500, 0.4).astype(np.float32).astype(np.float64)
    wide, narrow = (kernel(r, config=config, dtype=d)[1] for d in ("float64", "float32"))
    assert np.abs(wide - narrow).max() < 2e-3
    assert np.quantile(np.abs(wide - narrow), 0.99) < 3e-4


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_extreme_increments_stay_finite(dtype: str) -> None:
    r = np.random.default_rng(10).normal(size=(2000, LANES))
    r[100:200] = 1e6
    r[200:300] = -1e6
    r[300:1300] = 0.0
    state, forecasts = kernel(r, dtype=dtype)
    assert np.isfinite(forecasts).all()
    assert np.abs(forecasts).max() <= 4.0
    assert all(np.isfinite(rows).all() for rows in state.values())
