"""Errors of the Kafka runtime, each carrying the topic, partition and offset it is about."""

from core.errors import FatalError, RetryableError

__all__ = [
    "ConfigurationError",
    "FencedError",
    "HistoryLostError",
    "NotAllowedError",
    "OutputTopicsError",
    "OutputUncertainError",
    "OutputsRefusedError",
    "PartitionError",
    "PredictorBusyError",
    "PredictorClosedError",
    "StalledClientError",
    "TopicLayoutError",
    "UnrepeatableError",
]


class ConfigurationError(FatalError):
    """A setting contradicts another one or the cluster; the message names it and the remedy."""


class TopicLayoutError(ConfigurationError):
    """A topic is missing or its partition count does not fit the ticks topic's."""


class FencedError(FatalError):
    """Another live worker uses this worker's id: the group keeps that one, this one must exit."""


class OutputsRefusedError(FatalError):
    """The brokers will not have this worker's producer: its settings or its rights must change."""


class NotAllowedError(FatalError):
    """The brokers let this user in and refuse what it asks: a right must be granted."""


class PredictorBusyError(FatalError, RuntimeError):
    """A tick came while another thread's was being stepped: a predictor takes one at a time."""


class PredictorClosedError(FatalError, RuntimeError):
    """A tick came after the predictor was shut down."""


class StalledClientError(RetryableError):
    """A client call did not come back within its budget."""


class OutputUncertainError(RetryableError):
    """A transaction was aborted or its outcome is unknown: in-memory state may be ahead of Kafka.

    The remedy is always the same and automatic: discard the producer, recover every partition
    the transaction touched from its snapshot and journal.
    """


class OutputTopicsError(OutputUncertainError):
    """An output topic is missing or may not be written; it can be mended under a worker at work."""


class PartitionError(FatalError):
    """One partition cannot go on; the worker keeps serving the others.

    Args:
        message: what happened and what to do next.
        topic: the ticks topic.
        partition: its partition number.
        offset: the input offset the partition stopped at, negative when none is known.
    """

    def __init__(self, message: str, *, topic: str, partition: int, offset: int) -> None:
        at = f" at offset {offset}" if offset >= 0 else ""
        super().__init__(f"{topic}[{partition}]{at}: {message}")
        self.topic = topic
        self.partition = partition
        self.offset = offset


class HistoryLostError(PartitionError):
    """The input or the journal no longer holds what recovery needs."""


class UnrepeatableError(LookupError):
    """An answered record cannot be stepped again as it was. Nothing was done; it is caught inside.

    Attributes:
        remedy: what to do, a sentence or two.
        partition: its partition.
        offset: the first such input offset.
    """

    def __init__(self, message: str, remedy: str, *, partition: int, offset: int) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.partition = partition
        self.offset = offset
