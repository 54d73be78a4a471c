"""What the brokers must be able to do, tried: no client tells a broker's version.

A member joins a group of its own, `GROUP-doctor`, as a worker does, leaves, and then commits
with the seat it no longer has. Brokers before Kafka 2.5 take that commit, and so would take a
zombie's: exactly once rests on their refusing it. Nothing is sent and the transaction is aborted.
"""

import time
from collections.abc import Iterator
from typing import Any, Final, cast

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer, TopicPartition

from ops.doctor.finding import Finding
from ops.doctor.site import Site
from workers.brokers.client_config import base_settings, consumer_settings
from workers.config import Delivery, GroupProtocol, WorkerConfig
from workers.group.protocol import (
    GROUP_PROTOCOL_REMEDY,
    no_seat_remedy,
    refuses_group_protocol,
)

__all__ = ["check_features"]

_STALE: Final = frozenset(
    {
        KafkaError.UNKNOWN_MEMBER_ID,
        KafkaError.ILLEGAL_GENERATION,
        KafkaError.FENCED_INSTANCE_ID,
        KafkaError.STALE_MEMBER_EPOCH,
    }
)
_NOT_ALLOWED: Final = KafkaError.GROUP_AUTHORIZATION_FAILED
_POLL_S: Final = 0.1


def check_features(site: Site) -> Iterator[Finding]:
    """The group protocol that is set, and the refusal of a former member's commit."""
    config = site.config
    if config.topics.ticks not in (site.topics or {}):
        yield Finding.skipped("features", "no ticks topic to try the brokers with")
        return
    seat = _Seat(config)
    try:
        refusal = seat.take()
    finally:
        seat.leave()
    if refusal is not None:
        yield _not_joined(config, refusal)
        return
    yield Finding.ok("features", f"the brokers offer group_protocol = {config.group_protocol}")
    if config.delivery is Delivery.EXACTLY_ONCE:
        yield _former_member(config, seat)


class _Seat:
    """A member's stay in a group that no worker is in."""

    def __init__(self, config: WorkerConfig) -> None:
        self._timeout_s = config.client_timeout_s
        self._topic = config.topics.ticks
        self._errors: list[KafkaError] = []
        settings = consumer_settings(config, self._errors.append)
        # A static member would keep its seat after it has left.
        settings.pop("group.instance.id", None)
        self._consumer = Consumer({**settings, "group.id": _name(config), "log_level": 0})
        self.metadata: Any = None
        self._seated = False

    def take(self) -> KafkaError | None:
        """Join; None once partitions are assigned, else why not."""
        self._consumer.subscribe([self._topic], on_assign=self._on_assign)
        deadline_s = time.monotonic() + self._timeout_s
        while time.monotonic() < deadline_s:
            message = self._consumer.poll(_POLL_S)
            if message is not None and message.error() is not None:
                self._errors.append(cast(KafkaError, message.error()))
            if self._seated:
                return None
            for error in self._errors:
                if refuses_group_protocol(error) or error.code() == _NOT_ALLOWED:
                    return error
        return KafkaError(KafkaError._TIMED_OUT)

    def leave(self) -> None:
        """Go; what the seat said of itself stays."""
        self._consumer.close()

    def _on_assign(self, consumer: Consumer, _: list[TopicPartition]) -> None:
        self.metadata = consumer.consumer_group_metadata()
        self._seated = True


def _not_joined(config: WorkerConfig, why: KafkaError) -> Finding:
    if refuses_group_protocol(why):
        message = f"the brokers do not offer group_protocol = {config.group_protocol}"
        return Finding.failed("features", message, GROUP_PROTOCOL_REMEDY)
    if why.code() == _NOT_ALLOWED:
        message = f"not tried: that takes READ on the group {_name(config)}, which workers do not"
        return Finding.skipped("features", f"{message} need")
    # Brokers that know KIP-848 in part never refuse it: nobody would get a seat, at any time.
    classic = config.group_protocol is GroupProtocol.CLASSIC
    tell = Finding.warning if classic else Finding.failed
    return tell(
        "features",
        f"no seat in the group {_name(config)} within {config.client_timeout_s:.0f} s with "
        f"group_protocol = {config.group_protocol}",
        f"{no_seat_remedy(config.group_protocol)}; a worker would wait as long",
    )


def _former_member(config: WorkerConfig, seat: _Seat) -> Finding:
    """Commit as one whose partitions may long be another's."""
    timeout_s = config.client_timeout_s
    settings = {**base_settings(config), **config.producer, "transactional.id": _name(config)}
    producer = Producer({**settings, "log_level": 0})
    place = TopicPartition(config.topics.ticks, 0, 0)
    try:
        producer.init_transactions(timeout_s)
        producer.begin_transaction()
        try:
            producer.send_offsets_to_transaction([place], seat.metadata, timeout_s)
        except KafkaException as error:
            if error.args[0].code() not in _STALE:
                raise
            return Finding.ok("features", "the brokers refuse the commit of a former member")
        finally:
            producer.abort_transaction(timeout_s)
    except KafkaException as error:
        return Finding.skipped("features", f"a former member's commit was not tried: {error}")
    return Finding.failed(
        "features",
        "the brokers take the commit of a former member: a worker that lost its partitions "
        "without noticing would publish twice",
        'upgrade the brokers to Kafka 2.5 or newer, or set delivery = "at_least_once"',
    )


def _name(config: WorkerConfig) -> str:
    return f"{config.group_id}-doctor"
