"""One micro-batch through the predictor: decode, look up, decide, step, collect what to publish.

Invariant: what it does to the state and what it hands out depend on the records and the
decisions alone. It does no I/O.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from core import PredictorConfig
from schemas import EVENT_TIME, Rejection, ResultColumns, TickCodec, TickColumns
from workers.decisions import Decision, DecisionColumns, pack_inputs
from workers.partition import Partition
from workers.records import RecordBatch, present
from workers.rounds import order_by_row
from workers.spans import JournalSpan, decisions_of, journal_spans, live_records
from workers.state_table import StateTable

__all__ = ["Pipeline", "SteppedBatch"]

_NO_ROW: Final = -1


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
        self._config = config
        self._table = table
        self._codec = codec
        self._source_topic = source_topic

    def run(
        self,
        records: RecordBatch,
        partitions: Mapping[int, Partition],
        decide: Callable[[], Decision],
    ) -> SteppedBatch:
        """Step every accepted tick and advance the partitions.

        Args:
            records: the micro-batch.
            partitions: the active partitions, by number.
            decide: called once if any record is live.

        Raises:
            UncoveredOffsetError: a record to replay has no journaled decision; nothing was done.
        """
        live = live_records(records, partitions)
        spans = journal_spans(records, live, partitions, decide)
        decisions = decisions_of(records, live, partitions, spans)
        ticks, rejections = self._codec.decode(records.keys, records.values)
        rows = self._rows(records, ticks.index, partitions)
        outputs, sequence = self._step(rows, ticks, decisions.at(ticks.index))
        for number in records.partitions():
            last = int(records.offset[records.partition == number][-1])
            partitions[number].next_offset = last + 1
        for span in spans:
            span.partition.last_decision = span.decision
        published = live[ticks.index]
        return SteppedBatch(
            results=self._results(
                records,
                _Stepped(ticks, decisions.processing_time_ns[ticks.index], outputs, sequence),
                published,
            ),
            rejections=[r for r in rejections if live[r.index]],
            spans=spans,
            replayed=int(published.size - published.sum()),
        )

    def _rows(
        self,
        records: RecordBatch,
        accepted: Int64[ndarray, " ticks"],
        partitions: Mapping[int, Partition],
    ) -> Int64[ndarray, " ticks"]:
        """The state row of each accepted tick; unknown assets get fresh ones."""
        rows = np.empty(accepted.size, dtype=np.int64)
        partition = records.partition[accepted]
        for number in present(partition):
            owner = partitions[number]
            here = np.flatnonzero(partition == number)
            # The codec accepts no tick without a key.
            keys = cast("list[bytes]", [records.keys[i] for i in accepted[here].tolist()])
            row_of = owner.rows_of.get
            found = [row_of(key, _NO_ROW) for key in keys]
            if _NO_ROW in found:
                unknown = dict.fromkeys(key for key in keys if key not in owner.rows_of)
                owner.adopt(unknown, self._table.allocate(len(unknown)))
                found = [owner.rows_of[key] for key in keys]
            rows[here] = found
        return rows

    def _step(
        self, rows: Int64[ndarray, " ticks"], ticks: TickColumns, decisions: DecisionColumns
    ) -> tuple[Float64[ndarray, "ticks outputs"], Int64[ndarray, " ticks"]]:
        table = self._table
        order = order_by_row(rows)
        sequence = table.sequence[rows] + order.rank + 1
        before = np.where(
            table.sequence[rows] == 0, ticks.timestamp_ns, table.last_timestamp_ns[rows]
        )
        elapsed_ns = ticks.timestamp_ns - order.previous(ticks.timestamp_ns, before)
        columns = pack_inputs(
            price=ticks.price,
            target=ticks.target,
            timestamp_ns=ticks.timestamp_ns,
            elapsed_ns=elapsed_ns,
            decisions=decisions,
            staleness_ttl_ns=self._config.staleness_ttl_ns,
        )
        outputs = table.step(order, columns)
        # Of repeated rows the last assignment stands: the newest tick's.
        table.last_timestamp_ns[rows] = ticks.timestamp_ns
        table.sequence[rows] = sequence
        return outputs, sequence

    def _results(
        self, records: RecordBatch, stepped: "_Stepped", published: Bool[ndarray, " ticks"]
    ) -> ResultColumns:
        index = stepped.ticks.index[published]
        timestamp_ns = stepped.ticks.timestamp_ns[published]
        decided_ns = stepped.decided_ns[published]
        return ResultColumns(
            source_topic=self._source_topic,
            source_partition=records.partition[index].astype(np.int32),
            source_offset=records.offset[index],
            sequence=stepped.sequence[published],
            asset_id=cast("list[bytes]", [records.keys[i] for i in index.tolist()]),
            timestamp_ns=timestamp_ns,
            processing_time_ns=np.where(decided_ns == EVENT_TIME, timestamp_ns, decided_ns),
            outputs=stepped.outputs[published],
        )


@dataclass(frozen=True, slots=True)
class _Stepped:
    """Accepted ticks with what the step made of them."""

    ticks: TickColumns
    decided_ns: Int64[ndarray, " ticks"]
    outputs: Float64[ndarray, "ticks outputs"]
    sequence: Int64[ndarray, " ticks"]
