"""Scores of a normal forecast and the running error scale, against integrals and loops."""

import numpy as np
import pytest
from scipy import integrate, signal, stats

from workers.scoring import ErrorScale, crps, log_score, pit, smoothed


@pytest.mark.parametrize(("error", "scale"), [(0.0, 1.0), (0.7, 0.3), (-4.0, 2.5), (1e-3, 10.0)])
def test_scores_are_their_definitions(error: float, scale: float) -> None:
    at, wide = np.array([error]), np.array([scale])
    law = stats.norm(0.0, scale)
    below, _ = integrate.quad(lambda x: law.cdf(x) ** 2, -12 * scale + min(error, 0.0), error)
    above, _ = integrate.quad(lambda x: law.sf(x) ** 2, error, 12 * scale + max(error, 0.0))
    assert crps(at, wide)[0] == pytest.approx(below + above, rel=1e-6)
    assert log_score(at, wide)[0] == pytest.approx(-law.logpdf(error), rel=1e-12)
    assert pit(at, wide)[0] == pytest.approx(law.cdf(error), rel=1e-12)


def naive_scales(errors: np.ndarray) -> list[float]:
    gain, found = 1.0 - 0.5 ** (1.0 / 100.0), []
    for number in range(errors.size):
        past = errors[:number] ** 2
        if not past.any():
            found.append(np.nan)
            continue
        weights = (1.0 - gain) ** np.arange(number)[::-1]
        recent = (weights @ past) / weights.sum()
        found.append(np.sqrt(max(recent, 0.01 * past.mean())))
    return found


@pytest.mark.parametrize("cuts", [[], [1], [1, 2, 40], [150, 151]])
def test_the_error_scale_knows_past_errors_only(cuts: list[int]) -> None:
    rng = np.random.default_rng(5)
    errors = rng.normal(0.0, np.repeat([1.0, 0.0, 3.0], [60, 1_500, 50]))
    errors[:3] = 0.0
    scale = ErrorScale()
    found = np.concatenate([scale.before_each(part) for part in np.split(errors, cuts)])
    np.testing.assert_allclose(found, naive_scales(errors), rtol=1e-9)


@pytest.mark.parametrize("gain", [0.5, 1.0 - 0.5**0.01])
def test_smoothing_is_the_filter_to_the_bit(gain: float) -> None:
    rng = np.random.default_rng(6)
    values = rng.normal(size=2_000) * 10.0 ** rng.uniform(-3.0, 3.0, size=2_000)
    filtered, _ = signal.lfilter([gain], [1.0, gain - 1.0], values, zi=[(1.0 - gain) * 7.3])
    halves = smoothed(values[:700], gain=gain, before=7.3)
    found = [halves, smoothed(values[700:], gain=gain, before=float(halves[-1]))]
    np.testing.assert_array_equal(np.concatenate(found), filtered)
