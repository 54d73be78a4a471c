"""`--to-topic` publishes each result once, with its flag events, whatever breaks on the way."""

from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource
from pyarrow import parquet

from core import PredictorConfig
from core.errors import RetryableError
from ops.cli import main
from schemas import FlagEvent, FlagEventCodec, ResultCodec, SingleObjectFraming
from tests.fixtures.kafka import KafkaCluster, unique_name
from tests.kafka.feed import produce, random_ticks
from tests.workers.replay.tables import bits, random_table, write_ticks
from workers import WorkerConfig
from workers.replay import (
    RUN_ID_HEADER,
    EventTime,
    FileSource,
    Layout,
    Publishing,
    ReplayError,
    RunPlan,
    TakenRunIdError,
    run_backtest,
    run_in_processes,
)
from workers.replay.to_topic.run_group import RunGroup

pytestmark = pytest.mark.kafka
_PARTITIONS = 3
_Place = tuple[int, int]


def seen(kafka: KafkaCluster, topic: str, run_id: str) -> list[Message]:
    """All records that a subscriber sees; all must be of one run."""
    consumer = Consumer(
        {
            "bootstrap.servers": kafka.bootstrap,
            "group.id": unique_name("reader"),
            "isolation.level": "read_committed",
            "enable.partition.eof": True,
        }
    )
    consumer.assign([TopicPartition(topic, number, 0) for number in range(_PARTITIONS)])
    found: list[Message] = []
    ends = 0
    while ends < _PARTITIONS:
        for message in consumer.consume(10_000, 0.5):
            if message.error() is not None:
                ends += 1
                continue
            headers = message.headers()
            assert isinstance(headers, list)
            assert headers[0] == (RUN_ID_HEADER, run_id.encode())
            found.append(message)
    consumer.close()
    return found


def published(kafka: KafkaCluster, topic: str, run_id: str) -> list[tuple[int, dict[str, object]]]:
    """All results that a subscriber sees, with their partitions."""
    found, codec = [], ResultCodec(SingleObjectFraming())
    for message in seen(kafka, topic, run_id):
        result = codec.decode(message.value() or b"")
        assert message.key() == result["asset_id"].encode()
        found.append((message.partition() or 0, result))
    return found


def raised(kafka: KafkaCluster, topic: str, run_id: str) -> list[FlagEvent]:
    """All flag events that a subscriber sees, in order of identity."""
    found, codec = [], FlagEventCodec(SingleObjectFraming())
    for message in seen(kafka, topic, run_id):
        event = codec.decode(message.value() or b"")
        assert message.key() == event.asset_id.encode()
        assert ("ce_id", event.event_id.encode()) in (message.headers() or [])
        found.append(event)
    return sorted(found, key=lambda event: event.event_id)


def events_of_table(run: Path) -> list[FlagEvent]:
    rows = parquet.read_table(run / "flags").to_pylist()
    typed = [{**row, "values": dict(row["values"])} for row in rows]
    return sorted((FlagEvent(**row) for row in typed), key=lambda event: event.event_id)


def of_table(run: Path) -> dict[_Place, str]:
    columns = ["source_partition", "source_offset", "predicted_price"]
    rows = parquet.read_table(run / "results", columns=columns).to_pylist()
    return {(r["source_partition"], r["source_offset"]): repr(r["predicted_price"]) for r in rows}


def of_topic(results: list[tuple[int, dict[str, object]]]) -> dict[object, str]:
    found: dict[object, str] = {
        (r["source_partition"], r["source_offset"]): repr(r["predicted_price"]) for _, r in results
    }
    assert len(found) == len(results), "a result came twice"
    return found


class _Broken(Exception):  # noqa: N818
    """The machine fails."""


def test_a_resumed_run_publishes_what_is_missing_only(kafka: KafkaCluster, tmp_path: Path) -> None:
    topic, flags = (kafka.create_topic(name, partitions=_PARTITIONS) for name in ("b", "flags"))
    path = write_ticks(tmp_path / "ticks.parquet", random_table(70_000, 20, seed=61))
    config, brokers = PredictorConfig(), WorkerConfig(kafka.bootstrap, "g", "w", "file:///none")

    def plan(run_id: str = "r-1") -> RunPlan:
        return RunPlan(
            FileSource(path, Layout()),
            config,
            "float64",
            EventTime(config),
            tmp_path / "run",
            publish=Publishing(brokers, topic, run_id, same_partition=False, flags_topic=flags),
        )

    def fail(_results: int, _share: float) -> None:
        raise _Broken

    # The first batch is published, and then neither a checkpoint nor anything else is made.
    with pytest.raises(_Broken):
        run_backtest(plan(), progress=fail)
    assert len(published(kafka, topic, "r-1")) == 65_536
    before = raised(kafka, flags, "r-1")
    run = run_backtest(plan(), resume=True)
    assert run["published"] == {"topic": topic, "flags_topic": flags, "run_id": "r-1"}
    after = raised(kafka, flags, "r-1")
    assert 0 < len(before) < len(after)
    assert after == events_of_table(tmp_path / "run")
    results = published(kafka, topic, "r-1")
    assert of_topic(results) == of_table(tmp_path / "run")
    assert {partition for partition, _ in results} == set(range(_PARTITIONS))
    again = replace(plan(), out=tmp_path / "again")
    for resume in (False, True):
        with pytest.raises(TakenRunIdError, match="the run id r-1 is another run's"):
            run_backtest(again, resume=resume)
        with pytest.raises(TakenRunIdError, match="give another --run-id"):
            run_in_processes(again, 2, resume=resume)
    assert not list(tmp_path.glob("again*"))
    with pytest.raises(ReplayError, match="no topic nowhere: create it first"):
        run_backtest(
            RunPlan(
                FileSource(path, Layout()),
                config,
                "float64",
                EventTime(config),
                tmp_path / "other",
                publish=Publishing(brokers, "nowhere", "r-2", same_partition=False),
            )
        )


def test_one_message_that_is_not_taken_holds_its_whole_transaction_back(
    kafka: KafkaCluster, tmp_path: Path
) -> None:
    topic = kafka.create_topic("b", partitions=_PARTITIONS)
    limit = {"max.message.bytes": "100"}
    flags = kafka.create_topic("flags", partitions=_PARTITIONS, config=limit)
    path = write_ticks(tmp_path / "ticks.parquet", random_table(30_000, 20, seed=61))
    config, brokers = PredictorConfig(), WorkerConfig(kafka.bootstrap, "g", "w", "file:///none")
    publish = Publishing(brokers, topic, "r-1", same_partition=False, flags_topic=flags)
    plan = RunPlan(
        FileSource(path, Layout()),
        config,
        "float64",
        EventTime(config),
        tmp_path / "run",
        publish=publish,
    )
    with pytest.raises(RetryableError, match="go on with --resume"):
        run_backtest(plan)
    assert published(kafka, topic, "r-1") == []
    larger = ConfigEntry(
        "max.message.bytes", "1000000", incremental_operation=AlterConfigOpType.SET
    )
    resource = ConfigResource("topic", flags, incremental_configs=[larger])
    admin = kafka.admin()
    admin.incremental_alter_configs([resource])[resource].result(30)
    run_backtest(plan, resume=True)
    assert of_topic(published(kafka, topic, "r-1")) == of_table(tmp_path / "run")
    assert raised(kafka, flags, "r-1") == events_of_table(tmp_path / "run") != []


def test_two_processes_over_a_topic_publish_and_write_what_one_does(
    kafka: KafkaCluster, tmp_path: Path
) -> None:
    ticks = kafka.create_topic("ticks", partitions=_PARTITIONS)
    count = produce(kafka, ticks, random_ticks(6_000, 40, seed=62))
    late = random_ticks(300, 40, seed=63)
    late.timestamp_ns[:] -= 10**8
    count += produce(kafka, ticks, late)
    to, flags = (kafka.create_topic(name, partitions=_PARTITIONS) for name in ("b", "flags"))
    arguments = ["backtest", "--bootstrap", kafka.bootstrap, "--topic", ticks]
    one = CliRunner().invoke(main, [*arguments, "--out", str(tmp_path / "one")])
    assert one.exit_code == 0, one.output
    more = ["--processes", "2", "--to-topic", to, "--run-id", "seven", "--flags-to-topic", flags]
    two = CliRunner().invoke(main, [*arguments, *more, "--out", str(tmp_path / "two")])
    assert two.exit_code == 0, two.output
    assert f"published to {to}, flag events to {flags}, as run seven" in two.stdout
    tables = [parquet.read_table(tmp_path / run / "results") for run in ("one", "two")]
    assert bits(tables[0]) == bits(tables[1])
    results = published(kafka, to, "seven")
    assert len(results) == count
    assert raised(kafka, flags, "seven") == events_of_table(tmp_path / "one")
    assert of_topic(results) == of_table(tmp_path / "one")
    assert all(partition == result["source_partition"] for partition, result in results)
    for processes in ("1", "3"):
        anew = [*more, "--processes", processes, "--out", str(tmp_path / "again")]
        refused = CliRunner().invoke(main, [*arguments, *anew])
        assert (refused.exit_code, "give another --run-id" in refused.stderr) == (2, True)
    assert len(seen(kafka, to, "seven")) == count


def test_a_run_that_was_killed_at_any_moment_has_its_run_id_still(kafka: KafkaCluster) -> None:
    topic = kafka.create_topic("b")
    brokers = WorkerConfig(kafka.bootstrap, "g", "w", "file:///none")
    publishing = Publishing(brokers, topic, unique_name("r"), same_partition=False)

    def opened(token: str) -> RunGroup:
        return RunGroup(publishing, token, done=0)

    with closing(opened("ours")), closing(opened("ours")):
        pass
    with closing(opened("ours")) as first:
        first.transact(7, lambda producer: producer.produce(topic, b"result"))
        with closing(opened("ours")) as second:
            assert second.published == 7
            with pytest.raises(RetryableError, match="could not be published"):
                first.transact(9, lambda _producer: None)
            second.transact(8, lambda _producer: None)
            with pytest.raises(TakenRunIdError, match="is another run's"):
                opened("another's")
            second.transact(9, lambda _producer: None)  # whoever was refused harmed nobody


def test_run_ids_that_end_in_a_number_are_not_those_of_slices() -> None:
    brokers = WorkerConfig("b:1", "g", "w", "file:///none")
    first = Publishing(brokers, "t", "nightly", same_partition=False).of_part("0")
    other = Publishing(brokers, "t", "nightly-0", same_partition=False)
    assert first.group != other.group
    with pytest.raises(ReplayError, match="the run id nightly/0 has a slash"):
        replace(other, run_id="nightly/0")


def test_topics_of_the_fleet_are_not_written_to(tmp_path: Path) -> None:
    path = write_ticks(tmp_path / "ticks.parquet", random_table(10, 2, seed=1))
    arguments = ["backtest", "--bootstrap", "localhost:1", "--file", str(path)]
    out = ["--out", str(tmp_path / "run")]
    for more, message in (
        (["--to-topic", "predictions"], "give --to-topic one of its own"),
        (["--to-topic", "a", "--flags-to-topic", "flags"], "give --flags-to-topic one of its own"),
        (["--to-topic", "a", "--flags-to-topic", "a"], "which no reader tells apart"),
    ):
        result = CliRunner().invoke(main, [*arguments, *more, *out])
        assert (result.exit_code, message in result.stderr) == (2, True), result.output


def test_brokers_that_are_away_are_told(tmp_path: Path) -> None:
    path = write_ticks(tmp_path / "ticks.parquet", random_table(10, 2, seed=1))
    config = PredictorConfig()
    brokers = WorkerConfig(
        "localhost:1", "g", "w", "file:///none", client_timeout_s=0.5, kafka={"log_level": "0"}
    )
    publish = Publishing(brokers, "there", "r", same_partition=False)
    source = FileSource(path, Layout())
    plan = RunPlan(source, config, "float64", EventTime(config), tmp_path / "run", publish=publish)
    with pytest.raises(RetryableError, match="there cannot be written to"):
        run_backtest(plan)
