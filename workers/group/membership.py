"""This worker's seat in the consumer group: joining, fetching, rebalances.

Callbacks run inside `fetch`. A partition handed over is paused at once and stays so until the
loop has recovered it and seeks it to its position: nothing fetched before that is stepped.
"""

import time
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol, cast

import structlog
from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from core.errors import FatalError
from workers.brokers.client_config import consumer_settings
from workers.clock import Clock
from workers.config import WorkerConfig
from workers.delivery.outputs import GroupTicket
from workers.errors import ConfigurationError, FencedError, StalledClientError
from workers.group.arrival import Arrival
from workers.group.protocol import (
    CLASSIC_MEMBERS_REMEDY,
    GROUP_PROTOCOL_REMEDY,
    meets_classic_members,
    refuses_group_protocol,
)
from workers.group.seat import SeatDispute, Verdict
from workers.group.waiting import Waiting
from workers.telemetry.log_throttle import LogThrottle
from workers.telemetry.metrics import M, Telemetry

__all__ = ["Fetched", "Membership", "RebalanceListener"]

_log = structlog.get_logger()
_SEAT_RETRY_S: Final = 0.5
_ERROR_LINES_S: Final = 10.0
_WATERMARK_TIMEOUT_S: Final = 5.0
# Inside a consumer's message a fatal error has no flag, only this code and a text.
_FATAL_CODES: Final = frozenset(
    {KafkaError._FATAL, KafkaError.UNRELEASED_INSTANCE_ID, KafkaError.FENCED_INSTANCE_ID}
)


class RebalanceListener(Protocol):
    """What the worker does when partitions come and go. No call may wait for the store."""

    def on_assigned(self, partitions: Sequence[int]) -> None:
        """New partitions, paused."""

    def on_revoked(self, partitions: Sequence[int]) -> None:
        """Partitions about to go to another worker, in an orderly way: commit now."""

    def on_lost(self, partitions: Sequence[int]) -> None:
        """Partitions that may already have another owner: commit nothing."""


class Fetched(NamedTuple):
    """What one fetch brought: sound records, and messages that carry an error of a partition."""

    records: list[Message]
    failures: list[Message]


class Membership:
    """The group member.

    Args:
        config: group, topics, timeouts.
        listener: told about rebalances.
        telemetry: counts rebalances.
        clock: dates the client's errors.
    """

    def __init__(
        self,
        config: WorkerConfig,
        listener: RebalanceListener,
        telemetry: Telemetry,
        clock: Clock,
    ) -> None:
        self._config = config
        self._topic = config.topics.ticks
        self._listener = listener
        self._telemetry = telemetry
        self._clock = clock
        self._error_lines = LogThrottle(_ERROR_LINES_S)
        self._fatal: KafkaError | None = None
        self._dispute = SeatDispute(config.session_timeout_ms / 1000)
        self._held: set[int] = set()
        self._arrival = Arrival(config.group_protocol)
        self._waiting = Waiting(config)
        self._consumer = self._join()

    @property
    def joined(self) -> bool:
        """Whether the group has told this member of its partitions, or has none for it."""
        asked = self._consumer.consumer_group_metadata
        return self._arrival.complete(asked, self._clock.monotonic_s())

    def fetch(self, max_records: int, timeout_s: float) -> Fetched:
        """Wait for the first record, then take what is there; rebalances happen in here.

        Raises:
            ConfigurationError: brokers or group do not take the group protocol that is set.
            FencedError: another live worker uses this worker's id.
        """
        try:
            messages = self._consumer.consume(1, timeout_s)
            if messages:
                messages += self._consumer.consume(max_records - 1, 0)
        except KafkaException as error:
            self._on_error(error.args[0])
            messages = []
        records = [message for message in messages if message.error() is None]
        failures = (
            [message for message in messages if message.error() is not None]
            if len(records) < len(messages)
            else []
        )
        for failure in failures:
            self._on_error(cast(KafkaError, failure.error()))
        if self._fatal is not None:
            self._replace_or_leave(self._fatal)
        self._waiting.look(self._clock.monotonic_s(), joined=self.joined)
        return Fetched(records, failures)

    def ticket(self) -> GroupTicket:
        """This member's standing now; it fences commits once the group has moved on.

        Raises:
            StalledClientError: the client does not know it, for it is between two groups or ends.
        """
        try:
            metadata = self._consumer.consumer_group_metadata()
        except RuntimeError as error:
            raise StalledClientError(f"the group's generation: {error}") from error
        return GroupTicket(metadata, self._commit)

    def start_at(self, partition: int, offset: int) -> None:
        """Let a partition flow from an offset.

        Raises:
            StalledClientError: the client has not taken the partition up yet; try again.
        """
        position = TopicPartition(self._topic, partition, offset)
        try:
            self._consumer.seek(position)
            self._consumer.resume([position])
        except KafkaException as error:
            raise StalledClientError(f"seek of partition {partition}: {error}") from error

    def take_up_again(self, partition: int) -> None:
        """Hold a partition as if it had just been assigned: paused, and without its error."""
        place = self._somewhere_in(self._consumer, partition)
        self._consumer.incremental_unassign([place])
        self._consumer.incremental_assign([place])
        self._consumer.pause([place])

    def pause(self, partitions: Sequence[int]) -> None:
        """Stop fetching partitions; what is already fetched of them is dropped."""
        self._consumer.pause([TopicPartition(self._topic, p) for p in partitions])

    def resume(self, partitions: Sequence[int]) -> None:
        """Fetch partitions again from where they stand."""
        self._consumer.resume([TopicPartition(self._topic, p) for p in partitions])

    def end_offset(self, partition: int) -> int:
        """The last known end of a partition, without asking the broker; -1 when unknown."""
        wanted = TopicPartition(self._topic, partition)
        watermarks = self._consumer.get_watermark_offsets(wanted, cached=True)
        return -1 if watermarks is None else int(watermarks[1])

    def read_to(self, partition: int) -> int:
        """The offset after the last one handed over or passed over as no committed record, such
        as a transaction's marker; negative when nothing has come since `start_at`."""
        [place] = self._consumer.position([TopicPartition(self._topic, partition)])
        return int(place.offset)

    def close(self) -> None:
        """Leave the group; a static member's partitions wait for it until the session timeout."""
        self._consumer.close()

    def _commit(self, offsets: Sequence[TopicPartition]) -> None:
        self._consumer.commit(offsets=list(offsets), asynchronous=False)

    def _join(self) -> Consumer:
        self._arrival.begin()
        consumer = Consumer(consumer_settings(self._config, self._on_error))
        consumer.subscribe(
            [self._topic],
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )
        return consumer

    def _replace_or_leave(self, error: KafkaError) -> None:
        self._fatal = None
        verdict = self._dispute.judge(error, self._clock.monotonic_s())
        if verdict is Verdict.LEAVE:
            raise self._refusal(error)
        _log.info("seat_taken_again", because=verdict.value, reason=error.str())
        # The client forgets a fenced member's partitions without a word to anybody.
        if self._held:
            self._listener.on_lost(sorted(self._held))
        self._consumer.close()
        self._held.clear()
        if verdict is Verdict.WAIT:
            time.sleep(_SEAT_RETRY_S)
        self._consumer = self._join()

    def _refusal(self, error: KafkaError) -> FatalError:
        if refuses_group_protocol(error):
            return ConfigurationError(
                f"the brokers do not offer group_protocol = {self._config.group_protocol}: "
                f"{GROUP_PROTOCOL_REMEDY}"
            )
        if meets_classic_members(error):
            return ConfigurationError(
                f"the group {self._config.group_id} has workers with group_protocol = classic, or "
                f"had until just now, and takes none with {self._config.group_protocol} beside "
                f"them: {CLASSIC_MEMBERS_REMEDY}"
            )
        return FencedError(
            f"the group refused worker id {self._config.worker_id!r}: {error}. Another live worker "
            "uses it: give every worker its own worker_id"
        )

    def _on_error(self, error: KafkaError) -> None:
        now_s = self._clock.monotonic_s()
        self._dispute.observe(error, now_s)
        if error.fatal() or error.code() in _FATAL_CODES:
            self._fatal = error
        repeated, remedy = self._error_lines.due(error.code(), now_s), self._waiting.hear(error)
        if repeated is not None:
            more = {} if remedy is None else {"remedy": remedy}
            _log.warning(
                "kafka_error", code=error.name(), reason=error.str(), repeated=repeated, **more
            )

    def _on_assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        numbers = [p.partition for p in partitions]
        self._telemetry.inc(M.REBALANCES, kind="assigned")
        paused = [self._somewhere_in(consumer, number) for number in numbers]
        consumer.incremental_assign(paused)
        consumer.pause(paused)
        self._held.update(numbers)
        self._arrival.tell()
        self._listener.on_assigned(numbers)

    def _somewhere_in(self, consumer: Consumer, number: int) -> TopicPartition:
        """An explicit offset in range; nothing from it is stepped, the loop seeks first.

        Not a logical one: the client's look-up of "end" may be answered after the loop's seek, and
        then moves the fetch position forward, past records nobody has seen. Not one that retention
        has passed either: the client falls into an error state that no seek ends.
        """
        partition = TopicPartition(self._topic, number)
        try:
            low, _ = consumer.get_watermark_offsets(partition, _WATERMARK_TIMEOUT_S)
        except KafkaException as error:
            _log.warning("no_watermark", partition=number, reason=str(error))
            low = 0
        return TopicPartition(self._topic, number, low)

    def _on_revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._telemetry.inc(M.REBALANCES, kind="revoked")
        self._listener.on_revoked([p.partition for p in partitions])
        self._held.difference_update(p.partition for p in partitions)
        consumer.incremental_unassign(partitions)

    def _on_lost(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._telemetry.inc(M.REBALANCES, kind="lost")
        self._arrival.begin()
        self._listener.on_lost([p.partition for p in partitions])
        self._held.difference_update(p.partition for p in partitions)
        consumer.incremental_unassign(partitions)
