"""The client classes a worker uses, over the in-memory broker.

Only what the worker calls exists. Every call first hands the baton to the scheduler, so that
other workers run, time passes and kill -9 strikes between any two of them.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any

from confluent_kafka import (
    ConsumerGroupTopicPartitions,
    IsolationLevel,
    KafkaError,
    TopicCollection,
    TopicPartition,
    Uuid,
)
from confluent_kafka.admin import ConfigResource

from tests.sim.broker import Entry, Member, SimBroker, refusal
from tests.sim.scheduler import Scheduler
from workers import Topics

__all__ = ["SimAdmin", "SimConsumer", "SimMessage", "SimProducer", "World"]

_PATIENCE_S = 15.0


class World(SimpleNamespace):
    """What all clients share: `broker`, `scheduler`, and `ticks`, the input topic's name."""

    broker: SimBroker
    scheduler: Scheduler
    ticks: str


class SimMessage:
    """A consumed record, or the end of a partition."""

    def __init__(self, topic: str, number: int, entry: Entry, error: KafkaError | None) -> None:
        self._topic, self._number, self._entry, self._error = topic, number, entry, error

    def topic(self) -> str:
        return self._topic

    def partition(self) -> int:
        return self._number

    def offset(self) -> int:
        return self._entry.offset

    def key(self) -> bytes | None:
        return self._entry.key

    def value(self) -> bytes | None:
        return self._entry.value

    def headers(self) -> None:
        return None

    def error(self) -> KafkaError | None:
        return self._error


class SimConsumer:
    """A group member once it subscribes, a plain reader until then."""

    def __init__(self, world: World, settings: dict[str, Any]) -> None:
        self._world = world
        self._instance_id = str(settings.get("group.instance.id", ""))
        self._on_error: Callable[[KafkaError], None] | None = settings.get("error_cb")
        self._member: Member | None = None
        self._callbacks: tuple[Callable[..., None], ...] = ()
        self._positions: dict[tuple[str, int], int] = {}
        self._paused: set[tuple[str, int]] = set()

    # A plain reader

    def committed(self, wanted: Sequence[TopicPartition], timeout: float) -> list[TopicPartition]:
        [one] = wanted
        broker = self._world.broker
        until_s = broker.now_s + _PATIENCE_S
        self._world.scheduler.call("committed")
        while broker.pending_offsets(one.partition):
            if broker.now_s > until_s:
                raise refusal(KafkaError._TIMED_OUT)
            self._world.scheduler.call("committed")
        offset, metadata = broker.committed.get(one.partition, (-1001, ""))
        return [TopicPartition(one.topic, one.partition, offset, metadata)]

    def get_watermark_offsets(
        self, wanted: TopicPartition, timeout: float = 0.0, *, cached: bool = False
    ) -> tuple[int, int]:
        if not cached:
            self._world.scheduler.call("get_watermark_offsets")
        # A read_committed consumer is told of the last stable offset.
        return 0, self._world.broker.log(wanted.topic, wanted.partition).stable_end

    def assign(self, wanted: Sequence[TopicPartition]) -> None:
        self._positions = {(one.topic, one.partition): one.offset for one in wanted}

    def unassign(self) -> None:
        self._positions = {}

    def close(self) -> None:
        if self._member is not None:
            self._world.scheduler.call("close")
            if self._world.broker.is_seated(self._member):
                on_revoke = self._callbacks[1]
                on_revoke(self, self._owned())
            # A fenced member's partitions are forgotten without a word.
            self._world.broker.leave(self._member)
            self._member = None

    # A member

    def subscribe(self, topics: list[str], **callbacks: Callable[..., None]) -> None:
        self._callbacks = (callbacks["on_assign"], callbacks["on_revoke"], callbacks["on_lost"])
        self._world.scheduler.call("subscribe")
        self._member = self._world.broker.join(self._instance_id)

    def consumer_group_metadata(self) -> Member | None:
        if self._world.broker.unknown_generations:
            self._world.broker.unknown_generations -= 1
            raise RuntimeError("Consumer group metadata not available")
        return self._member

    def incremental_assign(self, partitions: Sequence[TopicPartition]) -> None:
        self._positions |= {(one.topic, one.partition): one.offset for one in partitions}

    def incremental_unassign(self, partitions: Sequence[TopicPartition]) -> None:
        for one in partitions:
            self._positions.pop((one.topic, one.partition), None)
            self._paused.discard((one.topic, one.partition))

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        self._paused |= {(one.topic, one.partition) for one in partitions}

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        self._paused -= {(one.topic, one.partition) for one in partitions}

    def seek(self, wanted: TopicPartition) -> None:
        key = (wanted.topic, wanted.partition)
        if key not in self._positions:
            raise refusal(KafkaError._STATE)
        self._positions[key] = wanted.offset

    def position(self, wanted: Sequence[TopicPartition]) -> list[TopicPartition]:
        return [
            TopicPartition(
                one.topic, one.partition, self._positions.get((one.topic, one.partition), -1001)
            )
            for one in wanted
        ]

    def consume(self, count: int, timeout: float) -> list[SimMessage]:
        self._world.scheduler.call("consume")
        if self._member is not None and not self._keep_the_seat():
            return []
        found: list[SimMessage] = []
        for key in [key for key in self._positions if key not in self._paused]:
            found += self._read(key, count - len(found))
        return found

    def _read(self, key: tuple[str, int], limit: int) -> list[SimMessage]:
        log = self._world.broker.log(*key)
        if self._positions[key] > log.end:
            beyond = Entry(self._positions.pop(key), None, None)
            return [SimMessage(*key, beyond, KafkaError(KafkaError._AUTO_OFFSET_RESET))]
        entries = log.visible(self._positions[key], limit) if limit > 0 else []
        messages = [SimMessage(*key, entry, None) for entry in entries]
        if entries:
            self._positions[key] = entries[-1].offset + 1
        elif limit > 0:
            # Markers and aborted records are passed over.
            self._positions[key] = max(self._positions[key], log.stable_end)
        if not entries and self._member is None:
            # `enable.partition.eof`: everything up to the last stable offset has been read or
            # passed over.
            end = KafkaError(KafkaError._PARTITION_EOF)
            messages.append(SimMessage(*key, Entry(log.stable_end, None, None), end))
        return messages

    def _owned(self) -> list[TopicPartition]:
        ticks = self._world.ticks
        return [
            TopicPartition(ticks, n, at) for (t, n), at in self._positions.items() if t == ticks
        ]

    def _keep_the_seat(self) -> bool:
        """Heartbeat and rebalance; false when a newer life has taken the seat."""
        broker, member = self._world.broker, self._member
        assert member is not None
        on_assign, on_revoke, on_lost = self._callbacks
        assert self._on_error is not None
        if self._instance_id in broker.echoes:
            # An earlier request of this member to join arrives, and nobody hears the answer.
            broker.echoes.remove(self._instance_id)
            self._on_error(KafkaError(KafkaError._TRANSPORT))
            broker.join(self._instance_id)
        if broker.is_replaced(member):
            self._on_error(KafkaError(KafkaError.FENCED_INSTANCE_ID, "replaced", True))
            return False
        if not broker.is_seated(member):
            lost = self._owned()
            if lost:
                on_lost(self, lost)
            member = self._member = broker.join(self._instance_id)
        member.seen_s = broker.now_s
        target, ticks = broker.target_of(member), self._world.ticks
        revoked = [one for one in self._owned() if one.partition not in target]
        if revoked:
            on_revoke(self, revoked)
            member.owned -= {one.partition for one in revoked}
        if not broker.is_seated(member):
            return True
        taken = sorted((target & broker.unowned()) - member.owned)
        if taken:
            member.owned |= set(taken)
            on_assign(self, [TopicPartition(ticks, number) for number in taken])
        return True


class SimProducer:
    """A transactional producer."""

    def __init__(self, world: World, settings: dict[str, Any]) -> None:
        self._world = world
        self._id = str(settings["transactional.id"])
        self._epoch = -1

    def __len__(self) -> int:
        return 0

    def init_transactions(self, timeout: float) -> None:
        self._world.scheduler.call("init_transactions")
        self._epoch = self._world.broker.init_producer(self._id)

    def begin_transaction(self) -> None:
        """Local."""

    def poll(self, timeout: float) -> int:
        return 0

    def purge(self, **_options: bool) -> None:
        """Nothing is ever queued."""

    def produce(
        self,
        topic: str,
        value: bytes | None = None,
        key: bytes | None = None,
        partition: int = -1,
        **_rest: object,
    ) -> None:
        log = self._world.broker.log(topic, max(partition, 0))
        self._world.broker.produce(self._id, self._epoch, log, key, value)

    def produce_batch(
        self, topic: str, messages: list[dict[str, Any]], partition: int, **_rest: object
    ) -> int:
        for number, message in enumerate(messages):
            if number == len(messages) // 2:
                self._world.scheduler.call("produce_batch")
            self.produce(topic, message["value"], message["key"], partition)
        return len(messages)

    def send_offsets_to_transaction(
        self, offsets: Sequence[TopicPartition], group: Member, timeout: float
    ) -> None:
        self._world.scheduler.call("send_offsets_to_transaction")
        named = {one.partition: (one.offset, one.metadata or "") for one in offsets}
        self._world.broker.add_offsets(self._id, self._epoch, named, group)

    def commit_transaction(self, timeout: float) -> None:
        self._world.scheduler.call("commit_transaction")
        self._world.broker.commit(self._id, self._epoch)

    def flush(self, timeout: float) -> int:
        """Nothing is ever queued."""
        del timeout
        return 0

    def abort_transaction(self, timeout: float) -> None:
        self._world.scheduler.call("abort_transaction")
        self._world.broker.abort(self._id, self._epoch)


class SimAdmin:
    """Asks for topics, what they take, and for ends of partitions."""

    def __init__(self, world: World, _settings: dict[str, Any]) -> None:
        self._world = world

    def list_topics(self, _topic: str = "", *, timeout: float) -> SimpleNamespace:
        """The workers' topics under their default names."""
        del timeout
        self._world.scheduler.call("list_topics")
        topics = Topics()
        counts = dict.fromkeys(topics.all(), self._world.broker.partitions)
        counts |= {topics.flags: 1, topics.dead_letters: 1}
        return SimpleNamespace(
            topics={
                name: SimpleNamespace(partitions=range(count), error=None)
                for name, count in counts.items()
            }
        )

    def describe_topics(
        self, wanted: TopicCollection, **_options: object
    ) -> dict[str, "Future[Any]"]:
        """Their ids; what may be done with them is not told."""
        self._world.scheduler.call("describe_topics")
        answers: dict[str, Future[Any]] = {name: Future() for name in wanted.topic_names}
        for name, answer in answers.items():
            topic_id = Uuid(1, self._world.broker.topic_ids[name])
            answer.set_result(SimpleNamespace(topic_id=topic_id, authorized_operations=None))
        return answers

    def describe_configs(
        self, resources: Sequence[ConfigResource], *, request_timeout: float
    ) -> dict[ConfigResource, "Future[Any]"]:
        """No topic was told otherwise."""
        del request_timeout
        self._world.scheduler.call("describe_configs")
        answers: dict[ConfigResource, Future[Any]] = {one: Future() for one in resources}
        for answer in answers.values():
            answer.set_result({"max.message.bytes": SimpleNamespace(value="1048588")})
        return answers

    def list_offsets(
        self,
        wanted: dict[TopicPartition, Any],
        isolation_level: IsolationLevel,
        **_options: object,
    ) -> dict[TopicPartition, "Future[Any]"]:
        self._world.scheduler.call("list_offsets")
        answers: dict[TopicPartition, Future[Any]] = {}
        for one in wanted:
            log = self._world.broker.log(one.topic, one.partition)
            committed = isolation_level is IsolationLevel.READ_COMMITTED
            answers[one] = Future()
            answers[one].set_result(
                SimpleNamespace(offset=log.stable_end if committed else log.end)
            )
        return answers

    def list_consumer_group_offsets(
        self, wanted: Sequence[ConsumerGroupTopicPartitions], **_options: object
    ) -> dict[str, "Future[Any]"]:
        """What is committed, without what a transaction has pending."""
        self._world.scheduler.call("list_consumer_group_offsets")
        committed, answers = self._world.broker.committed, dict[str, "Future[Any]"]()
        for group in wanted:
            told = [
                TopicPartition(one.topic, one.partition, *committed.get(one.partition, (-1001, "")))
                for one in group.topic_partitions or ()
            ]
            answers[group.group_id] = Future()
            answers[group.group_id].set_result(SimpleNamespace(topic_partitions=told))
        return answers
