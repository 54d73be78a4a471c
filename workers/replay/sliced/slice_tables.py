"""The tables that slices write, read again batch by batch where they lie on the disk.

The rows of each ascend by place, from part to part too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from pyarrow import ipc

from workers.replay.arrays import values
from workers.replay.output.parts import ArrowParts
from workers.replay.output.run_tables import PLACE, SCHEMAS

__all__ = ["PlaceRange", "Slice", "extents", "last_place", "remove_before", "rows_within"]

_FIRST: Final = int(np.iinfo(np.int64).min)
_LAST: Final = int(np.iinfo(np.int64).max)


class Slice(NamedTuple):
    """Attributes:
    tables: the folder of its tables.
    run: the folder that is there once it is finished.
    """

    tables: Path
    run: Path


class PlaceRange(NamedTuple):
    """Places from `first` to `last`, both included."""

    first: int = _FIRST
    last: int = _LAST


class Extent(NamedTuple):
    """A batch: its first and last place, its rows."""

    first: int
    last: int
    rows: int


def extents(folder: Path) -> Iterator[Extent]:
    """Of all batches of a table."""
    for path in _parts(folder):
        yield from _extents(path)


def last_place(folder: Path, number: int) -> int | None:
    """Of a part of a table; None if it is not there (yet)."""
    path = folder / ArrowParts.name(number)
    return _last(path) if path.exists() else None


def rows_within(folder: Path, places: PlaceRange) -> Iterator[Any]:
    """The rows of a table in a range of places, as `pyarrow.RecordBatch`es."""
    for path in _parts(folder):
        with _opened(path) as file:
            for number, (first, last, _) in enumerate(_extents(path)):
                if last < places.first or first > places.last:
                    continue
                batch = file.get_batch(number)
                if first < places.first or last > places.last:
                    place = values(batch[PLACE])  # ascends
                    begin = int(np.searchsorted(place, places.first, "left"))
                    end = int(np.searchsorted(place, places.last, "right"))
                    batch = batch.slice(begin, end - begin)
                yield batch


def remove_before(slice_: Path, place: int) -> None:
    """Remove parts of all tables of a slice that end before a place."""
    for name in SCHEMAS:
        for path in _parts(slice_ / name):
            if _last(path) < place:
                path.unlink()


def _parts(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"part-*{ArrowParts.suffix}"))


def _extents(path: Path) -> Iterator[Extent]:
    with _opened(path, PLACE) as file:
        for number in range(file.num_record_batches):
            place = values(file.get_batch(number)[PLACE])
            yield Extent(int(place.min()), int(place.max()), place.size)


def _last(path: Path) -> int:
    with _opened(path, PLACE) as file:
        return int(values(file.get_batch(file.num_record_batches - 1)[PLACE]).max())


@contextmanager
def _opened(path: Path, *columns: str) -> Iterator[Any]:
    """A part; only some columns of it, if any are named."""
    with pa.OSFile(str(path)) as file:
        names = ipc.open_file(file).schema.names
        options = ipc.IpcReadOptions(included_fields=[names.index(name) for name in columns])
        yield ipc.open_file(file, options=options)
