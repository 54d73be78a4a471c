"""The gate against direct sums, and that it does no harm."""

import jax
import jax.numpy as jnp
import numpy as np

from core import PredictorConfig
from core.kernels import gate
from core.layout import build_layout
from tests.core.kernels.reference import gate_reference

CONFIG = PredictorConfig()
LAYOUT = build_layout(gate.fields(CONFIG))


def run(raw: np.ndarray, outcomes: np.ndarray) -> np.ndarray:
    """Gated forecasts, [ticks, 4, 64], of raw ones scored by the next outcome."""
    scored = jnp.ones((1, 64), dtype=bool)

    def step(packed: jax.Array, xy: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        new, gated = gate.update(
            CONFIG, LAYOUT.view(packed), raw_forecasts=xy[0], realised=xy[1][None], scored=scored
        )
        return LAYOUT.pack(new), gated.forecasts

    scan = jax.jit(lambda xy: jax.lax.scan(step, jnp.asarray(LAYOUT.fresh("float64", 64)), xy)[1])
    return np.asarray(scan((raw, outcomes)))


def test_equals_direct_sums() -> None:
    rng = np.random.default_rng(0)
    raw = rng.normal(size=(300, 4, 64))
    outcomes = np.zeros((300, 64))
    outcomes[1:] = 0.4 * raw[:-1, 0] + rng.normal(size=(299, 64))
    gated = run(raw, outcomes)
    for kernel in (0, 1):
        past = [0.0, *raw[:-1, kernel, 7]]
        factors = gate_reference(past, outcomes[:, 7].tolist())
        expected = np.array(factors) * raw[:, kernel, 7]
        np.testing.assert_allclose(gated[:, kernel, 7], expected, rtol=1e-9, atol=1e-12)


def test_noise_is_silenced_and_skill_passes() -> None:
    rng = np.random.default_rng(1)
    raw = rng.normal(size=(3000, 4, 64))
    outcomes = np.zeros((3000, 64))
    outcomes[1:] = raw[:-1, 0] + rng.normal(size=(2999, 64))
    factor = np.abs(run(raw, outcomes)[1000:]) / np.abs(raw[1000:])
    assert factor[:, 0].mean() > 0.9
    assert factor[:, 1:].mean() < 0.01
