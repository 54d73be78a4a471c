"""A backtest inside Python: a table in, a table out; or a stream in, a stream out."""

import warnings
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any, Literal

import pyarrow as pa

from core import PredictorConfig
from workers.replay.decisions import EventTime
from workers.replay.engine import Engine
from workers.replay.errors import TicksWarning
from workers.replay.files.layout import Layout
from workers.replay.files.table_source import BatchSource, as_arrow, is_table, library_of, no_ticks
from workers.replay.gather import batch_rows, gathered
from workers.replay.output.tables import RESULTS_SCHEMA, result_batch

__all__ = ["backtest"]

_CHUNK_ROWS = 65_536


def backtest(
    ticks: Any,
    *,
    config: PredictorConfig | None = None,
    dtype: Literal["float64", "float32"] = "float64",
    layout: Layout | None = None,
    name: str = "memory",
) -> Any:
    """Forecast every tick of a table, at event time.

    Args:
        ticks: a pandas, polars or pyarrow table (anything with Arrow's stream interface) with
            `asset_id`, `price`, `timestamp_ns` and, if it differs from the price, `target`; or an
            iterable of such tables, each continuing the one before.
        config: hyperparameters; the default ones if None.
        dtype: of the state.
        layout: other column names, time units, what is allowed.
        name: stamped into the results as their source.

    Returns:
        The results in the rows' order, one a tick that is not refused, as the same kind of table;
        for an iterable an iterator, which takes a table only when one is asked for.

    Warns:
        TicksWarning: rows were refused or dropped, or the first tick is of 1970. An iterator warns
            at its end.

    Raises:
        BadTicksError: a row cannot be used; the message names it. An iterator raises when it
            comes to it.
        ReplayError: `ticks` is neither.
    """
    config = config or PredictorConfig()
    engine = Engine(config, dtype, source=name, deciding=EventTime(config))
    layout = layout or Layout()
    if is_table(ticks):
        pieces = as_arrow(name, ticks, layout).to_batches(_CHUNK_ROWS)
        source = BatchSource(name, pieces, layout)
        filled = gathered(source.chunks({}), lambda: batch_rows(engine.assets))
        results = [result_batch(engine.step(chunk)) for chunk in filled]
        for text in source.warnings:
            warnings.warn(text, TicksWarning, stacklevel=2)
        return _like(ticks, pa.Table.from_batches(results, schema=RESULTS_SCHEMA))
    one_column = hasattr(ticks, "__arrow_c_stream__")
    if one_column or not isinstance(ticks, Iterable) or isinstance(ticks, str | bytes | dict):
        raise no_ticks(ticks)
    return _stream(engine, ticks, layout, name)


def _stream(engine: Engine, tables: Iterable[Any], layout: Layout, name: str) -> Iterator[Any]:
    """Results table by table, each of the kind of the first."""
    iterator = iter(tables)
    first = next(iterator, None)
    if first is None:
        return

    def batches() -> Iterator[Any]:
        for table in chain([first], iterator):
            yield from as_arrow(name, table, layout).combine_chunks().to_batches()

    source = BatchSource(name, batches(), layout)
    for chunk in source.chunks({}):
        yield _like(first, pa.Table.from_batches([result_batch(engine.step(chunk))]))
    for text in source.warnings:
        warnings.warn(text, TicksWarning, stacklevel=2)


def _like(example: Any, table: Any) -> Any:
    """The table in the library that the example is of."""
    library = library_of(example)
    if library == "pandas":
        return table.to_pandas()
    if library == "polars":
        return type(example)(table)
    return table
