"""One producer, and all that is known of it.

A producer that was discarded is not gone: a commit may hang on a thread of its own, and what is
purged is reported. Invariant: nothing of it is booked on its successor.
"""

from dataclasses import dataclass, field
from typing import Final

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from workers.delivery.refusals import in_words
from workers.emission.out_message import OutMessage
from workers.errors import OutputUncertainError

__all__ = ["ProducerLife", "Reports"]

_CONSEQUENCES: Final = frozenset({KafkaError._STATE, KafkaError._INCONSISTENT})
"""What calls of a transaction say that something before them has failed."""


class Reports:
    """What one producer says that it could not do. Does not hold the producer."""

    def __init__(self) -> None:
        self._failures: list[tuple[str, KafkaError]] = []

    @property
    def cause(self) -> str:
        """What failed first, in words; empty where nothing has."""
        if not self._failures:
            return ""
        topic, error = self._failures[0]
        return f"{topic}: {in_words(error)}" if topic else in_words(error)

    def on_delivery(self, error: KafkaError | None, message: Message) -> None:
        """A message was delivered or not."""
        if error is not None:
            self._failures.append((message.topic() or "", error))

    def on_error(self, error: KafkaError) -> None:
        """The client is in trouble; it mends itself unless that is fatal."""
        if error.fatal():
            self._failures.append(("", error))

    def check(self) -> None:
        """Raise OutputUncertainError if anything failed."""
        if self._failures:
            raise OutputUncertainError(f"a message was not delivered: {self.cause}")


@dataclass(slots=True, eq=False)
class ProducerLife:
    """A producer from its beginning until it is discarded.

    Attributes:
        producer: the client.
        reports: where its callbacks go.
        open: whether a transaction is open.
        held: journal records that wait for their outputs' acknowledgement.
    """

    producer: Producer
    reports: Reports
    open: bool = False
    held: list[OutMessage] = field(default_factory=list)

    def send(self, message: OutMessage) -> None:
        """Hand one message to the client; what the client raises goes through."""
        self.producer.produce(
            message.topic,
            value=message.value,
            key=message.key,
            headers=message.headers,
            on_delivery=self.reports.on_delivery,
            partition=message.partition,
        )

    def why(self, error: KafkaException | KafkaError | BufferError) -> str:
        """What a call that failed says, in words; where that is only that something before it has
        failed, what that was.
        """
        told = error.args[0] if isinstance(error, KafkaException) else error
        if isinstance(told, KafkaError) and told.code() in _CONSEQUENCES:
            self.producer.poll(0)  # it calls back in here
            return self.reports.cause or in_words(error)
        return in_words(error)

    def discard(self) -> None:
        """Give up whatever is not delivered."""
        self.held.clear()
        self.producer.purge(in_queue=True, in_flight=True, blocking=False)
