"""What a micro-batch publishes besides results: flag events, dead letters, the journal."""

from collections.abc import Sequence
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from core import AVAILABLE_KERNELS, INSTANT_EVENTS, LEVEL_FLAGS, OUTPUT_ROWS, Flag, Output
from schemas import (
    EVENT_TIME,
    DeadLetter,
    DeadLetterCodec,
    FlagEvent,
    FlagEventCodec,
    FlagState,
    FlagType,
    JournalCodec,
    Rejection,
    ResultColumns,
    Severity,
    SingleObjectFraming,
)
from workers import M, MetricDef, NullTelemetry, WorkerConfig
from workers.batching.decisions import Decision
from workers.batching.pipeline import SteppedBatch
from workers.batching.records import RecordBatch
from workers.batching.spans import JournalSpan
from workers.delivery.output_limits import LEAST_LIMIT_BYTES
from workers.emission.emitter import Emission, Emitter
from workers.emission.flag_events import FLAG_TYPES, flag_events
from workers.emission.journal_writer import JournalWriter
from workers.journal.named import named_offsets
from workers.partition import Partition

CONFIG = WorkerConfig("b:1", "group", "w-0", "file:///unused")
FRAMING = SingleObjectFraming()
FULL = Decision(7, CONFIG.predictor.log_sig_depth, int(AVAILABLE_KERNELS))


class Counted(NullTelemetry):
    """Remembers what was added to counters."""

    def __init__(self) -> None:
        self.added: list[tuple[MetricDef, dict[str, str]]] = []

    def inc(self, metric: MetricDef, amount: float = 1.0, **labels: str) -> None:
        self.added.append((metric, labels))


def results(*edges: tuple[Output, Flag]) -> ResultColumns:
    """One result for each edge, of assets A0, A1, ... whose numbers all differ."""
    count = len(edges)
    outputs = np.arange(count * OUTPUT_ROWS, dtype=np.float64).reshape(count, OUTPUT_ROWS)
    outputs[:, [Output.RAISED, Output.CLEARED, Output.INSTANT]] = 0.0
    for i, (row, flag) in enumerate(edges):
        outputs[i, row] = float(flag)
    outputs[:, Output.MODE] = 0.0
    outputs[:, Output.SIGNATURE_DEPTH], outputs[:, Output.KERNEL_MASK] = FULL.depth, 15.0
    numbers = np.arange(count, dtype=np.int64)
    return ResultColumns(
        source_topic="ticks",
        source_partition=np.full(count, 3, dtype=np.int32),
        source_offset=40 + numbers,
        sequence=numbers,
        asset_id=[b"A%d" % i for i in range(count)],
        timestamp_ns=100 + numbers,
        processing_time_ns=200 + numbers,
        outputs=outputs,
    )


def emit(
    columns: ResultColumns, spans: Sequence[JournalSpan], rejections: Sequence[Rejection] = ()
) -> tuple[Emission, Counted]:
    """What an emitter makes of a micro-batch with one bad record, at offset 45."""
    message = SimpleNamespace(headers=lambda: [("trace", "t-1"), ("raw", b"\xff"), ("none", None)])
    records = RecordBatch(
        messages=cast(Any, [message]),
        partition=np.array([3]),
        offset=np.array([45]),
        keys=[b"K"],
        values=[b"not avro"],
    )
    telemetry = Counted()
    emitter = Emitter(CONFIG, lambda _: FRAMING, telemetry)
    return emitter.encode(records, SteppedBatch(columns, rejections, spans, 0)), telemetry


@pytest.mark.parametrize(
    ("severity", "types"),
    [
        (Severity.CRITICAL, {FlagType.EMERGENCY_MODE, FlagType.REGIME_CHANGE_DETECTED}),
        (Severity.INFO, {FlagType.FREQUENCY_WARNING, FlagType.NORMAL_OPERATION_RESTORED}),
    ],
)
def test_how_urgent_a_flag_is(severity: Severity, types: set[FlagType]) -> None:
    assert {kind for kind, level in FLAG_TYPES.values() if level is severity} == types
    assert {Flag(bit) for bit in FLAG_TYPES} == set(LEVEL_FLAGS | INSTANT_EVENTS)


def test_an_event_tells_its_own_result() -> None:
    columns = results((Output.RAISED, Flag.FROZEN_SIGNAL), (Output.CLEARED, Flag.EMERGENCY_MODE))
    first, second = flag_events(columns)
    assert (first.type, first.state) == (FlagType.FROZEN_SIGNAL, FlagState.RAISED)
    assert (second.type, second.state) == (FlagType.EMERGENCY_MODE, FlagState.CLEARED)
    assert (second.asset_id, second.source_partition, second.source_offset) == ("A1", 3, 41)
    assert (second.timestamp_ns, second.processing_time_ns) == (101, 201)
    for name, value in second.values.items():
        assert value == columns.outputs[1, Output[name.upper()]]


def test_flag_events_are_keyed_counted_and_carry_cloudevent_headers() -> None:
    shed = Decision(EVENT_TIME, 2, FULL.kernel_mask)
    span = JournalSpan(Partition(3, 0.0), 40, 45, shed, FULL)
    emission, telemetry = emit(results((Output.RAISED, Flag.EMERGENCY_MODE)), [span])
    codec = FlagEventCodec(FRAMING)
    of_asset, of_partition = emission.extras
    events: list[FlagEvent] = [codec.decode(one.value) for one in emission.extras]
    assert (of_asset.key, of_partition.key) == (b"A0", None)
    for message, event in zip(emission.extras, events, strict=True):
        assert message.topic == CONFIG.topics.flags
        assert message.headers == codec.cloudevent_headers(event) != []
    shedding = events[1]
    assert (shedding.type, shedding.state) == (FlagType.LOAD_SHEDDING, FlagState.RAISED)
    assert (shedding.severity, shedding.asset_id) == (Severity.WARNING, "")
    assert (shedding.source_partition, shedding.source_offset) == (3, 40)
    assert shedding.timestamp_ns == shedding.processing_time_ns == 0
    assert telemetry.added == [
        (M.FLAG_EVENTS, {"type": event.type, "state": event.state}) for event in events
    ]


def test_the_end_of_shedding_is_information() -> None:
    shed = Decision(6, 2, FULL.kernel_mask)
    emission, _ = emit(results(), [JournalSpan(Partition(3, 0.0), 40, 45, FULL, shed)])
    [event] = [FlagEventCodec(FRAMING).decode(one.value) for one in emission.extras]
    assert (event.state, event.severity) == (FlagState.CLEARED, Severity.INFO)


def test_a_dead_letter_holds_the_whole_record_and_is_counted() -> None:
    emission, telemetry = emit(results(), [], [Rejection(0, "Undecodable", "no header")])
    [message] = emission.extras
    assert (message.topic, message.key) == (CONFIG.topics.dead_letters, b"K")
    assert DeadLetterCodec(FRAMING).decode(message.value) == DeadLetter(
        source_topic="ticks",
        source_partition=3,
        source_offset=45,
        key=b"K",
        value=b"not avro",
        headers=(("trace", b"t-1"), ("raw", b"\xff"), ("none", None)),
        error_class="Undecodable",
        message="no header",
    )
    assert telemetry.added == [(M.DEAD_LETTERS, {"error": "Undecodable"})]


def test_a_journal_record_goes_to_its_partition() -> None:
    emission, _ = emit(results(), [JournalSpan(Partition(3, 0.0), 40, 45, FULL, FULL)])
    [message] = emission.journal
    assert (message.topic, message.partition) == (CONFIG.topics.journal, 3)
    record = JournalCodec(FRAMING).decode(message.value)
    assert (record.from_offset, record.to_offset, record.depth) == (40, 45, FULL.depth)
    assert (record.config_fingerprint, record.worker) == (CONFIG.predictor.fingerprint(), "w-0")
    assert (record.rejected, record.dtype, record.group) == ((), "float64", "group")
    assert record.source_topic == CONFIG.topics.ticks


def test_the_journal_tells_which_records_of_its_range_were_no_ticks() -> None:
    spans = [JournalSpan(Partition(n, 0.0), 40, 45, FULL, FULL) for n in (2, 3)]
    emission, _ = emit(results(), spans, [Rejection(0, "Undecodable", "no header")])
    told = {m.partition: JournalCodec(FRAMING).decode(m.value).rejected for m in emission.journal}
    assert told == {2: (), 3: (5,)}


def test_garbage_without_end_does_not_make_a_journal_record_that_no_topic_takes() -> None:
    span, count = JournalSpan(Partition(3, 0.0), 7, 10**9, FULL, FULL), 1_000_000
    rejected = np.arange(count, dtype=np.int64) * 500 + 9
    records = list(JournalWriter(CONFIG, lambda _: FRAMING).records_of(span, rejected))
    codec = JournalCodec(FRAMING)
    assert max(len(codec.encode(record)) for record in records) < LEAST_LIMIT_BYTES / 2 + 256
    assert (records[0].from_offset, records[-1].to_offset) == (7, 10**9)
    for record, later in pairwise(records):
        assert later.from_offset == record.to_offset + 1
    told = [record.from_offset + one for record in records for one in record.rejected or ()]
    assert told == rejected.tolist()
    assert set(named_offsets(records).tolist()) - {10**9} == {7, *rejected.tolist()}
