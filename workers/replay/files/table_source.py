"""Ticks from Arrow record batches: a table in memory, or a stream of them."""

import hashlib
from collections.abc import Generator, Iterable, Mapping
from typing import Any

import numpy as np
import pyarrow as pa

from workers.replay.chunk import TickChunk
from workers.replay.errors import BadTicksError, ReplayError
from workers.replay.files.arrow_ticks import require_columns, ticks_of
from workers.replay.files.layout import Layout
from workers.replay.files.pandas_times import typed_times
from workers.replay.files.row_checks import RowChecks

__all__ = [
    "BatchSource",
    "as_arrow",
    "is_table",
    "layout_digest",
    "library_of",
    "no_ticks",
    "tick_chunks",
]


class BatchSource:
    """Ticks of record batches that are already there.

    Args:
        name: stamped into results.
        batches: `pyarrow.RecordBatch`es, read once.
        layout: their columns.
    """

    def __init__(self, name: str, batches: Iterable[Any], layout: Layout) -> None:
        self.name = name
        self.share = 0.0
        self.warnings: list[str] = []
        self._batches = batches
        self._layout = layout

    @property
    def merged_by_time(self) -> bool:
        """The rows stand as they stand."""
        return False

    def describe(self) -> dict[str, Any]:
        """Nothing identifies what is only in memory but its name."""
        return {"kind": "memory", "name": self.name}

    def chunks(
        self,
        after: Mapping[int, int],
        reached_ns: Mapping[int, int] | None = None,  # noqa: ARG002
    ) -> Generator[TickChunk]:
        """The ticks, checked; a batch becomes a chunk."""
        checks = RowChecks(self.name, self._layout)
        yield from tick_chunks(self.name, self._batches, self._layout, checks, after)
        self.share = 1.0
        self.warnings = checks.warnings()


def library_of(given: Any) -> str:
    """Of which library a table is, also where its class is derived; empty: another's, or none."""
    tops = [base.__module__.partition(".")[0] for base in type(given).__mro__]
    return next((top for top in tops if top in ("pandas", "polars")), "")


def is_table(given: Any) -> bool:
    """Whether it is what `as_arrow` takes. One column has Arrow's stream interface too."""
    return hasattr(given, "__arrow_c_stream__") and type(given).__name__ != "Series"


def no_ticks(given: Any) -> ReplayError:
    """Says what to give instead."""
    return ReplayError(
        f"{type(given).__name__} holds no ticks: give a pandas, polars or pyarrow table (of a "
        "LazyFrame its collect()), or an iterable of them"
    )


def as_arrow(source: str, table: Any, layout: Layout) -> Any:
    """A `pyarrow.Table` of whatever has Arrow's stream interface.

    Of pandas' only the columns that are read: others may hold what has no type in Arrow.

    Raises:
        BadTicksError: columns are missing, or hold what has no type in Arrow.
        ReplayError: it is no table.
    """
    if not is_table(table):
        raise no_ticks(table)
    try:
        if library_of(table) == "pandas":
            return pa.Table.from_pandas(_read_of(source, table, layout), preserve_index=False)
        return pa.table(table)
    except (pa.ArrowException, TypeError) as error:
        why = str(error).rstrip(".")
        raise BadTicksError(f"{source}: {why}: give each column one type of Arrow's") from error


def _read_of(source: str, frame: Any, layout: Layout) -> Any:
    """The columns of pandas' table that are read, by their names as texts: some are numbers."""
    names = [str(name) for name in frame.columns]
    _check_index(source, frame, names, layout)
    require_columns(source, names, layout)
    read = layout.read_from(names)
    chosen = frame.iloc[:, [names.index(name) for name in read]].set_axis(read, axis="columns")
    return typed_times(source, chosen, layout.theirs("timestamp_ns"))


def _check_index(source: str, frame: Any, names: list[str], layout: Layout) -> None:
    """Times are often the index of pandas' tables, which is no column."""
    missing = {layout.theirs(name) for name in layout.required} - set(names)
    of_times = frame.index.dtype.kind == "M" and layout.theirs("timestamp_ns") in missing
    if of_times or missing & set(frame.index.names):
        raise BadTicksError(
            f"{source}: no column {', '.join(sorted(missing))}, and the index is not read: "
            "reset_index() makes columns of it"
        )


def tick_chunks(
    source: str,
    batches: Iterable[Any],
    layout: Layout,
    checks: RowChecks,
    after: Mapping[int, int],
) -> Generator[TickChunk]:
    """Convert and check batches; rows before `after[0]` are checked and not handed on.

    Raises:
        BadTicksError: they cannot be used.
    """
    first_row, wanted_from = 0, after.get(0, 0)
    for batch in batches:
        require_columns(source, batch.schema.names, layout)
        if not batch.num_rows:
            continue
        chunk = ticks_of(source, batch, first_row=first_row, layout=layout, quotes=checks.quotes)
        chunk = checks.check(chunk)
        first_row += batch.num_rows
        if len(chunk) and chunk.offset[0] < wanted_from:
            chunk = chunk.take(np.flatnonzero(chunk.offset >= wanted_from))
        if len(chunk):
            yield chunk


def layout_digest(layout: Layout) -> str:
    """Tells two ways of reading the same file apart."""
    return hashlib.sha256(repr(layout).encode()).hexdigest()[:16]
