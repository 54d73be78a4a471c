"""A topic's past gives what live gave: as recorded every byte, at event time every result."""

import json
import os
import pickle
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from confluent_kafka import OFFSET_END, Producer, TopicPartition
from pyarrow import parquet

from ops.cli import main
from ops.records.follow import StartAt, follow
from schemas import ResultCodec, SingleObjectFraming, TickCodec
from snapshots import ManifestRef, SnapshotScope, list_snapshots, open_store
from tests.fixtures.kafka import KafkaCluster
from tests.kafka.conftest import MakeFleet
from tests.kafka.feed import produce, random_ticks
from tests.kafka.fleet import Fleet
from tests.kafka.tap import Tap, TapRecord, read_topic
from tests.kafka.worker_process import config_from_json
from tests.ops.cli import operated
from tests.workers.replay.tables import bits
from workers.batching.shedding import depth_ladder
from workers.replay import (
    Bound,
    ReplayError,
    Verification,
    begin_at_snapshots,
    capture_range,
    plan_as_recorded,
    plan_topic,
    read_run,
    run_backtest,
    run_in_processes,
    verifying,
)
from workers.replay.sliced.slices import slice_plans

pytestmark = pytest.mark.kafka
# The long form, docs/backtest.md has the command: TICKFLEET_TEST_PAST=200000.
_COUNT, _PARTITIONS = int(os.environ.get("TICKFLEET_TEST_PAST", "12000")), 2


@pytest.fixture(scope="module")
def lived(kafka: KafkaCluster, tmp_path_factory: pytest.TempPathFactory) -> Fleet:
    """A fleet of two under the wall clock, made to shed load; one is killed on the way."""
    ticks = kafka.create_topic("ticks", partitions=_PARTITIONS)
    settings = {
        "processing_clock": "wall",
        "load_shedding": True,
        "snapshot_interval_s": 0.3,
        # So small that, however ticks are bunched, each worker comes to the end of the trace below.
        "max_batch_records": 50,
        "commit_interval_ms": 10,
        # At rest, a little late, late, far behind: every rung and every mask of the shedder.
        "latency_trace": [0.1] * 25 + [0.8] * 6 + [1.6] * 6 + [4.0] * 6,
    }
    folder = tmp_path_factory.mktemp("lived")
    fleet = Fleet(kafka, folder, ticks, _PARTITIONS, settings)
    tap = Tap(kafka, fleet.topics["predictions"], _PARTITIONS)
    try:
        fleet.start("w-0")
        victim = fleet.start("w-1", fault="before_commit:kill:12")
        fleet.wait_for(lambda: fleet.lives("w-0") + fleet.lives("w-1") == 2, 120, "two workers")
        time.sleep(1.0)
        produce(kafka, ticks, random_ticks(_COUNT, 40, seed=51), per_second=max(3_000, _COUNT / 30))
        fleet.wait_for(lambda: not victim.running, 120, "the death of w-1")
        fleet.start("w-1")
        fleet.wait_for(lambda: tap.count >= _COUNT, max(240, _COUNT / 100), f"{_COUNT} results")
        fleet.stop()
    finally:
        fleet.kill_all()
        tap.close()
    return fleet


def verified(fleet: Fleet, out: Path, predictions: str) -> Verification:
    config = config_from_json(fleet.config_json("reader"))
    plan, history = plan_as_recorded(config, fleet.ticks, out)
    taken = [record for records in history.journal.values() for record in records]
    assert len({record.worker for record in taken}) == 2
    decisions = {(record.depth, record.kernel_mask) for record in taken}
    assert {depth for depth, _ in decisions} == set(depth_ladder(config.predictor.log_sig_depth))
    assert len({mask for _, mask in decisions}) == 3
    watch = verifying(config, history, predictions, flags=fleet.topics["flags"])
    run = run_backtest(replace(plan, watch=watch))
    assert read_run(out)["verification"] == run["verification"]
    return Verification.read(run["verification"])


@pytest.fixture(scope="module")
def whole(lived: Fleet, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Verification]:
    """What live did, as recorded, by one process, and how it compares."""
    out = tmp_path_factory.mktemp("recorded") / "whole"
    return out, verified(lived, out, lived.topics["predictions"])


def test_as_recorded_repeats_live_byte_for_byte(whole: tuple[Path, Verification]) -> None:
    _, found = whole
    assert found.holds, found.first
    assert found.results == _COUNT
    assert found.flags > 0
    assert (found.repeated, found.not_retained, found.beyond) == (0, 0, 0)


def test_the_first_difference_is_told_with_its_cause(
    kafka: KafkaCluster, lived: Fleet, tmp_path: Path
) -> None:
    records = read_topic(kafka, lived.topics["predictions"], _PARTITIONS, _COUNT)
    copy = kafka.create_topic("copy", partitions=_PARTITIONS)
    _publish(kafka, copy, records, spoilt=500, missing=700, doubled=900)
    found = verified(lived, tmp_path / "run", copy)
    assert (found.differences, found.flag_differences) == (3, 0), found.first
    assert found.first is not None
    first = records[0][500]
    assert (found.first.partition, found.first.asset_id) == (0, (first.key or b"").decode())
    # The last byte of a result is its kernel mask: a decision.
    assert found.first.what.startswith("kernel_mask: live ")
    assert "the decision that live took is not the one in the journal" in found.first.cause
    assert "(answered by w-" in found.first.cause


def _publish(
    kafka: KafkaCluster,
    topic: str,
    records: dict[int, list[TapRecord]],
    *,
    spoilt: int,
    missing: int,
    doubled: int,
) -> None:
    """A copy with three faults in partition 0."""
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "enable.idempotence": True})
    for number, part in records.items():
        for i, record in enumerate(part):
            value = record.value or b""
            if number == 0 and i == spoilt:
                value = value[:-1] + bytes([value[-1] ^ 2])
            for _ in range({missing: 0, doubled: 2}.get(i, 1) if number == 0 else 1):
                producer.produce(topic, value, record.key, partition=number)
        producer.flush(60)


def test_the_command_verifies_in_two_processes_as_one_does_and_its_exit_code_tells(
    lived: Fleet, whole: tuple[Path, Verification], tmp_path: Path
) -> None:
    config = tmp_path / "fleet.toml"
    config.write_text(
        f'bootstrap_servers = "{lived.kafka.bootstrap}"\ngroup_id = "{lived.group}"\n'
        "[topics]\n" + "".join(f'{name} = "{topic}"\n' for name, topic in lived.topics.items())
    )
    arguments = ["backtest", "-c", str(config), "--topic", lived.ticks, "--as-recorded"]
    verify = ["--verify", lived.topics["predictions"], "--out", str(tmp_path / "run")]
    verify += ["--processes", "2"]
    result = CliRunner().invoke(main, [*arguments, *verify])
    assert result.exit_code == 0, result.output
    one, found = whole
    assert f"{_COUNT:,} results and {found.flags:,} flag events" in result.stdout
    assert ": 0 differences" in result.stdout
    run = read_run(tmp_path / "run")
    assert (run["processes"], run["verification"]) == (2, found.summary())
    for table in ("results", "flags"):
        assert bits(parquet.read_table(one / table)) == bits(
            parquet.read_table(tmp_path / "run" / table)
        )
    other = ["--verify", lived.topics["journal"], "--out", str(tmp_path / "other"), "--set", "a=1"]
    assert CliRunner().invoke(main, [*arguments, *other]).exit_code == 2


def test_as_recorded_from_the_fleets_snapshots(lived: Fleet, tmp_path: Path) -> None:
    config = config_from_json(lived.config_json("reader"))
    stored = [ref for ref in _snapshots(lived, 0) if ref.offset > 0][-1]
    begin = begin_at_snapshots(config, {0: stored})
    plan, history = plan_as_recorded(config, lived.ticks, tmp_path / "run", begin=begin.images)
    assert len(pickle.dumps(slice_plans(begin.of(plan), 2))) > 0, "processes can take it"
    predictions, flags = lived.topics["predictions"], lived.topics["flags"]
    watch = verifying(config, history, predictions, flags=flags)
    run = run_backtest(replace(begin.of(plan), watch=watch))
    found = Verification.read(run["verification"])
    assert found.holds, found.first
    assert 0 < found.results < _COUNT


def test_as_recorded_from_the_end_of_what_was_answered(lived: Fleet, tmp_path: Path) -> None:
    config = config_from_json(lived.config_json("reader"))
    newest = {number: _snapshots(lived, number)[0] for number in range(_PARTITIONS)}
    begin = begin_at_snapshots(config, newest)
    plan, history = plan_as_recorded(config, lived.ticks, tmp_path / "run", begin=begin.images)
    watch = verifying(config, history, lived.topics["predictions"], flags=lived.topics["flags"])
    run = run_in_processes(replace(begin.of(plan), watch=watch), 2)
    assert run["counts"]["results"] == 0
    assert Verification.read(run["verification"]) == Verification()


@pytest.mark.parametrize("processes", [1, 2])
def test_what_the_journal_does_not_tell_of_is_counted(
    kafka: KafkaCluster, lived: Fleet, tmp_path: Path, processes: int
) -> None:
    results = read_topic(kafka, lived.topics["predictions"], _PARTITIONS, _COUNT)
    journal = kafka.create_topic("lost", partitions=_PARTITIONS)
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "enable.idempotence": True})
    options = {"bootstrap.servers": kafka.bootstrap}
    whole = follow(
        lived.topics["journal"], options=options, start=StartAt.BEGINNING, stop_at_end=True
    )
    for message in whole:
        if message.partition() == 0:
            producer.produce(journal, message.value(), message.key(), partition=0)
    assert producer.flush(60) == 0
    config = config_from_json(lived.config_json("reader"))
    config = replace(config, topics=replace(config.topics, journal=journal))
    plan, history = plan_as_recorded(config, lived.ticks, tmp_path / "run")
    watch = verifying(config, history, lived.topics["predictions"], flags=lived.topics["flags"])
    run = run_in_processes(replace(plan, watch=watch), processes)
    found = Verification.read(run["verification"])
    assert found.holds, found.first
    assert (found.results, found.beyond) == (len(results[0]), len(results[1]))


def test_a_resumed_run_compares_no_more_than_it_began_with(
    lived: Fleet, whole: tuple[Path, Verification], tmp_path: Path
) -> None:
    config, out = config_from_json(lived.config_json("reader")), tmp_path / "run"
    # As of a run that was begun when live had answered half as much.
    source = read_run(whole[0])["source"]
    source["end"] = {number: offset // 2 for number, offset in source["end"].items()}
    out.mkdir()
    (out / "run.json").write_text(json.dumps(read_run(whole[0]) | {"source": source}))
    plan, history = plan_as_recorded(config, lived.ticks, out)
    predictions, flags = lived.topics["predictions"], lived.topics["flags"]
    watch = verifying(config, history, predictions, flags=flags)
    run = run_backtest(replace(plan, out=tmp_path / "anew", watch=watch))
    found = Verification.read(run["verification"])
    assert found.holds, found.first
    assert found.results == sum(source["end"].values())
    assert found.beyond == _COUNT - found.results
    assert 0 < found.flags < whole[1].flags


def test_another_configuration_than_the_fleets_is_refused(lived: Fleet, tmp_path: Path) -> None:
    config = config_from_json(lived.config_json("reader", predictor={"cusum_h": 8.0}))
    with pytest.raises(ReplayError, match=r"under fingerprint .* give the fleet's own"):
        plan_as_recorded(config, lived.ticks, tmp_path / "run")
    with pytest.raises(ReplayError, match="no topic nowhere"):
        plan_topic(config, "nowhere", tmp_path / "run")
    with pytest.raises(ReplayError, match="no topic nowhere"):
        plan_as_recorded(config, "nowhere", tmp_path / "run")
    astray = replace(config, topics=replace(config.topics, journal="nowhere"))
    with pytest.raises(ReplayError, match="no topic nowhere"):
        plan_as_recorded(astray, lived.ticks, tmp_path / "run")


def test_what_retention_has_removed_is_said(
    kafka: KafkaCluster, make_fleet: MakeFleet, tmp_path: Path
) -> None:
    ticks = kafka.create_topic("ticks")
    produce(kafka, ticks, random_ticks(1_000, 10, seed=56))
    fleet = make_fleet("fleet", ticks, 1)
    fleet.start("w-0")
    read_topic(kafka, fleet.topics["predictions"], 1, 1_000, 120)
    fleet.stop()
    admin = kafka.admin()
    admin.delete_records([TopicPartition(ticks, 0, 300)])[TopicPartition(ticks, 0)].result(30)
    config = config_from_json(fleet.config_json("reader"))
    run = run_backtest(plan_topic(config, ticks, tmp_path / "run"))
    assert run["counts"]["results"] == 700
    assert run["warnings"] == [
        f"{ticks}[0]: retention has removed everything before offset 300; the state begins empty "
        "there"
    ]
    for begin in (Bound(time_ms=0), Bound(offset=299), Bound(offset=300)):
        told = capture_range(config, ticks, begin, None).trimmed
        assert told == ({} if begin.offset == 300 else {0: run["warnings"][0]})
    with pytest.raises(ReplayError, match="retained only from 300, live began at 0"):
        plan_as_recorded(config, ticks, tmp_path / "recorded")
    journal = TopicPartition(fleet.topics["journal"], 0, 1)
    for journal.offset in (1, OFFSET_END):
        admin.delete_records([journal])[journal].result(30)
        with pytest.raises(ReplayError, match="has removed its beginning"):
            plan_as_recorded(config, ticks, tmp_path / "recorded")
        newest = begin_at_snapshots(config, {0: _snapshots(fleet, 0)[0]}).images
        _, history = plan_as_recorded(config, ticks, tmp_path / "recorded", begin=newest)
        assert history.span.start == history.span.end == {0: 1_000}


def _snapshots(fleet: Fleet, partition: int) -> list[ManifestRef]:
    store = open_store((fleet.folder / "snapshots").as_uri())
    return list_snapshots(store, SnapshotScope(fleet.group, fleet.ticks, partition))


def test_a_range_at_event_time_is_what_live_answers_there(
    kafka: KafkaCluster, make_fleet: MakeFleet, tmp_path: Path
) -> None:
    ticks = kafka.create_topic("ticks", partitions=_PARTITIONS)
    count = 4_000
    produce(kafka, ticks, random_ticks(count, 40, seed=52))
    _aborted(kafka, ticks)
    later = random_ticks(count, 40, seed=53)
    later.timestamp_ns[:] += 3_600 * 10**9
    produce(kafka, ticks, later)
    fleet = make_fleet("fleet", ticks, _PARTITIONS)
    fleet.start("w-0")
    live = read_topic(kafka, fleet.topics["predictions"], _PARTITIONS, 2 * count, 120)
    fleet.stop()
    config = config_from_json(fleet.config_json("reader"))
    plan = plan_topic(config, ticks, tmp_path / "run")
    produce(kafka, ticks, random_ticks(50, 40, seed=54))  # after the end was captured
    run = run_backtest(plan)
    assert run["counts"]["results"] == 2 * count
    rows = parquet.read_table(tmp_path / "run" / "results").to_pylist()
    assert _by_cause(rows) == _decoded(live)
    places = [(row["timestamp_ns"], row["source_partition"], row["source_offset"]) for row in rows]
    assert places == sorted(places), "merged by event time"
    part = plan_topic(
        config, ticks, tmp_path / "part", begin=Bound(offset=100), end=Bound(offset=1_000)
    )
    assert part.source.describe()["end"] == {"0": 1_000, "1": 1_000}
    assert run_backtest(part)["counts"]["results"] == 2 * 900
    _typed(fleet, tmp_path)


def _typed(fleet: Fleet, folder: Path) -> None:
    """The same, and what follows the fleet's last snapshot, as the page has people type it."""
    config = operated.settings_file(fleet, folder / "fleet.toml")
    place = ("--config", config, "--topic", fleet.ticks)
    operated.run(
        "backtest", *place, "--from", "100", "--to", "2200-09-02T00:00Z", "--out", folder / "d"
    )
    assert read_run(folder / "d")["source"]["start"] == {"0": 100, "1": 100}
    begin = ("--from-snapshot", "newest", "--set", "cusum_h=8")
    operated.run("backtest", *place, *begin, "--out", folder / "f")
    after = read_run(folder / "f")
    assert (after["counts"]["results"], after["config"]["cusum_h"]) == (50, 8.0)
    told = operated.run("export", *place, "--to", "1200", "--file", folder / "ticks.parquet").stdout
    assert told.startswith("2,400 ticks, 0 records refused")


def test_an_exported_topic_gives_the_same_results_as_the_topic(
    kafka: KafkaCluster, tmp_path: Path
) -> None:
    ticks = kafka.create_topic("ticks", partitions=_PARTITIONS)
    produce(kafka, ticks, random_ticks(2_000, 40, seed=55))
    # A record that is no tick, and one without a target.
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "partitioner": "murmur2_random"})
    codec = TickCodec(SingleObjectFraming())
    producer.produce(ticks, b"no tick", b"asset-00001")
    producer.produce(ticks, codec.encode("asset-00002", 12.0, None, 10**18), b"asset-00002")
    producer.flush(30)
    path = tmp_path / "ticks.parquet"
    arguments = ["--bootstrap", kafka.bootstrap, "--topic", ticks]
    result = CliRunner().invoke(main, ["export", *arguments, "--file", str(path)])
    assert result.exit_code == 0, result.output
    assert result.stdout == f"2,001 ticks, 1 records refused: {path}\n"
    assert parquet.read_table(path)["target"].null_count == 1
    for out, source in (("topic", arguments), ("file", ["--file", str(path), "--unsorted"])):
        run = CliRunner().invoke(main, ["backtest", *source, "--out", str(tmp_path / out)])
        assert run.exit_code == 0, run.output
    columns = ["asset_id", "timestamp_ns", "sequence", "predicted_price", "holder_exponent"]
    topic, file = (
        bits(parquet.read_table(tmp_path / out / "results", columns=columns))
        for out in ("topic", "file")
    )
    assert topic == file
    for name, message in (("ticks.parquet", "is there already"), ("ticks.txt", "or .avro")):
        again = CliRunner().invoke(main, ["export", *arguments, "--file", str(tmp_path / name)])
        assert again.exit_code == 2
        assert message in again.stderr


def test_a_topic_exported_and_sent_again_has_the_same_records(
    kafka: KafkaCluster, tmp_path: Path
) -> None:
    ticks = kafka.create_topic("ticks", partitions=_PARTITIONS, config=_KEPT)
    count, begun_ms = 900, 1_378_000_000_000
    sent = random_ticks(count, 40, seed=57)
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "enable.idempotence": True})
    for i, (asset, value) in enumerate(zip(sent.asset, sent.values(), strict=True)):
        # Neither the partition nor the time is what a producer of the same ticks would choose.
        headers: list[tuple[str, str | bytes | None]] = [("seen", b"1"), ("seen", None)]
        producer.produce(
            topic=ticks,
            key=asset,
            value=value,
            partition=i % 2,
            timestamp=begun_ms + 7 * i,
            headers=headers if i % 3 == 0 else None,
        )
    producer.flush(30)
    records = _records(kafka, ticks)
    assert sorted(one[2] for part in records.values() for one in part)[-1] == begun_ms + 7 * 899
    assert sum(len(one[3]) for part in records.values() for one in part) == 2 * 300
    brokers = ["--bootstrap", kafka.bootstrap, "--topic"]
    for kind in ("parquet", "avro"):
        file = ["--file", str(tmp_path / f"ticks.{kind}")]
        copy = kafka.create_topic("copy", partitions=_PARTITIONS, config=_KEPT)
        for command in (["export", *brokers, ticks, *file], ["produce", *brokers, copy, *file]):
            done = CliRunner().invoke(main, command)
            assert done.exit_code == 0, done.output
        assert _records(kafka, copy) == records
    narrow = kafka.create_topic("narrow")
    refused = CliRunner().invoke(main, ["produce", *brokers, narrow, *file])
    assert refused.exit_code == 2
    assert f"{narrow} has 1 partitions, the file's records were in 2" in refused.stderr
    done = CliRunner().invoke(main, ["produce", *brokers, narrow, *file, "--records", "new"])
    assert done.exit_code == 0, done.output
    anew = _records(kafka, narrow, partitions=1)[0]
    assert len(anew) == count
    assert all(time_ms > begun_ms + 10**11 for _, _, time_ms, _ in anew)
    assert not any(headers for *_, headers in anew)


_KEPT = {"retention.ms": "-1"}
_Record = tuple[bytes | str | None, bytes | None, int, list[Any]]


def _records(
    kafka: KafkaCluster, topic: str, partitions: int = _PARTITIONS
) -> dict[int, list[_Record]]:
    """Key, value, time and headers of every record, by partition."""
    found: dict[int, list[_Record]] = {number: [] for number in range(partitions)}
    options = {"bootstrap.servers": kafka.bootstrap}
    for one in follow(topic, options=options, start=StartAt.BEGINNING, stop_at_end=True):
        headers = list(one.headers() or [])
        found[one.partition() or 0].append((one.key(), one.value(), one.timestamp()[1], headers))
    return found


def _aborted(kafka: KafkaCluster, topic: str) -> None:
    """A transaction that nobody may see: a gap of many offsets."""
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": f"t-{topic}"})
    producer.init_transactions(30)
    producer.begin_transaction()
    for number in range(_PARTITIONS):
        for _ in range(300):
            producer.produce(topic, b"never seen", b"asset", partition=number)
    producer.flush(30)
    producer.abort_transaction(30)


def _by_cause(rows: list[dict[str, object]]) -> dict[tuple[object, object], object]:
    return {(r["source_partition"], r["source_offset"]): repr(r["predicted_price"]) for r in rows}


def _decoded(live: dict[int, list[TapRecord]]) -> dict[tuple[object, object], object]:
    codec = ResultCodec(SingleObjectFraming())
    return _by_cause([codec.decode(r.value or b"") for part in live.values() for r in part])
