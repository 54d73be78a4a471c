"""What `--verify` needs to compare a run with what live published, in whichever process it runs."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from confluent_kafka import Consumer, KafkaException

from core.errors import RetryableError
from schemas import FlagEventCodec, ResultCodec
from workers.brokers.client_config import reader_settings
from workers.config import Delivery, WorkerConfig
from workers.emission.framing import framing_by_topic
from workers.replay.errors import ReplayError
from workers.replay.topics.history import History
from workers.replay.topics.topic_range import partitions_of
from workers.replay.verifying.flag_verify import FlagComparison
from workers.replay.verifying.published import Published
from workers.replay.verifying.verify import Verification, Verifier

__all__ = ["Comparing", "verifying"]


@dataclass(frozen=True, slots=True)
class Comparing:
    """The `Watch` that compares with what live published.

    Attributes:
        config: the fleet's settings.
        history: what live did.
        predictions: the topic of the results.
        flags: the topic of the flag events; None leaves them out.
        flag_partitions: of that topic.
    """

    config: WorkerConfig
    history: History
    predictions: str
    flags: str | None
    flag_partitions: Sequence[int]

    def describe(self) -> dict[str, Any]:
        """The topics that are compared with."""
        return {"results": self.predictions, "flags": self.flags}

    @contextmanager
    def open(self) -> Iterator[Verifier]:
        """Reads what was published while it lasts."""
        config, history = self.config, self.history
        framing_of = framing_by_topic(config)
        repeats = config.delivery is Delivery.AT_LEAST_ONCE
        comparison = None
        if self.flags is not None:
            comparison = FlagComparison(
                FlagEventCodec(framing_of(self.flags)),
                partial(Published, config, self.flags),
                self.flag_partitions,
                history.journal,
                history.recorded.answered_from,
                end=history.span.end,
                source_topic=history.span.topic,
                max_depth=config.predictor.log_sig_depth,
                repeats_allowed=repeats,
            )
        verifier = Verifier(
            ResultCodec(framing_of(self.predictions)),
            FlagEventCodec(framing_of(self.flags or config.topics.flags)),
            partial(Published, config, self.predictions),
            history.journal,
            history.recorded.answered_from,
            end=history.span.end,
            repeats_allowed=repeats,
            flags=comparison,
        )
        try:
            yield verifier
        finally:
            verifier.close()

    def only(self, partitions: Collection[int]) -> "Comparing":
        """Flag events of other partitions are then passed over."""
        return replace(self, history=self.history.only(partitions))

    def total(self, summaries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """Sums, and the difference that one process would have met first."""
        return Verification.total([Verification.read(one) for one in summaries]).summary()


def verifying(
    config: WorkerConfig, history: History, predictions: str, *, flags: str | None
) -> Comparing:
    """A comparison with what live published, for a run of the same history. Blocks.

    Args:
        config: the fleet's settings.
        history: what live did.
        predictions: the topic of the results.
        flags: the topic of the flag events; None leaves them out.

    Raises:
        ReplayError: there is no such topic, or it has fewer partitions than the ticks.
        RetryableError: the brokers do not answer.
    """
    absent = sorted(history.span.end.keys() - set(_partitions(config, predictions)))
    if absent:
        raise ReplayError(
            f"{predictions} has no partition {absent[0]}, {history.span.topic} has: give the topic "
            "that the fleet publishes to"
        )
    numbers = [] if flags is None else _partitions(config, flags)
    return Comparing(config, history, predictions, flags, numbers)


def _partitions(config: WorkerConfig, topic: str) -> list[int]:
    consumer = Consumer(reader_settings(config))
    try:
        return partitions_of(consumer, topic, config.client_timeout_s)
    except KafkaException as error:
        raise RetryableError(f"no answer about {topic}: {error}") from error
    finally:
        consumer.close()
