"""Tables of slices merged again: the order of the whole, whatever the slices and the ranges."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from workers.replay.output.parts import ArrowParts
from workers.replay.output.run_tables import PLACE, SCHEMAS, open_tables
from workers.replay.sliced.merge_tables import merge_tables, place_ranges
from workers.replay.sliced.slice_tables import PlaceRange

_SCHEMA = SCHEMAS["results"].append(pa.field(PLACE, pa.int64()))


def rows(place: Any, partition: Any, offset: Any) -> Any:
    """Rows of results of which only the key matters."""
    given = {"source_partition": partition, "source_offset": offset, PLACE: place}
    arrays = [
        pa.array(given[field.name], field.type)
        if field.name in given
        else pa.nulls(len(place), field.type)
        for field in _SCHEMA
    ]
    return pa.Table.from_arrays(arrays, schema=_SCHEMA)


@pytest.mark.parametrize("seed", range(4))
def test_the_merged_rows_are_in_the_order_of_the_whole(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    slices = [tmp_path / str(number) for number in range(3)]
    keys: list[tuple[int, int, int]] = []
    for number, folder in enumerate(slices):
        writer = ArrowParts(folder / "results", _SCHEMA)
        place = np.sort(rng.integers(0, 300, 2_000 * number))  # the first slice is empty
        for first in range(0, place.size, 137):
            part = place[first : first + 137]
            partition = np.full(part.size, number)
            offset = np.arange(first, first + part.size)
            writer.write(rows(part, partition, offset))
            keys += zip(part.tolist(), partition.tolist(), offset.tolist(), strict=True)
            if first % 3 == 0:
                writer.close_part()
        writer.close_part()
    ranges = place_ranges(slices, 3, PlaceRange())
    assert len(ranges) == 3
    merged: list[tuple[int, int]] = []
    for number, places in enumerate(ranges):
        merge_tables(slices, open_tables(tmp_path / "out" / str(number), {}), places)
        found = parquet.read_table(tmp_path / "out" / str(number) / "results")
        assert 1_000 < found.num_rows < 3_000, "ranges are about equal"
        merged += zip(
            found["source_partition"].to_pylist(), found["source_offset"].to_pylist(), strict=True
        )
    assert merged == [(partition, offset) for _, partition, offset in sorted(keys)]
    assert PLACE not in found.column_names
