"""The specification's single-asset predictor: warm-up, steps, snapshots, shutdown."""

from pathlib import Path

import numpy as np
import pytest

from core import MarketObservation, PredictorConfig
from schemas import ResultCodec, SingleObjectFraming
from snapshots import IntegrityError, SnapshotMismatchError
from tests.kafka.feed import Ticks
from tests.workers.test_pipeline import Run
from workers import UniversalPredictor
from workers.decisions import Decision

CONFIG = PredictorConfig()
START_NS = 1_700_000_000_000_000_000


class FixedClock:
    """A clock that stands still."""

    def now_ns(self) -> int:
        return START_NS + 10**9

    def monotonic_s(self) -> float:
        return 0.0


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


def test_its_results_are_the_fleets_bit_for_bit() -> None:
    prices = walk(300)
    alone = predictor()
    ours = [alone.step(o) for o in observations(prices)]
    stamps = START_NS + np.arange(len(prices)) * 10**6
    ticks = Ticks(["A"] * len(prices), np.array(prices), stamps)
    run = Run()
    run.feed(ticks, 64, Decision(START_NS + 10**9, CONFIG.log_sig_depth, 15))
    codec = ResultCodec(SingleObjectFraming())
    for result, value in zip(ours, run.values, strict=True):
        fleet = codec.decode(value)
        for name in ("predicted_price", "holder_exponent", "free_energy", "cusum_drift", "scale"):
            assert fleet[name] == getattr(result, name), name
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
    with pytest.raises(IntegrityError) as caught:
        ours.load_snapshot(tmp_path / "bad")
    assert isinstance(caught.value, ValueError)
    other = UniversalPredictor(PredictorConfig(cusum_h=9.0))
    other.save_snapshot(tmp_path / "other")
    with pytest.raises(SnapshotMismatchError, match="cusum_h"):
        ours.load_snapshot(tmp_path / "other")
    assert ours.export_state_snapshot() == before


def test_checkpoints_are_written_beside_the_steps_and_awaited_at_the_end(tmp_path: Path) -> None:
    ours = predictor(checkpoint_dir=tmp_path, checkpoint_interval=20)
    futures = [ours.predict_step_with_async_checkpoint(o)[1] for o in observations(walk(50))]
    assert [i for i, f in enumerate(futures) if f is not None] == [19, 39]
    ours.graceful_shutdown(timeout_seconds=10)
    assert sorted(p.name for p in tmp_path.glob("*.msgpack")) == [
        "snapshot_step_20.msgpack",
        "snapshot_step_40.msgpack",
    ]
    again = predictor()
    again.load_snapshot(tmp_path / "snapshot_step_40.msgpack")


def test_checkpoints_without_a_folder_are_refused() -> None:
    with pytest.raises(ValueError, match="checkpoint_dir"):
        predictor().predict_step_with_async_checkpoint(observations(walk(1))[0])
