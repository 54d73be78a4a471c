"""Ticks arrive whole, in order per asset, on the partition Java's producer would choose."""

import time
from collections import defaultdict

import numpy as np
import pytest
from confluent_kafka import Consumer, Message, TopicPartition

from ops.ticks import (
    TicksNotDeliveredError,
    TickTable,
    at_rate,
    in_real_time,
    send_ticks,
    synthetic_ticks,
    unpaced,
)
from ops.topics import NoSuchTopicError
from schemas import SingleObjectFraming, TickCodec
from tests.fixtures.kafka import KafkaCluster, unique_name


def _table(count: int = 5_000) -> TickTable:
    return synthetic_ticks(count, assets=20, seed=5, start_ns=10**18, interval_ns=1_000)


def _codec() -> TickCodec:
    return TickCodec(SingleObjectFraming())


def test_due_times() -> None:
    table = TickTable(["A"] * 4, np.ones(4), np.ones(4), np.array([0, 2, 1, 3]) * 10**9)
    np.testing.assert_array_equal(unpaced(table), [0, 0, 0, 0])
    np.testing.assert_array_equal(at_rate(table, 4.0), [0, 0.25, 0.5, 0.75])
    np.testing.assert_array_equal(in_real_time(table), [0, 2, 2, 3])


def _read_all(bootstrap: str, topic: str, partitions: int, count: int) -> list[Message]:
    consumer = Consumer({"bootstrap.servers": bootstrap, "group.id": unique_name("reader")})
    consumer.assign([TopicPartition(topic, number, 0) for number in range(partitions)])
    messages: list[Message] = []
    while len(messages) < count and (some := consumer.consume(count, timeout=20)):
        messages += some
    consumer.close()
    return messages


@pytest.mark.kafka
def test_every_tick_arrives_in_order_per_asset(kafka: KafkaCluster) -> None:
    table, topic = _table(), kafka.create_topic("ticks", partitions=4)
    handed_over: list[int] = []
    send_ticks(
        table,
        unpaced(table),
        topic=topic,
        codec=_codec(),
        producer_options={"bootstrap.servers": kafka.bootstrap},
        progress=handed_over.append,
    )
    assert sum(handed_over) == len(table)
    messages = _read_all(kafka.bootstrap, topic, 4, len(table))
    arrived = defaultdict(list)
    for message in messages:
        arrived[message.key()].append((message.partition(), message.value()))
    for asset in set(table.asset_id):
        mine = [number for number, name in enumerate(table.asset_id) if name == asset]
        sent = _codec().encode_batch(
            [asset] * len(mine), table.price[mine], table.target[mine], table.timestamp_ns[mine]
        )
        assert [value for _, value in arrived[asset.encode()]] == sent
        assert len({partition for partition, _ in arrived[asset.encode()]}) == 1


@pytest.mark.kafka
def test_a_pace_is_not_outrun(kafka: KafkaCluster) -> None:
    table, topic = _table(30), kafka.create_topic("ticks")
    begun_s = time.monotonic()
    send_ticks(
        table,
        at_rate(table, 50.0),
        topic=topic,
        codec=_codec(),
        producer_options={"bootstrap.servers": kafka.bootstrap},
    )
    assert time.monotonic() - begun_s >= 29 / 50.0


@pytest.mark.kafka
def test_refused_ticks_are_counted(kafka: KafkaCluster) -> None:
    table = _table(10)
    topic = kafka.create_topic("narrow", config={"max.message.bytes": "1"})
    with pytest.raises(TicksNotDeliveredError, match=f"10 of 10 ticks .* {topic}"):
        send_ticks(
            table,
            unpaced(table),
            topic=topic,
            codec=_codec(),
            producer_options={"bootstrap.servers": kafka.bootstrap, "log_level": 0},
        )


@pytest.mark.kafka
def test_a_topic_that_is_not_there_is_said_at_once(
    kafka: KafkaCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ops.ticks.send._METADATA_TIMEOUT_S", 1.0)
    table, topic = _table(10), unique_name("missing")
    for options, error in (
        ({"bootstrap.servers": kafka.bootstrap}, NoSuchTopicError),
        ({"bootstrap.servers": "127.0.0.1:1", "log_level": 0}, TicksNotDeliveredError),
    ):
        with pytest.raises(error, match=topic):
            send_ticks(table, unpaced(table), topic=topic, codec=_codec(), producer_options=options)
