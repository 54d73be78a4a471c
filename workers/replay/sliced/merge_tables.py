"""The tables of slices merged into those of the whole run: by place, then partition and offset.

Rows of each slice stand in that order already; a batch of each is held at a time. Which range of
places is merged can be chosen, so that several processes can each merge one.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from jaxtyping import Bool
from numpy import ndarray

from workers.replay.arrays import numbers, values
from workers.replay.output.parts import PartWriter
from workers.replay.output.run_tables import PLACE
from workers.replay.sliced.slice_tables import PlaceRange, extents, rows_within

__all__ = ["merge_tables", "place_ranges"]

_HELD_ROWS: Final = 65_536
"""Of all slices together, about as many as are written at once."""
_PART_ROWS: Final = 2_000_000


def place_ranges(slices: Sequence[Path], count: int, places: PlaceRange) -> list[PlaceRange]:
    """A range of places in about `count` ranges with equally many results."""
    found = sorted(
        (one.first, one.rows)
        for path in slices
        for one in extents(path / "results")
        if one.last >= places.first and one.first <= places.last
    )
    total, seen, bounds = sum(rows for _, rows in found), 0, [places.first]
    for first, rows in found:
        if seen >= total * len(bounds) / count and first > bounds[-1]:
            bounds.append(first)
        seen += rows
    behind = [*(bound - 1 for bound in bounds[1:]), places.last]
    return [PlaceRange(first, last) for first, last in zip(bounds, behind, strict=True)]


def merge_tables(
    slices: Sequence[Path],
    writers: Mapping[str, PartWriter],
    places: PlaceRange,
    *,
    ended: Callable[[], bool] = lambda: False,
) -> None:
    """Merge the rows of a range of places into parts of their own; blocks until those are whole.

    Args:
        slices: folders of their tables; all rows of the range are there.
        writers: of the tables.
        places: the range.
        ended: whether to leave it, with a part under way.
    """
    for name, writer in writers.items():
        held = _HELD_ROWS // len(slices)
        readers = [_Reader(rows_within(path / name, places), held) for path in slices]
        rows = 0
        for batch in _merged(readers):
            if ended():
                return
            writer.write(batch.drop_columns(PLACE))
            rows += batch.num_rows
            if rows >= _PART_ROWS:
                writer.close_part()
                rows = 0
        writer.close_part()


def _merged(readers: "list[_Reader]") -> Iterator[Any]:
    while readers := [reader for reader in readers if reader.fill()]:
        bound = min(reader.last for reader in readers)
        taken = [reader.take(bound) for reader in readers]
        yield _in_order([one for one in taken if one.num_rows])


def _in_order(tables: Sequence[Any]) -> Any:
    """The rows of tables that each are in order."""
    if len(tables) == 1:
        return tables[0]
    rows = pa.concat_tables(tables).combine_chunks()
    # Stable, so that the events of one tick keep their order.
    return rows.take(numbers(np.lexsort([values(rows[name]) for name in reversed(_key(rows))])))


class _Reader:
    """One table of one slice, some rows at a time.

    Args:
        batches: its rows.
        least: how many are held at least, if there are as many: of few the bound would be near.
    """

    def __init__(self, batches: Iterator[Any], least: int) -> None:
        self._batches = batches
        self._least = least
        self._rows: Any = None

    def fill(self) -> bool:
        """Whether there are rows; reads on where few are left."""
        parts: list[Any] = [] if self._rows is None else self._rows.to_batches()
        rows = sum(int(part.num_rows) for part in parts)
        while rows < self._least and (batch := next(self._batches, None)) is not None:
            parts.append(batch)
            rows += batch.num_rows
        if parts:
            self._rows = pa.Table.from_batches(parts)
        return rows > 0

    @property
    def last(self) -> tuple[int, ...]:
        """The key of the last row that is held."""
        return tuple(self._rows[name][-1].as_py() for name in _key(self._rows))

    def take(self, bound: tuple[int, ...]) -> Any:
        """The rows up to a key, which are then no longer held."""
        count = int(_up_to(self._rows, bound).sum())
        taken, self._rows = self._rows.slice(0, count), self._rows.slice(count)
        return taken


def _up_to(rows: Any, bound: tuple[int, ...]) -> Bool[ndarray, " rows"]:
    place, partition, offset = (values(rows[name]) for name in _key(rows))
    behind = (partition < bound[1]) | ((partition == bound[1]) & (offset <= bound[2]))
    return np.asarray((place < bound[0]) | ((place == bound[0]) & behind))


def _key(rows: Any) -> tuple[str, str, str]:
    names = ("partition", "offset")
    if "partition" not in rows.schema.names:
        names = ("source_partition", "source_offset")
    return (PLACE, *names)
