"""Tick files of every kind that a backtest reads, whole."""

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ops.ticks.table import TickTable

if TYPE_CHECKING:
    from workers.replay import Layout

__all__ = ["read_ticks"]


def read_ticks(
    path: Path, layout: "Layout | None" = None, *, keep_records: bool = False
) -> TickTable:
    """Read a file whole; its kind is told by its suffix, as `FileSource` tells it.

    Without a `target` column the target is the price; an empty cell in it is no target. Rows are
    taken as they stand: whether they are sound ticks is for the worker to judge.

    Args:
        path: the file.
        layout: its columns; ours if None.
        keep_records: with what `tickfleet export` has written of the records, where it has.

    Raises:
        BadTicksError: not readable, a column missing, a cell empty or of the wrong type; the
            message names the row.
    """
    from workers.replay import FileSource, Layout, RecordColumns  # noqa: PLC0415  (an extra)

    source = FileSource(path, layout or Layout(unsorted=True))
    chunks = list(source.chunks({}))
    empty = np.zeros(0)
    records = RecordColumns.read(path) if keep_records else None
    if records is not None:
        rows = [chunk.offset for chunk in chunks]
        records = records.take(np.concatenate([empty.astype(np.int64), *rows]))
    return TickTable(
        [(key or b"").decode() for chunk in chunks for key in chunk.keys],
        np.concatenate([empty, *(chunk.price for chunk in chunks)]),
        np.concatenate([empty, *(chunk.target for chunk in chunks)]),
        np.concatenate([empty.astype(np.int64), *(chunk.timestamp_ns for chunk in chunks)]),
        records,
        tuple(source.warnings),
    )
