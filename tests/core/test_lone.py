"""An asset alone, tick by tick or in one call, and the same asset among 64: the same bytes."""

import jax
import numpy as np
import pytest
from jaxtyping import Bool, Float64, Int64, Shaped
from numpy import ndarray

from core import (
    INPUT_ROWS,
    NETWORK_SURFACE,
    TILE_WIDTH,
    TRAIN_WIDTH,
    Flag,
    FunctionalPredictor,
    Input,
    Lane,
    MarketObservation,
    Output,
    PredictorConfig,
    asset_layout,
    compile_run,
    compile_step,
    compile_trainer,
    init_surfaces,
    init_tile,
)
from core import lane as lane_module

CONFIG = PredictorConfig()
TICKS, LANE = 1500, 37
State = tuple[Shaped[ndarray, " rows"], Shaped[ndarray, " network"]]
Outcome = tuple[
    Shaped[ndarray, " rows"], Shaped[ndarray, " network"], Float64[ndarray, "ticks outputs"]
]


def drawn() -> Float64[ndarray, "ticks inputs lanes"]:
    """Jumps, stale ticks, bad prices, depths and masks that change; gaps in ns, late behind bad
    prices only."""
    rng = np.random.default_rng(5)
    shape = TICKS, TILE_WIDTH
    inputs = np.zeros((TICKS, INPUT_ROWS, TILE_WIDTH))
    jumps = 1.0 + 12.0 * (rng.random(shape) < 0.01)
    prices = 100.0 + 0.05 * np.cumsum(rng.normal(size=shape) * jumps, axis=0)
    inputs[:, Input.ACTIVE] = rng.random(shape) < 0.8
    inputs[:, Input.ACTIVE, LANE] = 1.0
    inputs[:, Input.TARGET] = np.where(rng.random(shape) < 0.1, np.nan, prices)
    inputs[:, Input.PRICE] = np.where(rng.random(shape) < 0.01, -1.0, prices)
    inputs[:, Input.DT_S] = np.rint(rng.uniform(1e7, 1e8, size=shape))
    inputs[255, Input.PRICE] = -1.0  # the last of a call; together with its time the next is late
    inputs[255:257, Input.DT_S] = 6e7
    inputs[:, Input.AGE_RATIO] = 2.0 * (rng.random(shape) < 0.02)
    inputs[:, Input.DEPTH] = rng.choice([2, 3, 5], shape)
    inputs[:, Input.MASK_A : Input.MASK_D + 1] = rng.random((TICKS, 4, TILE_WIDTH)) < 0.95
    return inputs


def stepped(
    inputs: Float64[ndarray, "ticks inputs lanes"], due: Bool[ndarray, " ticks"], dtype: str
) -> Outcome:
    """The lane of the inputs' middle; the others' networks stay as they are."""
    width = inputs.shape[2]
    lane = min(LANE, width - 1)
    step = compile_step(CONFIG, dtype, width=width)
    trainer = compile_trainer(CONFIG, dtype, width=min(width, TRAIN_WIDTH))
    network = fresh(dtype)[1]
    tile = jax.device_put(init_tile(CONFIG, dtype, width))
    surfaces, made, behind_ns = init_surfaces(dtype, width), [], 0.0
    for tick, trains in zip(inputs.copy(), due, strict=True):
        elapsed_ns = tick[Input.DT_S, lane] + behind_ns
        tick[Input.DT_S, lane] = elapsed_ns * 1e-9
        tile, outputs = step(tile, tick, surfaces)
        made.append(np.asarray(outputs)[:, lane])
        behind_ns = elapsed_ns if refused(made[-1]) else 0.0
        if trains:
            block = np.asarray(tile)[trainer.block, lane]
            network = trainer(block[np.newaxis], network[np.newaxis])[0]
            surfaces = surfaces.copy()
            surfaces[:, lane] = network[NETWORK_SURFACE]
    return np.asarray(tile)[:, lane], network, np.array(made)


def refused(output: Float64[ndarray, " outputs"]) -> bool:
    return bool(int(output[Output.FLAGS]) & Flag.DOMAIN_ERROR)


def gaps_ns(inputs: Float64[ndarray, "ticks inputs"]) -> Int64[ndarray, " ticks"]:
    gaps: Int64[ndarray, " ticks"] = inputs[:, Input.DT_S].astype(np.int64)
    return gaps


def fresh(dtype: str) -> State:
    layout = asset_layout(CONFIG)
    columns, networks = layout.split(layout.fresh(dtype)[np.newaxis])
    return columns[0], networks[0]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_alone_and_among_others_the_bits_are_the_same(dtype: str) -> None:
    inputs = drawn()
    due = np.arange(1, TICKS + 1) % 16 == 0
    among = stepped(inputs, due, dtype)
    alone = stepped(inputs[:, :, [LANE]], due, dtype)
    mine = np.ascontiguousarray(inputs[:, :, LANE])
    run = compile_run(CONFIG, dtype)(*fresh(dtype), mine, due, gaps_ns(mine))
    for other in (alone, run):
        for ours, theirs in zip(among, other, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert np.isfinite(among[0]).all() and (among[1] != fresh(dtype)[1]).any()


def test_a_run_cut_anywhere_goes_on_with_the_same_bits() -> None:
    inputs = np.ascontiguousarray(drawn()[:, :, LANE])
    due = np.arange(1, TICKS + 1) % 16 == 0
    run = compile_run(CONFIG)
    whole = run(*fresh("float64"), inputs, due, gaps_ns(inputs))
    state, outputs, behind_ns = fresh("float64"), [], 0
    for cut in np.split(np.arange(TICKS), [1, 17, 300, 811, 812]):
        elapsed_ns = gaps_ns(inputs[cut])
        elapsed_ns[0] += behind_ns
        *parts, made = run(*state, inputs[cut], due[cut], elapsed_ns)
        state = (parts[0], parts[1])
        outputs.append(made)
        behind_ns = 0
        for passed_ns, output in zip(elapsed_ns.tolist(), made, strict=True):
            behind_ns = behind_ns + passed_ns if refused(output) else 0
    np.testing.assert_array_equal(np.concatenate(outputs), whole[2])
    np.testing.assert_array_equal(state[0], whole[0])
    np.testing.assert_array_equal(state[1], whole[1])


def test_a_long_history_gives_what_its_ticks_one_by_one_give(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lane_module, "_LONG_HISTORY", 500)
    monkeypatch.setattr(lane_module, "_AT_A_TIME", 300)
    rng = np.random.default_rng(1)
    prices = 100.0 + 0.1 * np.cumsum(rng.normal(size=700))
    ticks = [MarketObservation(p, p, 10**9 * (1 + i)) for i, p in enumerate(prices.tolist())]
    predictor = FunctionalPredictor(CONFIG)
    begun, _ = predictor.scan_history(predictor.init_state(), ticks[:37])
    long_state, long_results = predictor.scan_history(begun, ticks[37:])
    lane = Lane(CONFIG, state=begun)
    assert [lane.step(tick) for tick in ticks[37:]] == long_results
    one_by_one = lane.state()
    np.testing.assert_array_equal(one_by_one.rows, long_state.rows)
    assert (one_by_one.timestamp_ns, one_by_one.sequence) == (
        long_state.timestamp_ns,
        long_state.sequence,
    )
