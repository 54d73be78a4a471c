"""The tables of slices merged into those of the whole run: by place, then partition and offset.

Rows of each slice stand in that order already; a batch of each is held at a time. Which range of
places is merged can be chosen, so that several processes can each merge one.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from jaxtyping import Bool
from numpy import ndarray
from pyarrow import compute, parquet

from workers.replay.parts import PartWriter
from workers.replay.run_tables import PLACE, SCHEMAS

__all__ = ["PlaceRange", "merge_tables", "place_ranges"]

_BATCH_ROWS: Final = 65_536
_PART_ROWS: Final = 2_000_000
_FIRST: Final = int(np.iinfo(np.int64).min)
_LAST: Final = int(np.iinfo(np.int64).max)


class PlaceRange(NamedTuple):
    """Places from `first` to `last`, both included."""

    first: int
    last: int


def place_ranges(slices: Sequence[Path], count: int) -> list[PlaceRange]:
    """About `count` ranges with equally many results, that hold every place."""
    groups = sorted(
        (group.first, group.rows) for path in slices for group in _groups(path / "results")
    )
    total, seen, bounds = sum(rows for _, rows in groups), 0, [_FIRST]
    for first, rows in groups:
        if seen >= total * len(bounds) / count and first > bounds[-1]:
            bounds.append(first)
        seen += rows
    behind = [*(bound - 1 for bound in bounds[1:]), _LAST]
    return [PlaceRange(first, last) for first, last in zip(bounds, behind, strict=True)]


def merge_tables(slices: Sequence[Path], out: Path, places: PlaceRange) -> None:
    """Merge the rows of a range of places; blocks until they are written.

    Args:
        slices: folders of finished slices.
        out: a folder for the tables; its parts are numbered from 0.
        places: the range.
    """
    for name, schema in SCHEMAS.items():
        writer = PartWriter(out / name, schema)
        writer.keep_only(0)
        readers = [_Reader(path / name, places) for path in slices]
        rows = 0
        for batch in _merged([reader for reader in readers if reader.fill()]):
            writer.write(batch.drop_columns(PLACE))
            rows += batch.num_rows
            if rows >= _PART_ROWS:
                writer.close_part()
                rows = 0
        writer.close_part()


def _merged(readers: "list[_Reader]") -> Iterator[Any]:
    while readers:
        bound = min(reader.last for reader in readers)
        taken = [reader.take(bound) for reader in readers]
        rows = pa.concat_tables([one for one in taken if one.num_rows]).combine_chunks()
        # Stable, so that the events of one tick keep their order.
        order = np.lexsort([_column(rows, name) for name in reversed(_key(rows))])
        yield rows.take(pa.array(order))
        readers = [reader for reader in readers if reader.fill()]


class _Reader:
    """One table of one slice, a batch at a time."""

    def __init__(self, folder: Path, places: PlaceRange) -> None:
        self._batches = _batches(folder, places)
        self._rows: Any = None

    def fill(self) -> bool:
        """Whether there are rows; reads on where none are left."""
        while self._rows is None or not self._rows.num_rows:
            batch = next(self._batches, None)
            if batch is None:
                return False
            self._rows = pa.table(batch)
        return True

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
    place, partition, offset = (_column(rows, name) for name in _key(rows))
    behind = (partition < bound[1]) | ((partition == bound[1]) & (offset <= bound[2]))
    return np.asarray((place < bound[0]) | ((place == bound[0]) & behind))


def _key(rows: Any) -> tuple[str, str, str]:
    names = ("partition", "offset")
    if "partition" not in rows.schema.names:
        names = ("source_partition", "source_offset")
    return (PLACE, *names)


def _column(rows: Any, name: str) -> Any:
    return rows[name].to_numpy()


class _Group(NamedTuple):
    """A row group: its file, its number, its first and last place, its rows."""

    path: Path
    number: int
    first: int
    last: int
    rows: int


def _groups(folder: Path) -> Iterator[_Group]:
    for path in sorted(folder.glob("*.parquet")):
        metadata = parquet.read_metadata(path)
        at = metadata.num_columns - 1  # the place is the last column
        for number in range(metadata.num_row_groups):
            group = metadata.row_group(number)
            found = group.column(at).statistics
            yield _Group(path, number, found.min, found.max, group.num_rows)


def _batches(folder: Path, places: PlaceRange) -> Iterator[Any]:
    for path, number, first, last, _ in _groups(folder):
        if last < places.first or first > places.last:
            continue
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(_BATCH_ROWS, row_groups=[number]):
                inside = compute.and_(
                    compute.greater_equal(batch[PLACE], places.first),
                    compute.less_equal(batch[PLACE], places.last),
                )
                yield batch.filter(inside)
