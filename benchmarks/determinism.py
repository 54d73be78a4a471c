"""The same bytes by steps, by one scan, across snapshots, lanes and neighbours, whatever comes
later; and load shedding on a trace."""

import hashlib
import itertools
import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.goals import at_most, heading, holds
from core import (
    TILE_WIDTH,
    FunctionalPredictor,
    Input,
    MarketObservation,
    PredictorConfig,
    compile_step,
)
from tests.core.ticks import drive, packed, random_walks
from workers import Alert, UniversalPredictor
from workers.batching.shedding import LoadShedder, SheddingPolicy

__all__ = ["determinism_table", "look_ahead_table", "neighbours_table", "shedding_table"]

_START_NS = 1_700_000_000_000_000_000


class _EventClock:
    """Every tick is processed the moment it is stamped."""

    def __init__(self) -> None:
        self.time_ns = _START_NS

    def now_ns(self) -> int:
        return self.time_ns

    def monotonic_s(self) -> float:
        return self.time_ns * 1e-9


def determinism_table(ticks: int, seed: int) -> None:
    """One asset, by three ways, down to the bytes of its last state and of every result."""
    heading(f"determinism over {ticks} ticks, seed {seed}")
    rng = np.random.default_rng(seed)
    steps = rng.standard_t(4, ticks) * np.exp(np.cumsum(rng.normal(0.0, 0.01, ticks)))
    observations = [_observation(i, p) for i, p in enumerate(1000.0 + np.cumsum(steps))]
    scanned = _scanned(observations)
    holds("step = scan", _stepped(observations) == scanned, True)
    holds("save, load and resume at 9 places = scan", _resumed(observations) == scanned, True)


def look_ahead_table(seed: int) -> None:
    """The future permuted, and replaced by nonsense: the past's outputs keep every bit."""
    heading(f"no look-ahead, 64 assets, seed {seed}")
    inputs = _walks(seed)
    _, outputs = drive(compile_step(PredictorConfig()), inputs)
    rng = np.random.default_rng(seed)
    for cut in (1, 300, 700, 999):
        for what in ("permuted", "nonsense"):
            changed = inputs.copy()
            changed[cut:] = rng.permutation(inputs[cut:])
            if what == "nonsense":
                changed[cut:, [Input.PRICE, Input.TARGET]] *= rng.standard_cauchy((1, 1, 64))
            _, seen = drive(compile_step(PredictorConfig()), changed)
            same = seen[:cut].tobytes() == outputs[:cut].tobytes()
            holds(f"future from tick {cut} {what}: past unchanged", same, True)


def neighbours_table(seed: int) -> None:
    """The same asset in another lane, beside NaN, at other rounds, and in a batch."""
    for dtype in ("float64", "float32"):
        heading(f"lanes and neighbours, {dtype}, seed {seed}")
        step, inputs = compile_step(PredictorConfig(), dtype), _walks(seed)
        tile, outputs = drive(step, inputs)
        order = np.random.default_rng(seed).permutation(TILE_WIDTH)
        moved, seen = drive(step, inputs[:, :, order])
        same = moved.tobytes() == tile[:, order].tobytes()
        holds("lanes permuted", same and seen.tobytes() == outputs[:, :, order].tobytes(), True)
        alone = inputs.copy()
        alone[:, [Input.PRICE, Input.TARGET]] = np.nan
        alone[:, :, 17] = inputs[:, :, 17]
        moved, seen = drive(step, alone)
        same = moved[:, 17].tobytes() == tile[:, 17].tobytes()
        holds("beside NaN", same and seen[:, :, 17].tobytes() == outputs[:, :, 17].tobytes(), True)
        holds("batch of 70 = each alone, with training", _batch_is_single(dtype, seed), True)


def _walks(seed: int) -> NDArray[np.float64]:
    return np.stack([packed(price) for price in random_walks(1000, seed)])


def _batch_is_single(dtype: str, seed: int) -> bool:
    """Assets of a batch that fills a tile and a part of another, against two of them alone."""
    predictor = FunctionalPredictor(PredictorConfig(), dtype=dtype)
    prices = 100.0 + np.cumsum(np.random.default_rng(seed).normal(size=(70, 70)), axis=0)
    states = [predictor.init_state()] * 70
    for t, row in enumerate(prices):
        states, _ = predictor.step_batch(states, [_observation(t, price) for price in row])
    for asset in (3, 69):
        state = predictor.init_state()
        for t, row in enumerate(prices):
            state, _ = predictor.step(state, _observation(t, row[asset]))
        if state.rows.tobytes() != states[asset].rows.tobytes():
            return False
    return True


def _observation(number: int, price: float) -> MarketObservation:
    return MarketObservation(float(price), float(price), _START_NS + 10_000_000 * number)


def _scanned(observations: list[MarketObservation]) -> str:
    predictor = FunctionalPredictor(PredictorConfig())
    state, results = predictor.scan_history(predictor.init_state(), observations)
    return _digest([repr(r) for r in results], state.rows.tobytes())


def _stepped(observations: list[MarketObservation]) -> str:
    predictor = FunctionalPredictor(PredictorConfig())
    state, results = predictor.init_state(), []
    for observation in observations:
        state, result = predictor.step(state, observation)
        results.append(repr(result))
    return _digest(results, state.rows.tobytes())


def _resumed(observations: list[MarketObservation]) -> str:
    clock, results = _EventClock(), []
    cut = max(len(observations) // 10, 1)
    predictor = UniversalPredictor(PredictorConfig(), clock=clock, on_alert=_unheard)
    with tempfile.TemporaryDirectory() as folder:
        for number, observation in enumerate(observations):
            if number % cut == cut - 1:
                file = predictor.save_snapshot(Path(folder) / "asset.msgpack").filepath
                predictor = UniversalPredictor(PredictorConfig(), clock=clock, on_alert=_unheard)
                predictor.load_snapshot(file)
            clock.time_ns = observation.timestamp_ns
            results.append(repr(predictor.step(observation)))
    return _digest(results, predictor.state.rows.tobytes())


def _unheard(alert: Alert) -> None:
    """Alerts are not what is measured."""


def _digest(results: list[str], rows: bytes) -> str:
    return hashlib.sha256("\n".join(results).encode() + rows).hexdigest()


def shedding_table() -> None:
    """The specification's black swan: arrivals every 100, 20, then 5 ms; and its end."""
    heading("load shedding, injected latencies and arrivals")
    shedder = LoadShedder(5)
    phases = {"calm": (0.1, 5), "faster": (0.02, 3), "crisis": (0.005, 2), "calm again": (0.1, 5)}
    latency_s = {5: 0.018, 3: 0.015, 2: 0.006}
    depths: list[int] = []
    for name, (interval_s, wanted) in phases.items():
        for _ in range(200):
            shedder.observe(latency_s=latency_s[shedder.depth], interval_s=interval_s)
            depths.append(shedder.depth)
        holds(f"depth after 200 batches, {name} ({interval_s * 1e3:g} ms)", depths[-1], wanted)
    holds("depths seen", sorted(set(depths)), [2, 3, 5])
    changes = np.diff(depths) != 0
    dwell = SheddingPolicy().dwell_batches
    most = max(int(changes[t : t + dwell].sum()) for t in range(len(changes)))
    at_most(f"most changes in any {dwell} batches", most, 1)
    ups = [t for t in range(1, len(depths)) if depths[t] > depths[t - 1]]
    close = sum(b - a < dwell for a, b in itertools.pairwise(ups))
    at_most("steps up closer together than the dwell", close, 0)
