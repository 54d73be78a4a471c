"""One producer, and all that is known of it.

A producer that was discarded is not gone: a commit may hang on a thread of its own, and what is
purged is reported. Invariant: nothing of it is booked on its successor.
"""

from dataclasses import dataclass, field

from confluent_kafka import KafkaError, Message, Producer

from workers.delivery.refusals import in_words
from workers.emission.out_message import OutMessage
from workers.errors import OutputUncertainError

__all__ = ["ProducerLife", "Reports"]


class Reports:
    """What one producer says that it could not do. Does not hold the producer."""

    def __init__(self) -> None:
        self._failures: list[KafkaError] = []

    def on_delivery(self, error: KafkaError | None, _message: Message) -> None:
        """A message was delivered or not."""
        if error is not None:
            self._failures.append(error)

    def on_error(self, error: KafkaError) -> None:
        """The client is in trouble; it mends itself unless that is fatal."""
        if error.fatal():
            self._failures.append(error)

    def check(self) -> None:
        """Raise OutputUncertainError if anything failed."""
        if self._failures:
            words = in_words(self._failures[0])
            raise OutputUncertainError(f"a message was not delivered: {words}")


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

    def discard(self) -> None:
        """Give up whatever is not delivered."""
        self.held.clear()
        self.producer.purge(in_queue=True, in_flight=True, blocking=False)
