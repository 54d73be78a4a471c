"""The incremental transform and its lines against brute force over the whole path."""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from core.executables import COMPILER_OPTIONS
from core.holder.ladder import SCALES, increment_filter, ladder
from core.holder.maxima import maxima_rows, update_maxima
from core.layout import Field
from tests.core.holder.paths import Series, fractional_noise
from tests.core.scanning import fresh

POINTS = 256
"""Of the quadrature, per sample."""
Marks = np.ndarray


def transform(y: Series, scale: float) -> Series:
    """(1/a) ∫ y(u) ψ((u - m)/a) du by the midpoint rule: gaus2, path held between ticks.

    The path is constant beyond the filter's support; the unit is the largest modulus of a unit
    step. NaN where the support leaves the path.
    """
    radius = len(increment_filter(scale)) // 2
    extent = int(12 * scale) + 1
    u = (np.arange(-extent * POINTS, extent * POINTS) + 0.5) / POINTS
    wavelet = (1.0 - (u / scale) ** 2) * np.exp(-0.5 * (u / scale) ** 2) / (POINTS * scale)
    steps = np.arange(-radius, radius) + 0.5
    unit = max(abs(wavelet @ (u > at)) for at in steps)
    sample = np.clip(np.rint(u).astype(int), -radius, radius)
    columns = np.full(len(y), np.nan)
    for m in range(radius, len(y) - radius):
        columns[m] = wavelet @ y[m + sample] / unit
    return columns


def maxima_of(columns: Series) -> Marks:
    """Maxima of the modulus between two zeros; of two equal neighbours the older."""
    found = np.zeros(len(columns), dtype=bool)
    for m in range(1, len(columns) - 1):
        sign = np.sign(columns[m])
        before, here, after = sign * columns[m - 1 : m + 2]
        found[m] = here > before and here >= after
    return found


def origins(columns: list[Series], cone: float, gate: float) -> list[Series]:
    """Signed amplitude at the finest end of the line through each maximum, 0 without a line."""
    found = [maxima_of(c) for c in columns]
    lines = [np.where(found[0] & (np.abs(columns[0]) >= gate), columns[0], 0.0)]
    for j in range(1, len(SCALES)):
        reach = int(np.floor(cone * (SCALES[j] - SCALES[j - 1]) + 1))
        here = np.zeros(len(columns[j]))
        for m in np.flatnonzero(found[j]):
            near = [p for p in range(m - reach, m + reach + 1) if 0 <= p < len(here)]
            same = [p for p in near if lines[-1][p] * columns[j][m] > 0]
            if same:
                here[m] = lines[-1][min(same, key=lambda p: (abs(p - m), -p))]
        lines.append(here)
    return lines


def run(x: Series, cone: float, gate: float, dtype: str) -> tuple[Marks, Marks]:
    """Modulus and origin of every tick and scale for increments x, [ticks, scales]."""
    fields = tuple(Field(n, "global", r, v) for n, (r, v) in maxima_rows(cone).items())
    start = fresh(fields, 1, dtype), jnp.zeros((ladder(cone).filters.shape[1], 1), dtype)

    def tick(carry, r):  # type: ignore[no-untyped-def]
        state, past = carry
        past = jnp.concatenate([r[None, None], past[:-1]])
        new, maxima = update_maxima(cone, state, past, gate=gate)
        return (new, past), (maxima.modulus[:, 0], maxima.origin[:, 0])

    scan = jax.jit(functools.partial(jax.lax.scan, tick))
    lowered = scan.lower(start, jnp.asarray(x, dtype))
    _, rows = lowered.compile(compiler_options=COMPILER_OPTIONS)(start, jnp.asarray(x, dtype))
    return np.asarray(rows[0]), np.asarray(rows[1])


@functools.cache
def rough_increments() -> Series:
    """Three kinds of path, a spike, a drop and a jump."""
    rng = np.random.default_rng(71)
    x = np.concatenate([fractional_noise(h, 250, 1, rng)[:, 0] for h in (0.2, 0.5, 0.8)])
    x[[120, 121, 400, 610]] += [12.0, -12.0, -9.0, 15.0]
    return x


@functools.cache
def rough_columns() -> list[Series]:
    path = np.cumsum(rough_increments())
    return [transform(path, float(a)) for a in SCALES]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("gate", [0.0, 5.0])
@pytest.mark.parametrize("cone", [0.5, 1.5, 4.0])
def test_lines_are_those_of_the_whole_path(cone: float, gate: float, dtype: str) -> None:
    x, columns = rough_increments(), rough_columns()
    modulus, origin = run(x, cone, gate, dtype)
    expected = origins(columns, cone, gate)
    begin, end = 80, len(x)
    for j, delay in enumerate(ladder(cone).delays):
        ticks = np.arange(begin + delay, end)
        there = ticks - delay
        np.testing.assert_allclose(modulus[ticks, j], np.abs(columns[j][there]), atol=1e-4)
        np.testing.assert_allclose(origin[ticks, j], np.abs(expected[j][there]), atol=1e-4)
        assert np.count_nonzero(origin[ticks, j]) > (20 if gate == 0.0 else 2)


def test_a_step_has_unit_modulus_at_every_scale_and_one_line_on_each_side() -> None:
    x = np.zeros(200)
    x[100] = 1.0
    modulus, origin = run(x, 1.5, 0.5, "float64")
    for j, delay in enumerate(ladder(1.5).delays):
        at = np.flatnonzero(origin[:, j]) - delay
        assert len(at) == 2
        assert at.sum() == 199  # as far before the step, at 99.5, as after it
        np.testing.assert_allclose(modulus[at + delay, j], 1.0)
        np.testing.assert_allclose(origin[at + delay, j], 1.0)


def test_noise_of_an_exponent_is_that_of_steps_in_white_noise() -> None:
    """Where the maxima's places do not depend on noise: a step much larger than it."""
    rng = np.random.default_rng(73)
    lanes, height = 4000, 200.0
    x = rng.standard_normal((120, lanes))
    x[60] += height
    constants = ladder(1.5)
    moduli = []
    for j in (0, 6, 9, 12):
        kernel = increment_filter(float(SCALES[j]))
        radius = len(kernel) // 2
        shift = int(np.argmax(kernel)) - radius
        start = 60 - shift - radius
        moduli.append(kernel @ x[start : start + len(kernel)])
    for j, modulus in zip((6, 9, 12), moduli[1:], strict=True):
        slope = np.log(modulus / moduli[0]) / constants.log_ratio[j]
        assert slope.mean() == pytest.approx(0.0, abs=0.01)
        assert slope.std() * height == pytest.approx(constants.noise[j], rel=0.05)


def test_what_the_truncated_filter_leaves_out_is_small() -> None:
    for scale in SCALES:
        kernel = increment_filter(float(scale))
        u = (np.arange(-100, 100) + 0.5) / scale
        whole = np.abs(u * np.exp(-0.5 * u**2))
        assert whole.sum() / whole.max() - np.abs(kernel).sum() < 0.01 * np.abs(kernel).sum()
        assert kernel.sum() == pytest.approx(0.0, abs=1e-12)  # blind to a drift
