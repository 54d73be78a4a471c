"""Accepted ticks through the predictor, under decisions already taken. What live, recovery and
replay have in common.

Invariant: what it does to the state and what it hands out depend on the ticks and the decisions
alone. It does no I/O.
"""

from collections.abc import Mapping, Sequence
from typing import Final, cast

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from core import Output, PredictorConfig
from schemas import EVENT_TIME, ResultColumns, TickColumns
from workers.batching.decisions import DecisionColumns, pack_inputs
from workers.batching.keys import CodedKeys, taken
from workers.batching.records import RecordBatch, present
from workers.compute.behind import refused
from workers.compute.rounds import order_by_row
from workers.compute.state_table import StateTable
from workers.partition import Partition

__all__ = ["Stepper"]

_NO_ROW: Final = -1


class Stepper:
    """Advances the assets of a state table.

    Args:
        config: the predictor's configuration.
        table: the state of all assets.
        source_topic: stamped into every result.
    """

    def __init__(self, config: PredictorConfig, table: StateTable, source_topic: str) -> None:
        self._config = config
        self._table = table
        self._source_topic = source_topic

    def step(
        self,
        records: RecordBatch,
        ticks: TickColumns,
        decisions: DecisionColumns,
        partitions: Mapping[int, Partition],
        *,
        published: Bool[ndarray, " ticks"],
    ) -> ResultColumns:
        """Step every tick, advance the partitions, and collect the results that are wanted.

        Args:
            records: where the ticks come from; refused records count for the offsets too.
            ticks: the accepted ones.
            decisions: one a tick.
            partitions: the partitions that occur, by number.
            published: of which ticks the results are wanted.
        """
        rows = self._rows(records, ticks.index, partitions)
        outputs, sequence = self._advance(rows, ticks, decisions)
        for number in records.partitions():
            last = int(records.offset[records.partition == number][-1])
            partitions[number].next_offset = last + 1
        wanted = slice(None) if published.all() else published  # all of them without copying
        index = ticks.index[wanted]
        timestamp_ns = ticks.timestamp_ns[wanted]
        decided_ns = decisions.processing_time_ns[wanted]
        return ResultColumns(
            source_topic=self._source_topic,
            source_partition=records.partition[index].astype(np.int32),
            source_offset=records.offset[index],
            sequence=sequence[wanted],
            # No tick without a key is accepted.
            asset_id=cast("Sequence[bytes]", taken(records.keys, index)),
            timestamp_ns=timestamp_ns,
            processing_time_ns=np.where(decided_ns == EVENT_TIME, timestamp_ns, decided_ns),
            outputs=outputs[wanted],
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
            keys = taken(records.keys, accepted[here])
            if isinstance(keys, CodedKeys):
                row_of_code = np.empty(len(keys.names), dtype=np.int64)
                codes = keys.distinct()
                row_of_code[codes] = self._rows_of(owner, [keys.names[code] for code in codes])
                rows[here] = row_of_code[keys.codes]
            else:
                rows[here] = self._rows_of(owner, keys)
        return rows

    def _rows_of(self, owner: Partition, accepted: Sequence[bytes | None]) -> list[int]:
        keys = cast("Sequence[bytes]", accepted)
        row_of = owner.rows_of.get
        found = [row_of(key, _NO_ROW) for key in keys]
        if _NO_ROW in found:
            unknown = dict.fromkeys(key for key in keys if key not in owner.rows_of)
            owner.adopt(unknown, self._table.allocate(len(unknown)))
            found = [owner.rows_of[key] for key in keys]
        return found

    def _advance(
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
        outputs = table.step(order, columns, elapsed_ns)
        moves = ~refused(outputs[:, Output.FLAGS]) | (sequence == 1)
        # Of repeated rows the last assignment stands: the newest tick's.
        table.last_timestamp_ns[rows[moves]] = ticks.timestamp_ns[moves]
        table.sequence[rows] = sequence
        return outputs, sequence
