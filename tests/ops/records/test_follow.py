"""What `consume` reads: committed records only, decoded by the schema their header names."""

import itertools

import pytest
from confluent_kafka import Producer

from ops.records import RecordReader, StartAt, TopicUnreadableError, follow
from ops.records.follow import NoSuchPartitionError
from ops.topics import NoSuchTopicError
from schemas import JournalCodec, JournalRecord, SingleObjectFraming, TickCodec
from tests.fixtures.kafka import KafkaCluster, unique_name

pytestmark = pytest.mark.kafka

_FRAMING = SingleObjectFraming()
_JOURNAL = JournalRecord(
    from_offset=3,
    to_offset=9,
    processing_time_ns=-1,
    depth=5,
    kernel_mask=5,
    config_fingerprint="0" * 16,
    worker="w-0",
)


def _options(kafka: KafkaCluster) -> dict[str, object]:
    return {"bootstrap.servers": kafka.bootstrap, "log_level": 0}


def _in_transaction(kafka: KafkaCluster, topic: str, value: bytes, *, commit: bool) -> None:
    producer = Producer({**_options(kafka), "transactional.id": unique_name("txn")})
    producer.init_transactions(30)
    producer.begin_transaction()
    producer.produce(topic, value, b"BTC")
    producer.flush(30)
    if commit:
        producer.commit_transaction(30)
    else:
        producer.abort_transaction(30)


def test_committed_records_of_any_kind_are_decoded(kafka: KafkaCluster) -> None:
    topic = kafka.create_topic("mixed")
    tick = TickCodec(_FRAMING).encode("BTC", 100.5, None, 17)
    _in_transaction(kafka, topic, tick, commit=True)
    _in_transaction(kafka, topic, b"aborted", commit=False)
    _in_transaction(kafka, topic, JournalCodec(_FRAMING).encode(_JOURNAL), commit=True)
    _in_transaction(kafka, topic, b"\xc3\x01garbage-garbage", commit=True)
    _in_transaction(kafka, topic, tick[:-1], commit=True)
    reader = RecordReader(_FRAMING)
    records = [
        reader.read(message)
        for message in follow(
            topic, options=_options(kafka), start=StartAt.BEGINNING, stop_at_end=True
        )
    ]
    assert [record.kind for record in records] == ["Tick", "JournalRecord", None, None]
    assert records[0].value is not None
    assert (records[0].key, records[0].value["price"]) == ("BTC", 100.5)
    assert records[1].value is not None
    assert records[1].value["worker"] == "w-0"
    assert "fingerprint" in str(records[2].problem)
    assert records[3].problem


def test_from_the_end_only_new_records_come(kafka: KafkaCluster) -> None:
    topic = kafka.create_topic("followed")
    _in_transaction(kafka, topic, b"old", commit=True)
    messages = follow(topic, options=_options(kafka), start=StartAt.END, stop_at_end=True)
    assert list(messages) == []
    live = follow(topic, options=_options(kafka), start=StartAt.BEGINNING, stop_at_end=False)
    assert next(live).value() == b"old"
    _in_transaction(kafka, topic, b"new", commit=True)
    assert [message.value() for message in itertools.islice(live, 1)] == [b"new"]
    live.close()


def test_only_the_chosen_partitions_are_read_and_an_absent_one_is_refused(
    kafka: KafkaCluster,
) -> None:
    topic = kafka.create_topic("chosen", partitions=3)
    producer = Producer(_options(kafka))
    for partition in range(3):
        producer.produce(topic, str(partition).encode(), partition=partition)
    assert producer.flush(30) == 0
    start = StartAt.BEGINNING
    chosen = follow(topic, options=_options(kafka), start=start, stop_at_end=True, only=(2, 0, 2))
    assert sorted(message.value() or b"" for message in chosen) == [b"0", b"2"]
    absent = follow(topic, options=_options(kafka), start=start, stop_at_end=False, only=(0, 3))
    with pytest.raises(NoSuchPartitionError, match="has no partition 3: the last one is 2"):
        next(absent)


def test_a_missing_topic_and_a_silent_broker_are_explained(kafka: KafkaCluster) -> None:
    topic = unique_name("missing")
    with pytest.raises(NoSuchTopicError, match=f"no topic {topic}"):
        next(follow(topic, options=_options(kafka), start=StartAt.END, stop_at_end=True))
    options = {"bootstrap.servers": "127.0.0.1:1", "log_level": 0}
    with pytest.raises(TopicUnreadableError, match="no answer"):
        next(follow(topic, options=options, start=StartAt.END, stop_at_end=True, timeout_s=1))
