"""FunctionalPredictor: the same bits by single steps, batches and histories."""

import functools
import math
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from core import (
    AVAILABLE_KERNELS,
    FunctionalPredictor,
    Kernel,
    Lane,
    MarketObservation,
    PredictorConfig,
    TileStep,
    Trainer,
    asset_layout,
)
from core import lane as lane_module

NS = 10_000_000


@functools.cache
def predictor() -> FunctionalPredictor:
    return FunctionalPredictor(PredictorConfig())


def history(seed: int, ticks: int = 40) -> list[MarketObservation]:
    walk = 100.0 + np.cumsum(np.random.default_rng(seed).normal(size=ticks))
    return [
        MarketObservation(float(p), float(p), 1_700_000_000_000_000_000 + NS * i)
        for i, p in enumerate(walk)
    ]


def test_step_batch_and_scan_agree_bit_for_bit() -> None:
    many, length = 70, 36  # more than a tile, and two trainings of kernel B
    ticks = [history(seed, length) for seed in range(many)]
    states = [predictor().init_state() for _ in range(many)]
    for t in range(length):
        states, _ = predictor().step_batch(states, [asset[t] for asset in ticks])
    for asset in (0, 63, 64, 69):
        scanned, results = predictor().scan_history(predictor().init_state(), ticks[asset])
        single = predictor().init_state()
        for tick in ticks[asset]:
            single, last = predictor().step(single, tick)
        assert scanned.rows.tobytes() == states[asset].rows.tobytes() == single.rows.tobytes()
        assert results[-1].predicted_price == last.predicted_price


def test_first_result_is_neutral() -> None:
    tick = history(3)[0]
    _, result = predictor().step(predictor().init_state(), tick)
    assert result.warming_up
    assert result.predicted_price == tick.price
    assert result.predicted_next == 0.0
    assert result.mode == "Standard"
    running = np.array([kernel in AVAILABLE_KERNELS for kernel in Kernel])
    np.testing.assert_allclose(result.weights, running / running.sum(), rtol=1e-15)
    assert result.dgm_entropy == pytest.approx(math.log(6.0))  # of an untrained network


def test_masks_are_visible() -> None:
    _, result = predictor().step(predictor().init_state(), history(3)[0], kernel_mask=Kernel.A)
    assert result.kernel_mask == Kernel.A
    assert math.isnan(result.dgm_entropy)
    assert result.weights == (1.0, 0.0, 0.0, 0.0)
    assert [math.isnan(f) for f in result.kernel_forecasts] == [False, True, True, True]


def test_states_are_not_changed() -> None:
    state = predictor().init_state()
    before = state.rows.tobytes()
    predictor().step(state, history(1)[0])
    assert state.rows.tobytes() == before


def test_as_many_observations_as_states() -> None:
    with pytest.raises(ValueError, match=r"shorter|longer"):
        predictor().step_batch([predictor().init_state()], [])


@pytest.mark.parametrize(
    "other",
    [
        FunctionalPredictor(PredictorConfig(), dtype="float32"),
        FunctionalPredictor(PredictorConfig(log_sig_depth=5)),
    ],
)
def test_a_state_of_another_dtype_or_layout_is_refused(other: FunctionalPredictor) -> None:
    ours, tick = predictor().init_state(), history(3)[0]
    with pytest.raises(ValueError, match="this state is float"):
        predictor().step_batch([ours, other.init_state()], [tick, tick])
    with pytest.raises(ValueError, match="this state is float"):
        predictor().scan_history(other.init_state(), [tick])


def test_a_predictor_can_be_handed_to_another_process() -> None:
    handed = pickle.loads(pickle.dumps(predictor()))
    tick = history(3)[0]
    expected = predictor().step(predictor().init_state(), tick)[1]
    assert repr(handed.step(handed.init_state(), tick)[1]) == repr(expected)


def gapped() -> list[MarketObservation]:
    """Gaps of 10 to 70 ms, every fifth tick refused, once two in a row: late are those after it."""
    rng = np.random.default_rng(8)
    stamps = 1_700_000_000_000_000_000 + np.cumsum(rng.integers(10, 70, 300) * 1_000_000)
    prices = 100.0 + np.cumsum(rng.normal(size=300))
    prices[100::5] = 1e9
    prices[151] = -1e9
    return [
        MarketObservation(p, p, t) for p, t in zip(prices.tolist(), stamps.tolist(), strict=True)
    ]


def test_a_refused_tick_does_not_move_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever its timestamp: neither does it make the next one late nor does it hide a gap."""
    ticks = gapped()
    lane, single = Lane(PredictorConfig()), predictor().init_state()
    last_ns, in_time = ticks[0].timestamp_ns, [64]
    for tick in ticks:
        result = lane.step(tick)
        single, other = predictor().step(single, tick)
        assert repr(other) == repr(result)
        if not result.outlier_rejected:
            late = tick.timestamp_ns - last_ns > 100_000_000
            in_time.append(0 if late else in_time[-1] + 1)
            assert result.frequency_warning is (in_time[-1] < 64)
            last_ns = tick.timestamp_ns
        assert single.timestamp_ns == lane.timestamp_ns == last_ns
    assert in_time[100] == 164 and in_time.count(0) > 5
    monkeypatch.setattr(lane_module, "_LONG_HISTORY", 200)
    monkeypatch.setattr(lane_module, "_AT_A_TIME", 101)  # the last of the first is refused
    scanned, results = predictor().scan_history(predictor().init_state(), ticks)
    assert repr(results[-1]) == repr(result)
    assert (scanned.rows.tobytes(), scanned.timestamp_ns) == (lane.state().rows.tobytes(), last_ns)


def test_neither_garbage_nor_an_outlier_decides_what_is_late() -> None:
    ticks = history(3, 60)
    garbage = MarketObservation(math.nan, math.nan, 0)
    _, results = predictor().scan_history(
        predictor().init_state(), [*ticks[:50], garbage, *ticks[50:]]
    )
    assert results[50].outlier_rejected
    assert not any(result.frequency_warning for result in results)
    after_ns = ticks[-1].timestamp_ns + 10**12
    outlier = MarketObservation(1e9, 1e9, after_ns)
    price = ticks[-1].price
    _, results = predictor().scan_history(
        predictor().init_state(), [*ticks, outlier, MarketObservation(price, price, after_ns + 1)]
    )
    assert results[-2].outlier_rejected and results[-1].frequency_warning


def test_a_tick_holds_plain_numbers() -> None:
    """A loop over columns hands out NumPy's, and the specification's prices are arrays of one."""
    stamp = np.uint64(1_700_000_000_000_000_000)
    tick = MarketObservation(np.array([100.5]), jnp.float32(0.5), stamp)  # type: ignore[arg-type]
    assert tick == MarketObservation(100.5, 0.5, 1_700_000_000_000_000_000)
    assert [type(tick.price), type(tick.target), type(tick.timestamp_ns)] == [float, float, int]
    for beyond in (2**63, -(2**63) - 1):
        with pytest.raises(ValueError, match="64-bit"):
            MarketObservation(1.0, 1.0, beyond)
    with pytest.raises(TypeError, match="integer"):
        MarketObservation(1.0, 1.0, 1.7e18)  # type: ignore[arg-type]
    for none in (None, "1.5"):
        with pytest.raises(TypeError, match="no number"):
            MarketObservation(none, 1.0, 1)  # type: ignore[arg-type]


def test_validate_domain_is_the_specifications() -> None:
    assert MarketObservation(20.0, 20.0, 0).validate_domain()
    assert not MarketObservation(-20.1, 0.0, 0).validate_domain()
    assert MarketObservation(39.0, 0.0, 0).validate_domain(20.0, 2.0)


def test_a_network_does_not_train_at_a_tick_that_masks_it() -> None:
    config, masked = PredictorConfig(), AVAILABLE_KERNELS & ~Kernel.B
    lane, single = Lane(config), predictor().init_state()
    layout = asset_layout(config)
    fresh = layout.split(single.rows[np.newaxis])[1]
    for tick in history(7, config.dgm_every):
        lane.step(tick, kernel_mask=masked)
        single, _ = predictor().step(single, tick, kernel_mask=masked)
    for state in (lane.state(), single):
        assert layout.split(state.rows[np.newaxis])[1].tobytes() == fresh.tobytes()


@pytest.mark.parametrize("program", [TileStep, Trainer])
def test_an_interrupt_within_a_tick_leaves_the_state_of_before(
    program: type[TileStep] | type[Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Ctrl-C does it: Python raises once the call of the compiled program returns."""
    run = program.__call__

    def interrupted(*arguments: Any) -> None:
        run(*arguments)
        raise KeyboardInterrupt

    ticks = history(6, 40)
    straight, ours = Lane(PredictorConfig()), Lane(PredictorConfig())
    for number, tick in enumerate(ticks, start=1):
        if number == 16:  # the network trains after it
            with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
                patch.setattr(program, "__call__", interrupted)
                ours.step(tick)
            assert ours.state().rows.tobytes() == straight.state().rows.tobytes()
            assert ours.timestamp_ns == straight.timestamp_ns
        assert repr(ours.step(tick)) == repr(straight.step(tick))
    assert ours.state().rows.tobytes() == straight.state().rows.tobytes()


def test_training_behind_the_result_gives_the_same_bits() -> None:
    """In a thread of its own, with the next tick at its heels; put, state and steps wait for it."""
    config, ticks = PredictorConfig(), history(5, 200)
    inline = Lane(config)
    with ThreadPoolExecutor(1) as executor:
        behind = Lane(config, trains_on=executor)
        for number, tick in enumerate(ticks, start=1):
            assert repr(behind.step(tick)) == repr(inline.step(tick))
            if number in (16, 64, 112):
                behind.put(behind.state())
        assert behind.state().rows.tobytes() == inline.state().rows.tobytes()
