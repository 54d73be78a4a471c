"""CUSUM against plain loops, the grace table of the specification, and false-alarm rates."""

import math
from dataclasses import dataclass, field

import jax.numpy as jnp
import numpy as np
import pytest

from core import PredictorConfig, cusum, kurtosis
from tests.core.scanning import as_input, scan

Series = np.ndarray


def watch(
    errors: Series,
    *,
    kappa: Series | None = None,
    scored: Series | None = None,
    config: PredictorConfig | None = None,
    dtype: str = "float64",
) -> cusum.RegimeDrift:
    """Run CUSUM over errors [ticks, lanes], with its kurtosis measured unless given."""
    config = config or PredictorConfig()
    seen = np.ones(errors.shape, bool) if scored is None else scored
    given = np.full(errors.shape, np.nan) if kappa is None else kappa

    def update(state, x):  # type: ignore[no-untyped-def]
        error, ok, fixed = x
        new, tails = kurtosis.update(config, state, error, ok)
        used = tails.kurtosis if kappa is None else fixed
        own, drift = cusum.update(config, state, error, used, ok)
        return new | own, drift

    _, rows = scan(
        cusum.fields(config) + kurtosis.fields(config),
        update,
        (as_input(errors, dtype), seen, as_input(given, dtype)),
        lanes=errors.shape[1],
        dtype=dtype,
    )
    assert isinstance(rows, cusum.RegimeDrift)
    return rows


@dataclass
class Reference:
    """The calibrated rule as a loop over one lane, from docs/detectors.md."""

    h: float
    k: float
    period: int
    mean: float = 0.0
    variance: float = 0.0
    errors: int = 0
    channels: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    steps: int = 10**6

    def tick(self, error: float, kappa: float) -> tuple[float, float, bool]:
        self.steps += 1
        if self.steps == self.period:
            self.channels = [0.0, 0.0, 0.0]
        z = 0.0
        if self.errors >= 8 and self.variance > 0:
            z = (error - self.mean) / math.sqrt(self.variance * (1 + 3 / self.errors))
        z = min(max(z, -4.0), 4.0)
        density = -6.5 * math.log1p(z * z / 10)
        wider = -6.5 * math.log1p(z * z / 40) - math.log(2)
        increments = (z - self.k, -z - self.k, wider - density - 0.08)
        self.channels = [max(g + d, 0.0) for g, d in zip(self.channels, increments, strict=True)]
        g, h = max(self.channels) / 1.25, self.h * (1 + math.log(max(kappa, 3.0) / 3))
        alarm = g > h and self.steps >= self.period
        self._learn(error)
        if alarm:
            self.channels, self.steps, self.errors = [0.0, 0.0, 0.0], 0, 0
        return g, h, alarm

    def _learn(self, error: float) -> None:
        step = error - self.mean
        if self.errors >= 20:
            bound = 2.25 * math.sqrt(self.variance)
            step = min(max(step, -bound), bound)
        if self.variance == 0:
            self.errors = min(self.errors, 1)
        self.errors += 1
        gain = max(1 / self.errors, 1 - 0.5 ** (1 / 250))
        self.mean += gain * step
        self.variance = (1 - gain) * (self.variance + gain * step * step)


def _wild(rng: np.random.Generator, ticks: int, lanes: int) -> Series:
    """Errors with heavy tails whose mean and volatility jump now and then."""
    level = np.repeat(rng.normal(0, 2, (ticks // 100, lanes)), 100, axis=0)
    width = np.repeat(np.exp(rng.normal(0, 1, (ticks // 100, lanes))), 100, axis=0)
    wild: Series = level + width * rng.standard_t(4, (ticks, lanes))
    return wild


def test_agrees_with_a_plain_loop_on_wild_errors() -> None:
    rng = np.random.default_rng(2)
    errors, kappa = _wild(rng, 800, 16), rng.uniform(2, 12, (800, 16))
    scored = rng.random((800, 16)) < 0.9
    config = PredictorConfig(cusum_h=4.0, cusum_k=0.4, grace_period_steps=15)
    got = watch(errors, kappa=kappa, scored=scored, config=config)
    alarms = 0
    for lane in range(16):
        loop = Reference(h=4.0, k=0.4, period=15)
        for t in range(800):
            if not scored[t, lane]:
                assert not got.alarm[t, lane]
                continue
            g, h, alarm = loop.tick(errors[t, lane], kappa[t, lane])
            assert got.g_plus[t, lane] == pytest.approx(g, abs=1e-9)
            assert got.threshold[t, lane] == pytest.approx(h, abs=1e-12)
            assert bool(got.alarm[t, lane]) == alarm
            alarms += alarm
    assert alarms > 40


def test_a_permanently_true_raw_alarm_is_raised_at_1_21_and_41() -> None:
    steps = jnp.full((1, 1), 2.0**20)
    raised = []
    for t in range(1, 61):
        steps, silent = cusum.grace(steps, period=20)
        if not bool(silent[0, 0]):
            raised.append(t)
            steps = jnp.zeros((1, 1))
    assert raised == [1, 21, 41]


def test_alarms_of_a_permanent_explosion_are_one_grace_period_apart() -> None:
    errors = np.repeat(1.5 ** np.arange(120.0)[:, None], 2, axis=1)
    got = watch(errors, config=PredictorConfig(cusum_h=1.0, grace_period_steps=20))
    times = np.flatnonzero(got.alarm[:, 0])
    assert len(times) >= 4
    np.testing.assert_array_equal(np.diff(times), 20)


def test_values_are_those_before_the_reset_and_the_shadow_ends_with_grace() -> None:
    rng = np.random.default_rng(6)
    errors = rng.standard_normal((500, 32))
    errors[300:] += 3.0
    errors[310:] += np.arange(190)[:, None]
    got = watch(errors)
    t, lane = np.argwhere(got.alarm[300:310])[0] + (300, 0)
    assert got.g_plus[t, lane] > got.threshold[t, lane]
    assert got.distance[t, lane] == got.threshold[t, lane] - got.g_plus[t, lane]
    inside = slice(t + 1, t + 20)
    assert got.in_grace[inside, lane].all()
    assert not got.alarm[inside, lane].any()
    assert got.g_plus[t + 19, lane] > 3.0  # the shadow saw the drift
    assert not got.in_grace[t + 20, lane]
    assert got.g_plus[t + 20, lane] <= 3.5 / 1.25  # one increment from zero


@pytest.mark.parametrize("unit", [1e-6, 1e-3, 1e3, 1e6])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_alarms_are_the_same_in_any_unit(unit: float, dtype: str) -> None:
    errors = _wild(np.random.default_rng(8), 1500, 64)
    base, scaled = watch(errors, dtype=dtype), watch(errors * unit, dtype=dtype)
    assert base.alarm.sum() > 100
    differing = np.any(base.alarm != scaled.alarm, axis=0).sum()
    assert differing <= (0 if dtype == "float64" else 1)  # rounding next to a threshold


@pytest.mark.parametrize("law", ["normal", "t4"])
def test_false_alarm_rate_at_defaults(law: str) -> None:
    rng = np.random.default_rng(10)
    size = (5000, 64)
    errors = rng.standard_normal(size) if law == "normal" else rng.standard_t(4, size)
    alarms = watch(errors).alarm[500:].sum()
    assert 400 <= 4500 * 64 / alarms <= 3000


@pytest.mark.parametrize(
    ("law", "h", "limits"), [("normal", 5.95, (18, 20)), ("t4", 5.65, (16, 33))]
)
def test_delays_at_thresholds_set_to_an_arl_of_5000(
    law: str, h: float, limits: tuple[float, float]
) -> None:
    rng = np.random.default_rng(12)
    size = (1100, 256)
    errors = rng.standard_normal(size)
    if law == "t4":
        errors = rng.standard_t(4, size) / math.sqrt(2)
    for limit, change in zip(limits, ("mean", "volatility"), strict=True):
        shifted = errors.copy()
        shifted[700:] = shifted[700:] + 1 if change == "mean" else shifted[700:] * 2
        alarm = watch(shifted, config=PredictorConfig(cusum_h=h)).alarm
        quiet = ~alarm[600:700].any(axis=0)
        delays = alarm[700:, quiet].argmax(axis=0) + 1
        assert delays.mean() <= limit


def test_one_alarm_for_a_tripled_volatility() -> None:
    errors = np.random.default_rng(14).standard_normal((1200, 256))
    errors[700:] *= 3
    alarm = watch(errors, config=PredictorConfig(cusum_h=5.95)).alarm
    quiet = ~alarm[600:700].any(axis=0)
    assert alarm[700:, quiet].sum(axis=0).mean() <= 1.3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bits_of_a_lane_do_not_depend_on_its_neighbours(dtype: str) -> None:
    errors = _wild(np.random.default_rng(16), 600, 64)
    spoiled = errors.copy()
    spoiled[200:, ::2] = np.nan
    whole, beside = watch(errors, dtype=dtype), watch(spoiled, dtype=dtype)
    for a, b in zip(whole, beside, strict=True):
        np.testing.assert_array_equal(a[:, 1::2], b[:, 1::2])


def test_errors_that_are_all_equal_raise_nothing() -> None:
    assert not watch(np.full((400, 2), 0.7)).alarm.any()
    assert not watch(np.zeros((400, 2))).alarm.any()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("equal", [7, 19, 20, 400, 2_000])
def test_errors_that_were_all_equal_are_watched_once_they_differ(equal: int, dtype: str) -> None:
    """However many they were, they count as one: what comes is judged as if it were the first."""
    live = np.random.default_rng(4).normal(size=(600, 8))
    live[300:] += 3.0
    alarm = np.asarray(watch(np.concatenate([np.zeros((equal, 8)), live]), dtype=dtype).alarm)
    assert alarm[-300:].any(axis=1).any() and not alarm[:equal].any()
    np.testing.assert_array_equal(alarm[equal:], watch(live, dtype=dtype).alarm)
