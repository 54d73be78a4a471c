"""One micro-batch through the predictor: decode, decide, step, collect what to publish.

Invariant: what it does to the state and what it hands out depend on the records and the
decisions alone. It does no I/O.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from core import PredictorConfig
from schemas import Rejection, ResultColumns, TickCodec
from workers.batching.decisions import Decision
from workers.batching.records import RecordBatch
from workers.batching.spans import (
    JournalSpan,
    decisions_of,
    journal_spans,
    live_records,
    verdicts_of,
)
from workers.batching.vanished import refuse_vanished
from workers.batching.verdicts import read_ticks
from workers.compute.state_table import StateTable
from workers.compute.stepper import Stepper
from workers.partition import Partition
from workers.telemetry.traces import Untimed

__all__ = ["Pipeline", "SteppedBatch"]

_UNTIMED = Untimed()


@dataclass(frozen=True, slots=True)
class SteppedBatch:
    """What a micro-batch leaves to publish; replayed records leave nothing.

    Attributes:
        results: one entry per accepted live tick, in offset order per partition.
        rejections: positions in the record batch that go to the dead-letter topic.
        spans: one per partition with live records, accepted or not.
        replayed: how many ticks were stepped silently.
    """

    results: ResultColumns
    rejections: Sequence[Rejection]
    spans: Sequence[JournalSpan]
    replayed: int


class Pipeline:
    """Runs micro-batches over one state table.

    Args:
        config: the predictor's configuration.
        table: the state of all assets of this worker.
        codec: decoder of the ticks topic.
        source_topic: its name, stamped into every result.
    """

    def __init__(
        self, config: PredictorConfig, table: StateTable, codec: TickCodec, source_topic: str
    ) -> None:
        self._stepper = Stepper(config, table, source_topic)
        self._codec = codec

    def run(
        self,
        records: RecordBatch,
        partitions: Mapping[int, Partition],
        decide: Callable[[], Decision],
        watch: Untimed = _UNTIMED,
    ) -> SteppedBatch:
        """Step every accepted tick and advance the partitions.

        Args:
            records: the micro-batch.
            partitions: the active partitions, by number.
            decide: called once if any record is live.
            watch: told when ticks are decoded, and when they are stepped.

        Raises:
            UnrepeatableError: a record to replay has no journaled decision, or was answered and
                cannot be read any more, or is gone; nothing was done.
        """
        refuse_vanished(records, partitions)
        live = live_records(records, partitions)
        spans = journal_spans(records, live, partitions, decide)
        decisions = decisions_of(records, live, partitions, spans)
        verdicts = verdicts_of(records, live, partitions)
        ticks, rejections = read_ticks(self._codec, records, verdicts)
        watch.mark("decode")
        published = live[ticks.index]
        results = self._stepper.step(
            records, ticks, decisions.at(ticks.index), partitions, published=published
        )
        watch.mark("step")
        for span in spans:
            span.partition.last_decision = span.decision
        return SteppedBatch(
            results=results,
            rejections=[r for r in rejections if live[r.index]],
            spans=spans,
            replayed=int(published.size - published.sum()),
        )
