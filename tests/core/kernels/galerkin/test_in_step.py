"""Collapse seen from outside: flags, events and reported weights of the whole step."""

import jax
import numpy as np

from core import (
    OUTPUT_ROWS,
    Flag,
    Output,
    PredictorConfig,
    compile_step,
    init_surfaces,
    init_tile,
    state_layout,
)
from tests.core.ticks import packed, random_walks

CONFIG = PredictorConfig()
POWER, GENERATION = -2, -1
"""Rows of a surface, from its end."""


def drive(surfaces: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """A tick of walks per surface: final state, and outputs [ticks, outputs, 64]."""
    step, tile = compile_step(CONFIG), jax.device_put(init_tile(CONFIG))
    outputs = np.empty((len(surfaces), OUTPUT_ROWS, 64))
    prices = random_walks(len(surfaces), seed=2)
    for t, surface in enumerate(surfaces):
        tile, out = step(tile, packed(prices[t]), surface)
        outputs[t] = out
    return np.asarray(tile), outputs


def bits(outputs: np.ndarray, row: Output, flag: Flag) -> np.ndarray:
    return (outputs[:, row].astype(int) & int(flag)) > 0


def test_collapse_is_flagged_reported_and_ends_with_a_sound_new_network() -> None:
    sound, collapsed, renewed = (init_surfaces() for _ in range(3))
    collapsed[POWER, ::2] = 0.3
    renewed[GENERATION, ::2] = 1.0
    surfaces = [sound] * 5 + [collapsed] * 30 + [renewed] * 30
    tile, outputs = drive(surfaces)
    flags = bits(outputs, Output.FLAGS, Flag.MODE_COLLAPSE_WARNING)
    assert not flags[:, 1::2].any()
    begin, end = 5 + 10, 35 + 9
    assert not flags[:begin, ::2].any() and flags[begin:end, ::2].all()
    assert not flags[end:, ::2].any()
    raised = bits(outputs, Output.RAISED, Flag.MODE_COLLAPSE_WARNING)[:, ::2]
    cleared = bits(outputs, Output.CLEARED, Flag.MODE_COLLAPSE_WARNING)[:, ::2]
    alert = bits(outputs, Output.INSTANT, Flag.MODE_DEGRADATION_ALERT)
    assert raised[begin].all() and raised.sum() == 32
    assert cleared[end].all() and cleared.sum() == 32
    assert alert[begin, ::2].all() and alert.sum() == 32
    weights = outputs[:, Output.WEIGHT_B]
    assert not weights[begin:end, ::2].any()
    # Walks have an emergency now and then, which gives kernel D everything.
    assert (weights[begin:end, 1::2] > 0.0).any()
    latent = tile[state_layout(CONFIG).slices["orchestrator.weights"]][1]
    assert (latent > 0.05).all()


def test_entropy_is_reported_while_the_kernel_runs() -> None:
    surface = init_surfaces()
    surface[-3] = np.linspace(-1.0, 2.0, 64)
    _, outputs = drive([surface] * 3)
    np.testing.assert_array_equal(outputs[:, Output.DGM_ENTROPY], np.tile(surface[-3], (3, 1)))
    step = compile_step(CONFIG)
    tile = jax.device_put(init_tile(CONFIG))
    _, out = step(tile, packed(100.0, mask=13), surface)
    assert np.isnan(np.asarray(out)[[Output.DGM_ENTROPY, Output.FORECAST_B]]).all()
