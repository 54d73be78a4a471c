"""Gives a producer its messages as fast as it takes them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

from confluent_kafka import KafkaError, KafkaException, Message, Producer

__all__ = ["LONGEST_WAIT_S", "OnDelivery", "client_errors", "hand_over"]

LONGEST_WAIT_S: Final = 0.2
"""For a producer, before it is asked again."""
OnDelivery: TypeAlias = Callable[[KafkaError | None, Message], None]


def hand_over(producer: Producer, message: dict[str, Any], on_delivery: OnDelivery) -> None:
    """Have the producer take a message; blocks while its queue is full.

    Args:
        producer: reports on what it delivers.
        message: what `produce` is told.
        on_delivery: called with the error, or None, in this call or a later one.

    Raises:
        BufferError: the message is too large for an empty queue.
        KafkaException: it is not taken.
    """
    while True:
        try:
            return producer.produce(**message, on_delivery=on_delivery)
        except BufferError:  # the queue is full: wait for acknowledgements
            if not len(producer):
                raise
            producer.poll(LONGEST_WAIT_S)
        except KafkaException as error:
            if error.args[0].code() == KafkaError._FATAL:
                producer.poll(0)  # it raises the reason
            raise


@contextmanager
def client_errors() -> Iterator[None]:
    """What ends a producer is raised before its callbacks are called, for Python a SystemError."""
    try:
        yield
    except SystemError as error:
        if isinstance(error.__cause__, KafkaException):
            raise error.__cause__ from None
        raise
