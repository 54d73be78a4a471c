"""Copies are sent as what the brokers, and the operator's settings, take at once."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

from ops.dead_letters import LetterTooLargeError, ReplayReport, replay_dead_letters
from ops.fleet import committed
from schemas import DeadLetter, DeadLetterCodec, SingleObjectFraming
from tests.fixtures.kafka import KafkaCluster
from tests.kafka.tap import read_topic
from tests.ops.cli.operated import run
from workers import WorkerConfig
from workers.config import Delivery, Topics

pytestmark = pytest.mark.kafka

_REASON: Final = "UnknownSchema"
_ROOMY: Final = {"max.message.bytes": "20000000"}


@dataclass(frozen=True)
class Stage:
    """Letters of records of these sizes, in bytes of value that do not compress."""

    kafka: KafkaCluster
    config: WorkerConfig

    def bury(self, sizes: Sequence[int], *, reason: str = _REASON) -> None:
        options = {"bootstrap.servers": self.kafka.bootstrap, "message.max.bytes": 20_000_000}
        producer, codec = Producer(options), DeadLetterCodec(SingleObjectFraming())
        rng = np.random.default_rng(1)
        for offset, size in enumerate(sizes):
            place = (self.config.topics.ticks, 0, offset)
            letter = DeadLetter(*place, b"A", rng.bytes(size), (), reason, "not known")
            producer.produce(self.config.topics.dead_letters, codec.encode(letter))
        assert producer.flush(30) == 0

    def sent(self, count: int) -> list[int]:
        """The sizes of so many copies."""
        [records] = read_topic(self.kafka, self.config.topics.ticks, 1, count).values()
        return [len(one.value or b"") for one in records]

    def replay(self, **producer: str) -> ReplayReport:
        """By a fleet that delivers without transactions, and waits longer than these may last."""
        config = replace(
            self.config,
            delivery=Delivery.AT_LEAST_ONCE,
            producer={"message.timeout.ms": "60000", **producer},
        )
        return replay_dead_letters(config, _REASON, dry_run=False)


def _stage(kafka: KafkaCluster, **limits: str) -> Stage:
    topics = Topics(
        ticks=kafka.create_topic("ticks", config=limits),
        dead_letters=kafka.create_topic("letters", config=_ROOMY),
    )
    config = WorkerConfig(kafka.bootstrap, topics.ticks, "w-0", "file:///unused", topics=topics)
    committed(config, [0])  # waits for the coordinator, which a new broker makes when it is asked
    return Stage(kafka, config)


def test_the_producers_own_settings_hold(kafka: KafkaCluster) -> None:
    stage = _stage(kafka, **_ROOMY)
    stage.bury([100, 9_000_000, 200])
    with pytest.raises(LetterTooLargeError, match=r"ticks-\w+/0/1: its .* message\.max\.bytes"):
        stage.replay()
    assert stage.replay(**{"message.max.bytes": "16000000"}) == ReplayReport(3, 0, ())
    assert stage.sent(3) == [100, 9_000_000, 200]


def test_what_the_topic_does_not_take_is_named_and_holds_up_nothing(
    kafka: KafkaCluster, tmp_path: Path
) -> None:
    stage, config = _stage(kafka), tmp_path / "fleet.toml"
    stage.bury([100, 2_000_000, 200, 3_000_000, 300])
    topics = stage.config.topics
    config.write_text(
        f'bootstrap_servers = "{kafka.bootstrap}"\ngroup_id = "{topics.ticks}"\n'
        f'[topics]\nticks = "{topics.ticks}"\ndead_letters = "{topics.dead_letters}"\n'
    )
    replay = ("replay-dead-letters", "-c", config, "--error-class", _REASON)
    said = run(*replay)
    assert said.stdout == f"{_REASON}: 3 sent, 0 left, 2 too large\n"
    for offset in (1, 3):
        assert f"{topics.ticks}/0/{offset} is not sent" in said.stderr
    assert stage.sent(3) == [100, 200, 300]
    assert run(*replay).stdout == f"{_REASON}: 0 sent, 0 left\n"


def test_a_topic_that_takes_next_to_nothing_is_to_be_mended(kafka: KafkaCluster) -> None:
    stage = _stage(kafka, **{"max.message.bytes": "500"})
    stage.bury([100, 2_000])
    with pytest.raises(LetterTooLargeError, match=r"raise its max\.message\.bytes"):
        stage.replay()


def test_a_queue_that_is_full_is_waited_for(kafka: KafkaCluster) -> None:
    stage, small = _stage(kafka), {"queue.buffering.max.kbytes": "64"}
    stage.bury([20_000] * 30)
    assert stage.replay(**small) == ReplayReport(30, 0, ())
    stage.bury([100_000])
    with pytest.raises(LetterTooLargeError, match=r"queue\.buffering\.max\.kbytes"):
        stage.replay(**small)


def test_no_transaction_is_open_while_letters_are_read(
    kafka: KafkaCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    stage, ends = _stage(kafka), list[int]()
    stage.bury([100])
    stage.bury([100], reason="InvalidPrice")
    decode = DeadLetterCodec.decode

    def slow(codec: DeadLetterCodec, value: bytes) -> DeadLetter:
        time.sleep(0.5)
        ends.append(_end(stage))
        return decode(codec, value)

    monkeypatch.setattr(DeadLetterCodec, "decode", slow)
    assert stage.replay().sent == 1
    assert ends == [0, 0]
    assert _end(stage) > 0


def _end(stage: Stage) -> int:
    """Of the ticks, what is in an open transaction included."""
    options = {
        "bootstrap.servers": stage.kafka.bootstrap,
        "group.id": "end",
        "isolation.level": "read_uncommitted",
    }
    consumer = Consumer(options)
    place = TopicPartition(stage.config.topics.ticks, 0)
    _, end = consumer.get_watermark_offsets(place, timeout=10)
    consumer.close()
    return int(end)
