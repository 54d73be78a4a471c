"""A stepped micro-batch as Kafka messages: results, flag events, dead letters, journal records."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from schemas import FlagEventCodec, Framing, ResultCodec
from workers.batching.pipeline import SteppedBatch
from workers.batching.records import RecordBatch
from workers.config import WorkerConfig
from workers.emission.burial import LETTER_LIMIT_BYTES, Undertaker
from workers.emission.flag_events import flag_events, shedding_event
from workers.emission.journal_writer import JournalWriter
from workers.emission.out_message import OutMessage
from workers.telemetry.metrics import M, Telemetry

__all__ = ["Emission", "Emitter"]


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
        config: topics, and what is said of this worker.
        framing_of: schema framing by topic.
        telemetry: counts flags and dead letters.
        letter_limit_bytes: how large a dead letter may be; asked for each.
    """

    def __init__(
        self,
        config: WorkerConfig,
        framing_of: Callable[[str], Framing],
        telemetry: Telemetry,
        *,
        letter_limit_bytes: Callable[[], int] = lambda: LETTER_LIMIT_BYTES,
    ) -> None:
        self._config = config
        self._topics = config.topics
        self._telemetry = telemetry
        self._results = ResultCodec(framing_of(self._topics.predictions))
        self._flags = FlagEventCodec(framing_of(self._topics.flags))
        self._undertaker = Undertaker(config, framing_of, letter_limit_bytes)
        self._journal = JournalWriter(config, framing_of)

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
                *self._dead_letters(records, batch),
            ],
            journal=list(self._journal.messages(records, batch)),
        )

    def _dead_letters(self, records: RecordBatch, batch: SteppedBatch) -> Iterator[OutMessage]:
        for rejection in batch.rejections:
            self._telemetry.inc(M.DEAD_LETTERS, error=rejection.error_class)
            yield self._undertaker.bury(records, rejection)

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
