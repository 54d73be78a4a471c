"""The oracle and the judge catch what they are there to catch. No Kafka."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from core import (
    AVAILABLE_KERNELS,
    FunctionalPredictor,
    Kernel,
    MarketObservation,
    PredictorConfig,
)
from schemas import JournalCodec, SingleObjectFraming, TickCodec
from tests.chaos.judge import Verdict, judge
from tests.chaos.oracle import Expected, Oracle, Seen, _Asset, _edges
from tests.fixtures.batches import record_batch
from tests.kafka.feed import random_ticks
from tests.kafka.tap import TapRecord
from workers import NullTelemetry, Topics, WorkerConfig
from workers.batching.decisions import Decision
from workers.batching.pipeline import Pipeline
from workers.compute.state_table import StateTable
from workers.emission.emitter import Emitter
from workers.emission.out_message import OutMessage
from workers.partition import Partition, Phase

CONFIG = WorkerConfig("localhost:1", "group", "w-0", "file:///nowhere", topics=Topics())
NOW_NS = 1_700_000_001_000_000_000
TICKS = 400


def _inputs() -> list[TapRecord]:
    """Sound ticks of five assets on partition 0, two bad records and a marker's gap among them."""
    ticks = random_ticks(TICKS, 5, seed=11)
    prices = ticks.price.copy()
    prices[200:260] *= 1.5  # jumps, so that flags rise and fall
    codec = TickCodec(SingleObjectFraming())
    values = codec.encode_batch(ticks.asset, prices, prices, ticks.timestamp_ns)
    records = [
        TapRecord(offset + (offset > 150), asset.encode(), value, 0.0)
        for offset, (asset, value) in enumerate(zip(ticks.asset, values, strict=True))
    ]
    records[30] = records[30]._replace(value=b"not avro")
    records[90] = records[90]._replace(key=b"somebody else")
    return records


def _run(inputs: Sequence[TapRecord]) -> Seen:
    """The inputs through the worker's own pipeline, in uneven batches under changing decisions."""
    framing = SingleObjectFraming()
    partition = Partition(0, 0.0, Phase.LIVE)
    pipeline = Pipeline(
        CONFIG.predictor, StateTable(CONFIG.predictor, "float64"), TickCodec(framing), "ticks"
    )
    emitter = Emitter(CONFIG, lambda _: framing, NullTelemetry())
    topics: dict[str, list[TapRecord]] = {name: [] for name in CONFIG.topics.all()}

    def publish(topic: str, key: bytes | None, value: bytes) -> None:
        topics[topic].append(TapRecord(len(topics[topic]), key, value, 0.0))

    sizes = np.random.default_rng(2).integers(1, 60, TICKS)
    start = 0
    for number, size in enumerate(sizes.tolist()):
        part = inputs[start : start + size]
        start += size
        if not part:
            break
        # Old for the later batches, and now and then under load.
        depth = 2 if number % 4 == 3 else CONFIG.predictor.log_sig_depth
        decision = Decision(NOW_NS + number * 200_000_000, depth, int(AVAILABLE_KERNELS))
        batch = pipeline.run(record_batch(part), {0: partition}, lambda decision=decision: decision)  # type: ignore[misc]
        emission = emitter.encode(record_batch(part), batch)
        for result in emission.results[0]:
            publish(CONFIG.topics.predictions, result["key"], result["value"])
        for message in (*emission.extras, *emission.journal):
            _publish_message(publish, message)
    names = ("predictions", "journal", "flags", "dead_letters")
    return Seen(*({0: topics[getattr(CONFIG.topics, name)]} for name in names))


def _publish_message(
    publish: Callable[[str, bytes | None, bytes], None], message: OutMessage
) -> None:
    publish(message.topic, message.key, message.value)


@pytest.fixture(scope="module")
def run() -> tuple[Expected, Seen]:
    inputs = _inputs()
    seen = _run(inputs)
    expected = Oracle("ticks", PredictorConfig()).expect(
        {0: inputs}, seen.journal, Kernel(AVAILABLE_KERNELS)
    )
    return expected, seen


def test_a_calm_run_holds(run: tuple[Expected, Seen]) -> None:
    expected, seen = run
    verdict = judge(expected, seen)
    assert verdict.holds, verdict
    assert verdict.ticks == verdict.results == TICKS - 2
    assert len(expected.letters) == 2
    kinds = {event.type for event in expected.events}
    assert {"DomainError", "LoadShedding", "StalenessWarning"} <= kinds, kinds


Mutation = Callable[[list[TapRecord]], None]


def _drop(records: list[TapRecord]) -> None:
    del records[len(records) // 2]


def _repeat(records: list[TapRecord]) -> None:
    records.append(records[len(records) // 2])


def _swap(records: list[TapRecord]) -> None:
    middle = len(records) // 2
    records[middle], records[middle + 1] = records[middle + 1], records[middle]


def _forget(records: list[TapRecord]) -> None:
    """The journal takes a record for a tick that was none."""
    codec = JournalCodec(SingleObjectFraming())
    for i, record in enumerate(records):
        said = codec.decode(record.value or b"")
        if said.rejected:
            records[i] = record._replace(value=codec.encode(replace(said, rejected=())))


def _flip(records: list[TapRecord]) -> None:
    """One bit, in the last byte of a double near the end of the body."""
    middle = len(records) // 2
    value = bytearray(records[middle].value or b"")
    value[-60] ^= 1
    records[middle] = records[middle]._replace(value=bytes(value))


@pytest.mark.parametrize(
    ("topic", "mutation", "found"),
    [
        ("results", _drop, {"missing", "torn", "sequence_gaps"}),
        ("results", _repeat, {"repeated", "reordered", "sequence_gaps"}),
        ("results", _swap, {"reordered"}),
        ("results", _flip, {"wrong"}),
        ("journal", _drop, {"torn"}),
        ("journal", _repeat, {"torn"}),
        ("journal", _forget, {"torn"}),
        ("flags", _drop, {"events"}),
        ("flags", _repeat, {"events"}),
        ("letters", _drop, {"letters", "torn"}),
        ("letters", _repeat, {"letters"}),
    ],
)
def test_every_mutation_is_found(
    run: tuple[Expected, Seen], topic: str, mutation: Mutation, found: set[str]
) -> None:
    expected, seen = run
    records = list(getattr(seen, topic)[0])
    mutation(records)
    mutated = seen._replace(**{topic: {0: records}})
    if topic == "journal":
        expected = Oracle("ticks", PredictorConfig()).expect(
            {0: _inputs()}, mutated.journal, Kernel(AVAILABLE_KERNELS)
        )
    verdict = judge(expected, mutated)
    assert not verdict.holds
    assert found <= _findings(verdict), verdict


def test_a_result_stepped_under_another_decision_is_wrong(run: tuple[Expected, Seen]) -> None:
    _, seen = run
    inputs = _inputs()
    other = Oracle("ticks", PredictorConfig(cusum_h=4.0)).expect(
        {0: inputs}, seen.journal, Kernel(AVAILABLE_KERNELS)
    )
    assert "wrong" in _findings(judge(other, seen))


def _findings(verdict: Verdict) -> set[str]:
    names = ("missing", "repeated", "unexpected", "wrong", "reordered", "torn")
    return {n for n in (*names, "sequence_gaps", "letters", "events") if getattr(verdict, n)}


def test_edges_that_have_a_name_of_their_own_are_expected() -> None:
    calm = FunctionalPredictor(PredictorConfig())
    state, result = calm.step(calm.init_state(), MarketObservation(10.0, 10.0, NOW_NS))
    asset = _Asset(state)

    def events(**flags: Any) -> set[tuple[str, str]]:
        return {(e.type, e.state) for e in _edges(0, 7, asset, replace(result, **flags))}

    assert events() == set()
    assert events(mode_collapse_warning=True) == {
        ("ModeCollapseWarning", "raised"),
        ("ModeDegradationAlert", "instant"),
    }
    assert events(degraded_inference_mode=True) == {
        ("ModeCollapseWarning", "cleared"),
        ("DegradedInferenceMode", "raised"),
        ("StalenessWarning", "instant"),
    }
    assert events() == {
        ("DegradedInferenceMode", "cleared"),
        ("NormalOperationRestored", "instant"),
    }
