"""The specification's single-asset predictor: warm-up, steps, snapshots, shutdown."""

import copy
import math
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import structlog

from core import MarketObservation, PredictorConfig, asset_layout
from schemas import ResultCodec, SingleObjectFraming
from snapshots import IntegrityError, SnapshotMismatchError
from snapshots.envelope import unseal
from tests.kafka.feed import Ticks
from tests.workers.batching.test_pipeline import Run
from tests.workers.embedded.test_threads import forked
from workers import (
    Alert,
    M,
    MetricDef,
    NullTelemetry,
    PredictorBusyError,
    PredictorClosedError,
    UniversalPredictor,
)
from workers.batching.decisions import Decision
from workers.batching.shedding import LoadShedder
from workers.dump_document import REMEMBERED_RESULTS

CONFIG = PredictorConfig()
START_NS = 1_700_000_000_000_000_000


class FixedClock:
    """A clock that stands still unless it is set."""

    time_ns = START_NS + 10**9

    def now_ns(self) -> int:
        return self.time_ns

    def monotonic_s(self) -> float:
        return 0.0


class TraceClock(FixedClock):
    """Read twice a step: when it begins, and when it has taken its latency."""

    def __init__(self) -> None:
        self.arrival_s = self.latency_s = 0.0
        self.reads = 0

    def begin(self, interval_s: float, *, latency_s: float) -> None:
        self.arrival_s += interval_s
        self.latency_s = latency_s
        self.reads = 0

    def monotonic_s(self) -> float:
        self.reads += 1
        return self.arrival_s + self.latency_s * (self.reads > 1)


def predictor(**options: object) -> UniversalPredictor:
    return UniversalPredictor(CONFIG, clock=FixedClock(), **options)  # type: ignore[arg-type]


def walk(count: int, seed: int = 1) -> list[float]:
    steps = np.random.default_rng(seed).standard_normal(count)
    return [float(price) for price in 100.0 * np.exp(np.cumsum(steps) * 1e-3)]


def observations(prices: list[float]) -> list[MarketObservation]:
    return [MarketObservation(p, p, START_NS + i * 10**6) for i, p in enumerate(prices)]


def test_a_short_history_is_refused() -> None:
    with pytest.raises(ValueError, match="wtmm_buffer_size"):
        predictor().fit_history([1.0] * (CONFIG.wtmm_buffer_size - 1))


def test_a_history_warms_the_state_up() -> None:
    warmed = predictor()
    assert warmed.fit_history(walk(600)) in (True, False)
    result = warmed.step(observations(walk(1))[0])
    assert not result.warming_up


@pytest.mark.parametrize("size", [1, 7, 64])
def test_its_results_are_the_fleets_bit_for_bit(size: int) -> None:
    """Outliers among them, and gaps that are late together with the one before an outlier."""
    rng = np.random.default_rng(9)
    prices = np.where(rng.random(300) < 0.1 * (np.arange(300) > 100), 1e4, walk(300))
    stamps = START_NS + np.cumsum(rng.integers(10, 75, 300) * 10**6)
    alone = predictor()
    ours = [
        alone.step(MarketObservation(price, price, stamp))
        for price, stamp in zip(prices.tolist(), stamps.tolist(), strict=True)
    ]
    ticks = Ticks(["A"] * len(prices), prices, stamps)
    run = Run()
    run.feed(ticks, size, Decision(START_NS + 10**9, CONFIG.log_sig_depth, 15))
    assert {result.frequency_warning for result in ours[101:]} == {False, True}
    codec = ResultCodec(SingleObjectFraming())
    for result, value in zip(ours, run.values, strict=True):
        fleet = codec.decode(value)
        for name in ("predicted_price", "holder_exponent", "free_energy", "cusum_drift", "scale"):
            assert fleet[name] == getattr(result, name), name
        for name in ("outlier_rejected", "frequency_warning"):
            assert fleet[name] is getattr(result, name), name
        assert tuple(fleet["weights"]) == result.weights


def test_a_loaded_snapshot_goes_on_with_the_same_bits(tmp_path: Path) -> None:
    ticks = observations(walk(400))
    straight, saved, loaded = predictor(), predictor(), predictor()
    expected = [straight.step(t) for t in ticks]
    for tick in ticks[:250]:
        saved.step(tick)
    file = saved.save_snapshot(tmp_path / "a.msgpack")
    assert file.filepath.stat().st_size == file.filesize_bytes
    loaded.load_snapshot(file.filepath)
    assert [repr(loaded.step(t)) for t in ticks[250:]] == [repr(r) for r in expected[250:]]


def test_a_damaged_or_foreign_snapshot_leaves_the_state_alone(tmp_path: Path) -> None:
    ours = predictor()
    for tick in observations(walk(50)):
        ours.step(tick)
    before = ours.export_state_snapshot()
    (tmp_path / "bad").write_bytes(before[:-1])
    with pytest.raises(IntegrityError, match=r"bad: .* start cold") as caught:
        ours.load_snapshot(tmp_path / "bad")
    assert isinstance(caught.value, ValueError)
    other = UniversalPredictor(PredictorConfig(cusum_h=9.0))
    other.save_snapshot(tmp_path / "other")
    with pytest.raises(SnapshotMismatchError, match="cusum_h") as mismatch:
        ours.load_snapshot(tmp_path / "other")
    assert isinstance(mismatch.value, ValueError)
    assert ours.export_state_snapshot() == before


def test_checkpoints_are_written_beside_the_steps_and_awaited_at_the_end(tmp_path: Path) -> None:
    ours = predictor(checkpoint_dir=str(tmp_path), checkpoint_interval=20)
    futures = [ours.predict_step_with_async_checkpoint(o)[1] for o in observations(walk(50))]
    assert [i for i, f in enumerate(futures) if f is not None] == [19, 39]
    ours.graceful_shutdown(timeout_seconds=10)
    assert sorted(p.name for p in tmp_path.glob("*.msgpack")) == [
        "shutdown_step_50.msgpack",
        "snapshot_step_20.msgpack",
        "snapshot_step_40.msgpack",
    ]
    again = predictor()
    again.load_snapshot(tmp_path / "snapshot_step_40.msgpack")


def test_checkpoints_are_numbered_on_after_a_snapshot_was_loaded(tmp_path: Path) -> None:
    first, second = (predictor(checkpoint_dir=tmp_path, checkpoint_interval=20) for _ in range(2))
    ticks = observations(walk(50))
    for tick in ticks[:30]:
        first.predict_step_with_async_checkpoint(tick)
    first.graceful_shutdown()
    second.load_snapshot(tmp_path / "shutdown_step_30.msgpack")
    for tick in ticks[30:]:
        second.predict_step_with_async_checkpoint(tick)
    second.graceful_shutdown()
    assert sorted(p.stem for p in tmp_path.glob("*.msgpack")) == [
        "shutdown_step_30",
        "shutdown_step_50",
        "snapshot_step_20",
        "snapshot_step_40",
    ]


def test_ticks_from_columns_have_snapshots_that_load(tmp_path: Path) -> None:
    stamps = np.array([t.timestamp_ns for t in observations(walk(9))], dtype=np.uint64)
    ours = predictor(checkpoint_dir=tmp_path)
    for price, stamp in zip(walk(9), stamps, strict=True):
        ours.step(MarketObservation(price, price, stamp))
    ours.graceful_shutdown()
    again = predictor()
    again.load_snapshot(tmp_path / "shutdown_step_9.msgpack")
    assert again.state.timestamp_ns == int(stamps[-1])


def test_checkpoints_without_a_folder_are_refused() -> None:
    with pytest.raises(ValueError, match="checkpoint_dir"):
        predictor().predict_step_with_async_checkpoint(observations(walk(1))[0])


def test_one_block_of_a_snapshot_is_taken_alone(tmp_path: Path) -> None:
    layout = asset_layout(CONFIG)
    ticks = observations(walk(120))
    trained, ours = predictor(), predictor()
    for tick in ticks:
        trained.step(tick)
    for tick in ticks[:40]:
        ours.step(tick)
    before = ours.state
    file = str(trained.save_snapshot(str(tmp_path / "a")).filepath)
    with pytest.raises(ValueError, match="'E'"):
        ours.load_snapshot(file, blocks=("A", "E"))  # type: ignore[arg-type]
    ours.load_snapshot(file, blocks="A")
    rows = layout.blocks["A"]
    assert ours.state.rows[rows].tobytes() == trained.state.rows[rows].tobytes()
    others = np.ones(layout.features, dtype=bool)
    others[rows] = False
    assert ours.state.rows[others].tobytes() == before.rows[others].tobytes()
    assert ours.state.timestamp_ns == before.timestamp_ns
    ours.step(ticks[40])


def test_a_history_is_no_sparse_stream() -> None:
    ours = UniversalPredictor(PredictorConfig(besov_nyquist_interval_ns=100_000))
    ours.fit_history(walk(600))
    last = ours._result
    assert last and not last.frequency_warning
    assert last.kernel_forecasts[3] != 0.0


def test_a_history_that_never_held_a_price_is_a_runtime_error() -> None:
    with pytest.raises(RuntimeError, match="not prices"):
        predictor().fit_history([math.nan] * 200)


def test_a_history_that_ends_in_a_regime_change_has_not_converged() -> None:
    steps = np.random.default_rng(3).standard_normal(800)
    steps[700:] *= 5.0
    prices = (1000.0 + np.cumsum(steps)).tolist()
    stepping = predictor(on_alert=lambda alert: None)
    changed = [stepping.step(t).regime_change_detected for t in observations(prices)]
    at = changed.index(True, 700)
    assert not predictor().fit_history(prices[: at + 1])
    assert predictor().fit_history(prices[:690])


def test_alerts_are_told_once_per_edge() -> None:
    told: list[Alert] = []
    ours = predictor(on_alert=told.append, asset_id="EURUSD")
    ticks = observations(walk(60))
    stale = [
        MarketObservation(t.price, t.target, t.timestamp_ns - 10**10 * (20 <= i < 25))
        for i, t in enumerate(ticks)
    ]
    clock = ours._clock
    for tick, fresh in zip(stale, ticks, strict=True):
        clock.time_ns = fresh.timestamp_ns  # type: ignore[attr-defined]
        ours.step(tick)
    seen = [(a.type.value, a.state.value) for a in told]
    assert seen.count(("DegradedInferenceMode", "raised")) == 1
    assert seen.count(("StalenessWarning", "instant")) == 1
    assert seen.count(("DegradedInferenceMode", "cleared")) == 1
    assert seen.count(("NormalOperationRestored", "instant")) == 1
    assert {a.asset_id for a in told} == {"EURUSD"}


def test_alerts_go_on_over_a_snapshot(tmp_path: Path) -> None:
    """As if it had not been there: what holds is not raised again, and its end is told."""
    told: list[Alert] = []
    ticks = observations(walk(60))
    saved, loaded = predictor(), predictor(on_alert=told.append, dump_dir=tmp_path / "dumps")
    for tick in ticks[:-2]:
        saved.step(tick)
    saved._clock.time_ns = ticks[-2].timestamp_ns + 10**9  # type: ignore[attr-defined]
    last = saved.step(ticks[-2])
    assert last.degraded_inference_mode
    file = saved.save_snapshot(tmp_path / "a").filepath
    loaded.load_snapshot(file)
    assert unseal(loaded.export_state_snapshot())["flags"] == unseal(file.read_bytes())["flags"]
    assert repr(loaded._result) == repr(last)
    loaded.step(ticks[-2])
    assert not told
    loaded._clock.time_ns = ticks[-1].timestamp_ns  # type: ignore[attr-defined]
    loaded.step(ticks[-1])
    assert [(a.type.value, a.state.value) for a in told] == [
        ("DegradedInferenceMode", "cleared"),
        ("NormalOperationRestored", "instant"),
    ]


def test_what_holds_at_the_end_of_a_history_is_told() -> None:
    told: list[Alert] = []
    ours = predictor(on_alert=told.append)
    ours.fit_history([*walk(200), 1e6])
    assert ("DomainError", "raised") in [(a.type.value, a.state.value) for a in told]
    ours.step(observations(walk(201))[-1])
    assert ("DomainError", "cleared") in [(a.type.value, a.state.value) for a in told]


def test_a_rejected_price_is_a_domain_error_and_leaves_the_last_result() -> None:
    told: list[Alert] = []
    ours = predictor(on_alert=told.append)
    for tick in observations(walk(100)):
        last = ours.step(tick)
    spiked = ours.step(MarketObservation(1e6, 1e6, START_NS + 10**9))
    assert spiked.outlier_rejected
    assert spiked.predicted_price == last.predicted_price
    assert ("DomainError", "raised") in [(a.type.value, a.state.value) for a in told]


def test_an_emergency_leaves_one_dump_with_the_window_that_led_to_it(tmp_path: Path) -> None:
    ours = predictor(dump_dir=str(tmp_path), asset_id="../ES" + 300 * "/")
    noise = np.random.default_rng(4).standard_normal(1400)
    noise[900:] = np.diff(np.random.default_rng(5).standard_normal(501))
    prices = 1000.0 + np.cumsum(noise)
    emergencies, rises = [False], []
    for i, tick in enumerate(observations(prices.tolist())):
        emergencies.append(ours.step(tick).emergency_mode)
        if emergencies[-1] and not emergencies[-2]:
            rises.append(i)
    ours.graceful_shutdown()
    files = sorted(tmp_path.glob("%2E.%2FES%2F*_emergency_*.msgpack"))
    assert len(files) == len(rises) >= 1
    dump = unseal(files[0].read_bytes())
    assert dump["asset_id"] == "../ES" + 300 * "/"
    window = np.array(dump["signal_buffer"])
    np.testing.assert_allclose(window, prices[rises[0] - 127 : rises[0] + 1], rtol=1e-12)
    assert set(dump) >= {"weights", "regime_history", "telemetry_snapshot", "flags_at_emergency"}
    history = dump["regime_history"]
    assert isinstance(history, list) and len(history) == REMEMBERED_RESULTS < rises[0]


def test_shutdown_refuses_ticks_saves_the_state_and_counts_itself(tmp_path: Path) -> None:
    told: dict[str, float] = {}

    class Memory(NullTelemetry):
        def inc(self, metric: MetricDef, amount: float = 1.0, **labels: str) -> None:
            told[metric.name] = told.get(metric.name, 0.0) + amount

        def observe(self, metric: MetricDef, value: float, **labels: str) -> None:
            told[metric.name] = value

    ours = predictor(checkpoint_dir=tmp_path, telemetry=Memory())
    ticks = observations(walk(30))
    for tick in ticks[:-1]:
        assert ours.accept_observation(tick) is not None
    with structlog.testing.capture_logs() as logs:
        ours.graceful_shutdown()
        ours.graceful_shutdown()
    phases = [line["shutdown_phase"] for line in logs if line["event"] == "shutdown"]
    assert phases == ["input_blocked", "pending_snapshots", "final_snapshot", "done"]
    assert ours.accept_observation(ticks[-1]) is None
    for refused in (
        lambda: ours.step(ticks[-1]),
        lambda: ours.fit_history(walk(200)),
        lambda: ours.save_snapshot_nonblocking(tmp_path / "late"),
    ):
        with pytest.raises(PredictorClosedError):
            refused()
    assert told[M.SHUTDOWNS.name] == 1.0
    assert {M.SHUTDOWN_SECONDS.name, M.SHUTDOWN_RESIDUAL.name} <= told.keys()
    again = predictor()
    again.load_snapshot(tmp_path / "shutdown_step_29.msgpack")
    assert again.state.rows.tobytes() == ours.state.rows.tobytes()
    document = unseal((tmp_path / "shutdown_step_29.msgpack").read_bytes())
    assert {"schema_version", "timestamp", "config", "global"} < document.keys()
    assert set(document["kernels"]) == set("ABCD")  # type: ignore[call-overload]
    assert set(document["telemetry"]) == {  # type: ignore[call-overload]
        "kurtosis",
        "dgm_entropy",
        "adaptive_threshold",
    }
    assert set(document["flags"]) == {  # type: ignore[call-overload]
        "degraded_inference",
        "emergency",
        "regime_change",
        "mode_collapse",
    }


def test_a_failed_checkpoint_is_logged_though_nobody_awaits_it(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ours = predictor()
    with structlog.testing.capture_logs() as logs:
        future = ours.save_snapshot_nonblocking(tmp_path / "file" / "a.msgpack")
        ours.graceful_shutdown()
    assert future.exception() is not None
    assert "snapshot_failed" in [line["event"] for line in logs]


def test_the_black_swan_takes_the_depth_from_5_over_3_to_2() -> None:
    """Section 15 on an injected trace: arrivals every 100, 20, 5 ms; the clock tells latencies."""
    config = PredictorConfig(log_sig_depth=5)
    clock = TraceClock()
    ours = UniversalPredictor(config, clock=clock, shedder=LoadShedder(5))
    prices = walk(1000)
    depths: list[int] = []
    ratios: list[float] = []
    for i, tick in enumerate(observations(prices)):
        interval_s = 0.1 if i < 100 else 0.02 if i < 500 else 0.005
        depth = depths[-1] if depths else 5
        clock.begin(interval_s, latency_s={5: 0.0145, 3: 0.0145, 2: 0.005}[depth])
        depths.append(ours.step(tick).signature_depth)
        ratios.append(clock.latency_s / interval_s)
    assert (depths[50], depths[300], depths[700]) == (5, 3, 2)
    assert set(depths) == {2, 3, 5}
    assert max(ratios[510:]) < 1.2


def test_no_thread_loses_a_tick_of_anothers() -> None:
    ours = predictor()

    def take(tick: MarketObservation) -> bool:
        try:
            ours.step(tick)
        except PredictorBusyError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        taken = sum(threads.map(take, observations(walk(400))))
    assert 0 < taken == ours.state.sequence


def test_who_comes_into_a_step_changes_nothing(tmp_path: Path) -> None:
    ours = predictor()
    ours.save_snapshot(tmp_path / "a.msgpack")
    [tick] = observations(walk(1))

    class Between(FixedClock):
        def now_ns(self) -> int:
            """Read by a step, which is in its middle then."""
            ours._clock = FixedClock()
            for change in (
                lambda: ours.step(tick),
                lambda: ours.fit_history(walk(CONFIG.wtmm_buffer_size)),
                lambda: ours.load_snapshot(tmp_path / "a.msgpack"),
            ):
                with pytest.raises(PredictorBusyError, match="under way"):
                    change()
            return self.time_ns

    ours._clock = Between()
    ours.step(tick)
    assert ours.state.sequence == 1
    ours.step(tick)
    assert ours.state.sequence == 2


def test_a_step_is_under_way_until_its_result_is_the_newest() -> None:
    [first, second] = observations(walk(2))

    class AtItsEnd(TraceClock):
        def monotonic_s(self) -> float:
            """Read a second time when the state has moved, and the result is still another's."""
            if self.reads == 1:
                with pytest.raises(PredictorBusyError):
                    ours.step(second)
            return super().monotonic_s()

    ours = UniversalPredictor(CONFIG, clock=AtItsEnd(), shedder=LoadShedder(5))
    ours.step(first)
    assert ours.state.sequence == 1


def test_a_process_forked_in_the_midst_of_a_step_goes_on() -> None:
    ours = predictor()
    [tick] = observations(walk(1))

    class Forking(FixedClock):
        def now_ns(self) -> int:
            ours._clock = FixedClock()
            assert forked(lambda: ours._changes.one(lambda: None)) == 0
            return self.time_ns

    ours._clock = Forking()
    ours.step(tick)


@pytest.mark.parametrize("hand_over", [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_predictor_is_handed_over_by_its_snapshot(hand_over: Callable[[object], object]) -> None:
    with pytest.raises(TypeError, match="save_snapshot, then load_snapshot in a new one"):
        hand_over(predictor())
