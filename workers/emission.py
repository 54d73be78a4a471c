"""A stepped micro-batch as Kafka messages: results, flag events, dead letters, journal records."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from confluent_kafka import Message

from schemas import (
    DeadLetter,
    DeadLetterCodec,
    FlagEventCodec,
    Framing,
    JournalCodec,
    JournalRecord,
    Rejection,
    ResultCodec,
)
from workers.config import WorkerConfig
from workers.flag_events import flag_events, shedding_event
from workers.metrics import M, Telemetry
from workers.pipeline import SteppedBatch
from workers.records import RecordBatch
from workers.spans import JournalSpan

__all__ = ["Emission", "Emitter", "OutMessage"]

_ANY_PARTITION: Final = -1  # librdkafka's RD_KAFKA_PARTITION_UA: the partitioner decides


@dataclass(frozen=True, slots=True)
class OutMessage:
    """One message that needs more than the batch call offers (headers, its own partition)."""

    topic: str
    key: bytes | None
    value: bytes
    partition: int = _ANY_PARTITION
    headers: list[tuple[str, str | bytes | None]] | None = None


@dataclass(frozen=True, slots=True)
class Emission:
    """Everything one micro-batch publishes.

    Attributes:
        results: messages for `produce_batch` of the predictions topic, by partition.
        extras: flag events and dead letters.
        journal: the journal records; last, so that at-least-once can hold them back until
            the outputs are acknowledged.
    """

    results: Mapping[int, list[dict[str, Any]]]
    extras: list[OutMessage]
    journal: list[OutMessage]


class Emitter:
    """Encodes emissions.

    Args:
        config: topics, worker id, predictor fingerprint.
        framing_of: schema framing by topic.
        telemetry: counts flags and dead letters.
    """

    def __init__(
        self, config: WorkerConfig, framing_of: Callable[[str], Framing], telemetry: Telemetry
    ) -> None:
        self._config = config
        self._topics = config.topics
        self._fingerprint = config.predictor.fingerprint()
        self._telemetry = telemetry
        self._results = ResultCodec(framing_of(self._topics.predictions))
        self._flags = FlagEventCodec(framing_of(self._topics.flags))
        self._dead_letters = DeadLetterCodec(framing_of(self._topics.dead_letters))
        self._journal = JournalCodec(framing_of(self._topics.journal))

    def encode(self, records: RecordBatch, batch: SteppedBatch) -> Emission:
        """Encode what a micro-batch publishes."""
        results = batch.results
        values = self._results.encode_batch(results)
        partitions = results.source_partition.tolist()
        by_partition: dict[int, list[dict[str, Any]]] = defaultdict(list)
        for key, value, partition in zip(results.asset_id, values, partitions, strict=True):
            by_partition[partition].append({"key": key, "value": value})
        return Emission(
            results=by_partition,
            extras=[
                *self._flag_messages(batch),
                *(self._dead_letter(records, rejection) for rejection in batch.rejections),
            ],
            journal=[self._journal_message(span) for span in batch.spans],
        )

    def _flag_messages(self, batch: SteppedBatch) -> list[OutMessage]:
        depth = self._config.predictor.log_sig_depth
        events = list(flag_events(batch.results))
        for span in batch.spans:
            event = shedding_event(span, self._topics.ticks, depth)
            if event is not None:
                events.append(event)
        for event in events:
            self._telemetry.inc(M.FLAG_EVENTS, type=event.type, state=event.state)
        return [
            OutMessage(
                self._topics.flags,
                event.asset_id.encode() or None,
                self._flags.encode(event),
                headers=list(self._flags.cloudevent_headers(event)),
            )
            for event in events
        ]

    def _dead_letter(self, records: RecordBatch, rejection: Rejection) -> OutMessage:
        i = rejection.index
        self._telemetry.inc(M.DEAD_LETTERS, error=rejection.error_class)
        letter = DeadLetter(
            value=records.values[i],
            key=records.keys[i],
            headers=_headers(records.messages[i]),
            source_topic=self._topics.ticks,
            source_partition=int(records.partition[i]),
            source_offset=int(records.offset[i]),
            error_class=rejection.error_class,
            message=rejection.message,
        )
        return OutMessage(
            self._topics.dead_letters, records.keys[i], self._dead_letters.encode(letter)
        )

    def _journal_message(self, span: JournalSpan) -> OutMessage:
        record = JournalRecord(
            from_offset=span.from_offset,
            to_offset=span.to_offset,
            processing_time_ns=span.decision.processing_time_ns,
            depth=span.decision.depth,
            kernel_mask=span.decision.kernel_mask,
            config_fingerprint=self._fingerprint,
            worker=self._config.worker_id,
        )
        return OutMessage(
            self._topics.journal,
            None,
            self._journal.encode(record),
            partition=span.partition.number,
        )


def _headers(message: Message) -> tuple[tuple[str, bytes | None], ...]:
    headers = message.headers() or []
    pairs = headers.items() if isinstance(headers, dict) else headers
    return tuple(
        (name, value.encode() if isinstance(value, str) else value) for name, value in pairs
    )
