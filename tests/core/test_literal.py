"""The switch `cusum_threshold="literal"` against the rule of specification 9.1 and 10.3."""

import collections
import math

import numpy as np
import pytest

from core import Flag, Output, PredictorConfig, compile_step, cusum, kurtosis
from tests.core.scanning import as_input, scan
from tests.core.ticks import drive, packed, random_walks

LITERAL = PredictorConfig(cusum_threshold="literal")


class Specified:
    """One asset, in floats: h = k sigma (1 + ln(kappa / 3)), G of |e| / sigma - 1 - k, grace.

    What the text leaves open: sigma and kappa include the newest error; kappa is 3 until there
    are 252 errors; a fresh asset is not in grace.
    """

    def __init__(self, *, k: float = 0.5, alpha: float = 0.1, grace: int = 20) -> None:
        self.k, self.alpha, self.grace = k, alpha, grace
        self.g_plus = self.error_sq_ema = 0.0
        self.steps_since_regime_change = 10**9
        self.window: collections.deque[float] = collections.deque(maxlen=252)

    def tick(self, error: float) -> tuple[float, float, bool]:
        self.steps_since_regime_change += 1
        self.window.append(error)
        self.error_sq_ema += self.alpha * (error * error - self.error_sq_ema)
        sigma = math.sqrt(self.error_sq_ema)
        h = self.k * sigma * (1.0 + math.log(max(self._kurtosis(), 1.0) / 3.0))
        standardised = abs(error) / sigma if sigma > 0.0 else 0.0
        self.g_plus = max(0.0, self.g_plus + standardised - 1.0 - self.k)
        alarm = self.steps_since_regime_change >= self.grace and self.g_plus > h
        g = self.g_plus
        if alarm:
            self.g_plus, self.steps_since_regime_change = 0.0, 0
        return g, h, alarm

    def _kurtosis(self) -> float:
        if len(self.window) < 252:
            return 3.0
        mean = sum(self.window) / 252
        second = sum((e - mean) ** 2 for e in self.window) / 252
        fourth = sum((e - mean) ** 4 for e in self.window) / 252
        return fourth / second**2


def watch(errors: np.ndarray, config: PredictorConfig = LITERAL) -> cusum.RegimeDrift:
    def update(state, error):  # type: ignore[no-untyped-def]
        scored = error == error
        new, tails = kurtosis.update(config, state, error, scored)
        own, drift = cusum.update(config, state, error, tails.kurtosis, scored)
        return new | own, drift

    fields = cusum.fields(config) + kurtosis.fields(config)
    _, rows = scan(fields, update, as_input(errors), lanes=errors.shape[1])
    assert isinstance(rows, cusum.RegimeDrift)
    return rows


@pytest.mark.parametrize("unit", [1e-10, 1e-5, 1.0, 30.0])
def test_formula_statistic_and_grace_are_the_specification_s(unit: float) -> None:
    rng = np.random.default_rng(4)
    errors = unit * rng.standard_t(3, (900, 6)) * np.exp(rng.normal(0.0, 1.0, (900, 1)))
    config = PredictorConfig(cusum_threshold="literal", cusum_k=0.3, grace_period_steps=15)
    got = watch(errors, config)
    alarms = 0
    for lane in range(6):
        rule = Specified(k=0.3, grace=15)
        for t in range(900):
            g, h, alarm = rule.tick(errors[t, lane])
            assert got.g_plus[t, lane] == pytest.approx(g, rel=1e-9, abs=1e-9)
            assert got.threshold[t, lane] == pytest.approx(h, rel=1e-9)
            assert bool(got.alarm[t, lane]) == alarm
            alarms += alarm
    assert alarms > {1e-10: 100, 1e-5: 100, 1.0: 30, 30.0: -1}[unit]


def test_a_raw_alarm_that_lasts_is_raised_once_a_grace_period() -> None:
    """Table 3: with a period of 20 the second alarm comes 20 ticks after the first."""
    errors = np.repeat(1e-20 * 1.5 ** np.arange(90.0)[:, None], 2, axis=1)
    times = np.flatnonzero(watch(errors).alarm[:, 0])
    assert len(times) >= 3
    np.testing.assert_array_equal(np.diff(times), 20)


def test_the_step_applies_it_in_units_of_the_price() -> None:
    prices = random_walks(700, seed=21)
    prices[400:] += 3.0 * (prices[400:] - prices[400])
    _, out = drive(compile_step(LITERAL), np.stack([packed(p) for p in prices]))
    bits = out[:, Output.INSTANT].astype(int) & int(Flag.REGIME_CHANGE_DETECTED)
    flagged = 0
    for lane in range(8):
        rule = Specified()
        for t in range(2, 700):
            if int(out[t, Output.FLAGS, lane]) & int(Flag.DOMAIN_ERROR):
                continue
            error = prices[t, lane] - out[t - 1, Output.PREDICTED_PRICE, lane]
            g, h, alarm = rule.tick(error)
            assert out[t, Output.CUSUM_DRIFT, lane] == pytest.approx(g, rel=1e-6, abs=1e-9)
            assert out[t, Output.ADAPTIVE_THRESHOLD, lane] == pytest.approx(h, rel=1e-6)
            assert bool(bits[t, lane]) == alarm
            flagged += alarm
    assert flagged > 20


def test_the_unit_decides_which_is_why_it_is_not_the_default() -> None:
    errors = np.random.default_rng(5).standard_normal((2000, 16))
    small, large = watch(1e-4 * errors).alarm, watch(100.0 * errors).alarm
    assert small.mean() > 1.0 / 40.0
    assert not large.any()
