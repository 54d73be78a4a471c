"""Decisions from a journal: each tick gets its own; one that has none is an error with a remedy."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import numpy as np
import pytest
from confluent_kafka import Consumer

from core import PredictorConfig
from schemas import JournalRecord, SingleObjectFraming, TickCodec
from tests.sim.broker import Entry, Log, SimBroker
from tests.sim.clients import SimConsumer, World
from tests.sim.scheduler import Scheduler
from tests.snapshots.builders import make_image
from tests.workers.replay.topics.test_merge import chunk
from workers import Topics, WorkerConfig
from workers.journal.decision_log import DecisionLog
from workers.journal.reader import JournalTail
from workers.replay import Recorded, ReplayError, RunPlan, Verification, run_backtest
from workers.replay.chunk import TickChunk
from workers.replay.topics.history import History, _history, _journal, read_history
from workers.replay.topics.topic_range import TopicRange
from workers.replay.topics.topic_source import TopicSource
from workers.replay.verifying.difference import Difference, explain


def record(
    first: int, last: int, depth: int, *, rejected: tuple[int, ...] | None = None
) -> JournalRecord:
    return JournalRecord(first, last, 1_000 + first, depth, 5, "f" * 16, "w-3", rejected)


def test_each_tick_gets_the_decision_that_covers_it() -> None:
    log = DecisionLog([record(0, 2, 3), record(3, 3, 2)])
    columns, wanted = Recorded({0: log}, {0: 1}).of(chunk(0, 0, [(5, True)] * 4))
    assert columns.depth.tolist() == [3, 3, 3, 2]
    assert columns.processing_time_ns.tolist() == [1_000, 1_000, 1_000, 1_003]
    assert wanted.tolist() == [False, True, True, True], "what only warms up has no result"


def test_a_tick_that_live_skipped_is_an_error() -> None:
    log = DecisionLog([record(0, 1, 3), record(4, 5, 3)])
    with pytest.raises(ReplayError, match=r"partition 0: .* offset 2: live skipped it"):
        Recorded({0: log}, {0: 0}).of(chunk(0, 0, [(5, True)] * 6))


@pytest.mark.parametrize(
    ("ours", "words"),
    [
        ({"predictor": PredictorConfig(cusum_h=9.0)}, r"under fingerprint .* own \[predictor\]"),
        ({"dtype": "float32"}, "under dtype float64, here it is float32: give the fleet's own dt"),
        ({"group_id": "h"}, "of the group g .* group is h and .*: give the fleet's own group_id"),
        ({"topics": Topics(ticks="t")}, "that answers ticks answered offset 0, .* answers t: give"),
    ],
)
def test_a_run_as_recorded_has_the_fleets_configuration(ours: dict[str, Any], words: str) -> None:
    config = WorkerConfig("b:1", "g", "w", "file:///s")
    said = replace(record(0, 9, 3), config_fingerprint=config.predictor.fingerprint())
    told = replace(said, dtype="float64", group="g", source_topic="ticks")
    tail = JournalTail([said, told], position=0, low=0, end=4)
    assert _journal(config, tail, 0, None) == tail.records
    with pytest.raises(ReplayError, match=words):
        _journal(replace(config, **ours), tail, 0, None)


def history_of(
    monkeypatch: pytest.MonkeyPatch, begin: dict[int, int], *journals: list[JournalRecord]
) -> History:
    """What is read of a topic of ten ticks a partition, one journal each."""
    numbers = dict.fromkeys(range(len(journals)))
    reader = Mock()
    reader.list_topics.return_value.topics = dict.fromkeys(
        ("ticks", "journal"), Mock(partitions=numbers, error=None)
    )
    reader.get_watermark_offsets.return_value = (0, 10)
    found = Mock()
    found.read.side_effect = lambda _reader, number, low: JournalTail(journals[number], low, 0, 4)
    monkeypatch.setattr("workers.replay.topics.history.Consumer", lambda _settings: reader)
    monkeypatch.setattr("workers.replay.topics.history.JournalReader", lambda *_: found)
    images = {number: make_image(1, offset=offset) for number, offset in begin.items()}
    return read_history(WorkerConfig("b:1", "g", "w", "file:///s"), "ticks", images)


def test_behind_snapshots_at_the_end_of_what_was_answered_there_is_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    config = WorkerConfig("b:1", "g", "w", "file:///s")
    fingerprint = config.predictor.fingerprint()
    said = [replace(record(0, 9, 3), config_fingerprint=fingerprint)]
    quiet = history_of(monkeypatch, {0: 10, 1: 10}, said, said)
    assert quiet.span.offsets == 0
    source = TopicSource(config, quiet.span, by_partition=True)
    plan = RunPlan(source, config.predictor, "float64", quiet.recorded, tmp_path / "run")
    assert run_backtest(plan)["counts"]["results"] == 0
    half = history_of(monkeypatch, {0: 10, 1: 5}, said, said)
    assert (half.span.start, half.span.end) == ({0: 10, 1: 5}, {0: 10, 1: 10})
    with pytest.raises(ReplayError, match=r"journal records no answer to ticks: give the fleet's"):
        history_of(monkeypatch, {0: 10}, [], [])


@pytest.mark.parametrize(
    ("position", "low", "first", "whole"),
    [
        (50, 50, None, True),  # nothing was written since
        (50, 51, None, False),
        (50, 50, 103, True),  # offsets 100 to 102 are markers
        (50, 51, 103, False),
        (0, 51, 103, False),  # the end of a run, whose position is not known
        (0, 51, 90, True),
        (0, 51, 98, True),
        (0, 51, None, False),
        (0, 0, None, True),
    ],
)
def test_a_journal_is_long_enough_from_where_the_snapshot_found_its_end(
    position: int, low: int, first: int | None, whole: bool
) -> None:
    config = WorkerConfig("b:1", "g", "w", "file:///s")
    said = [] if first is None else [record(first, first + 4, 3), record(first + 5, 120, 3)]
    fingerprint = config.predictor.fingerprint()
    tail = JournalTail([replace(r, config_fingerprint=fingerprint) for r in said], 0, low, 60)
    image = replace(make_image(1, offset=100), journal_position=position)
    if whole:
        assert _journal(config, tail, 0, image) == [r for r in tail.records if r.to_offset >= 100]
    else:
        with pytest.raises(ReplayError, match="begin from a newer snapshot than that at 100"):
            _journal(config, tail, 0, image)


@pytest.fixture
def topic(monkeypatch: pytest.MonkeyPatch) -> Log:
    """The ticks topic: prices 1, -1, 2, -2, then what is no tick."""
    world = World(broker=SimBroker(partitions=1), scheduler=Scheduler(), ticks="ticks")
    consumer = "workers.replay.topics.topic_fetch.Consumer"
    monkeypatch.setattr(consumer, lambda settings: SimConsumer(world, settings))
    codec, log = TickCodec(SingleObjectFraming()), world.broker.log("ticks", 0)
    for price in (1.0, -1.0, 2.0, -2.0):
        log.append(b"A", codec.encode("A", price, None, 5))
    log.append(b"A", b"no tick")
    return log


def source(topic: Log, *journal: JournalRecord, any_price: bool) -> TopicSource:
    config = WorkerConfig("b:1", "g", "w", "file:///s", allow_nonpositive_prices=any_price)
    recorded = Recorded({0: DecisionLog(journal)}, {0: 0})
    span = TopicRange("ticks", {0: 0}, {0: topic.end})
    return TopicSource(config, span, by_partition=True, recorded=recorded)


@pytest.mark.parametrize("any_price", [False, True])
def test_a_run_as_recorded_steps_what_live_answered_whatever_is_allowed_now(
    topic: Log, any_price: bool
) -> None:
    journal = record(0, 2, 3, rejected=(0,)), record(3, 4, 3, rejected=(1,))
    read = source(topic, *journal, any_price=any_price).only([0])
    found = TickChunk.join(list(read.chunks({})))
    assert found.ticks().price.tolist() == [-1.0, 2.0, -2.0]
    assert [(one.offset, one.error_class) for one in found.refused] == [
        (0, "AsRecorded"),
        (4, "Undecodable"),
    ]


def test_a_tick_that_live_answered_and_nothing_can_read_is_an_error(topic: Log) -> None:
    journal = record(0, 4, 3, rejected=())
    with pytest.raises(ReplayError, match=r"ticks\[0\] at offset 4: .*Put its schema back"):
        list(source(topic, journal, any_price=True).chunks({}))


@pytest.mark.parametrize("gone", [0, 2, 3, 4])
def test_a_tick_that_live_answered_and_is_gone_is_an_error(topic: Log, gone: int) -> None:
    journal = record(0, 2, 3, rejected=()), record(3, 4, 3, rejected=(1,))
    topic.entries[gone] = Entry(gone, None, None, marker=True)
    with pytest.raises(ReplayError, match=rf"ticks\[0\] at offset {gone}: .* is compacted"):
        list(source(topic, *journal, any_price=True).chunks({}))


def test_what_the_journal_does_not_name_may_be_a_marker(topic: Log) -> None:
    topic.entries[1] = Entry(1, None, None, marker=True)
    journal = record(0, 2, 3, rejected=()), record(3, 4, 3, rejected=(1,))
    read = source(topic, *journal, any_price=True)
    assert TickChunk.join(list(read.chunks({}))).offset.tolist() == [0, 2, 3, 4]


def test_an_input_that_does_not_hold_what_live_answered_is_an_error() -> None:
    config = WorkerConfig("b:1", "g", "w", "file:///s")
    reader = cast(Consumer, SimpleNamespace(get_watermark_offsets=lambda *_: (0, 4)))
    journal = {0: [record(0, 2, 3), record(3, 4, 3)]}
    trimmed = cast(Consumer, SimpleNamespace(get_watermark_offsets=lambda *_: (2, 5)))
    for begin, words in (({}, "live began at 0: .* oldest or newest"), ({0: 1}, "newer snapshot")):
        with pytest.raises(ReplayError, match=rf"retained only from 2, .*{words}"):
            _history(config, trimmed, "ticks", journal, begin)
    with pytest.raises(ReplayError, match=r"ticks\[0\]: the input ends at 4, live .* up to 4"):
        _history(config, reader, "ticks", journal, {})
    found = _history(config, reader, "ticks", {0: journal[0][:1]}, {})
    assert found.span.end == {0: 3}


@pytest.mark.parametrize(
    ("changed", "cause"),
    [
        ({"sequence": 9}, "its state began elsewhere"),
        ({"processing_time_ns": 1}, "is not the one in the journal"),
        ({"predicted_price": 1.5}, "another version of TickFleet, JAX or processor"),
        ({"source_topic": "other"}, "a topic of another name"),
        ({}, "another schema or framing"),
    ],
)
def test_a_difference_points_to_its_cause(changed: dict[str, object], cause: str) -> None:
    ours: dict[str, object] = {
        "source_topic": "ticks",
        "asset_id": "A",
        "sequence": 8,
        "processing_time_ns": 0,
        "predicted_price": np.nan,
    }
    found = explain(2, 7, ours, ours | changed, record(0, 9, 3))
    assert cause in found.cause
    assert found.cause.endswith("(answered by w-3)")
    assert found.describe().startswith("partition 2, offset 7 of A: ")
    assert all(f"{name}: live {value!r}" in found.what for name, value in changed.items())


def test_what_several_processes_find_is_told_as_one_process_would() -> None:
    def found(partition: int, *, flag: bool) -> Verification:
        first = Difference(partition, 7, "A", "what", "why")
        return Verification(10, 1, flags=2, flag_differences=int(flag), first=first)

    parts = [found(0, flag=True), found(2, flag=False), found(1, flag=False), Verification(5)]
    total = Verification.total([Verification.read(part.summary()) for part in parts])
    assert (total.results, total.flags) == (35, 6)
    assert (total.differences, total.flag_differences, total.holds) == (3, 1, False)
    assert total.first is not None
    assert total.first.partition == 1, "results come before flag events, then by partition"
