"""Ticks of a source as a file, Parquet or Avro, that `tickfleet produce` and `backtest` read."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import fastavro
import numpy as np
import pyarrow as pa
from pyarrow import parquet

from schemas.contracts import contract
from workers.replay.chunk import TickChunk
from workers.replay.errors import ReplayError
from workers.replay.files.names import check_name
from workers.replay.output.record_columns import AVRO_FIELDS, RECORD_FIELDS, record_arrays
from workers.replay.output.room import no_room
from workers.replay.source import TickSource

__all__ = ["export_ticks"]

_SCHEMA: Final[Any] = pa.schema(
    [
        ("asset_id", pa.string()),
        ("price", pa.float64()),
        ("target", pa.float64()),
        ("timestamp_ns", pa.int64()),
    ]
)


def export_ticks(
    source: TickSource,
    path: Path,
    *,
    records: bool = False,
    progress: Callable[[int, float], None] = lambda _ticks, _share: None,
) -> tuple[int, int]:
    """Write every tick, in the source's order; the file appears when it is whole.

    Args:
        source: the ticks.
        path: the file; its suffix tells its kind.
        records: with the columns of `RecordColumns`; the source must keep its messages.
        progress: told the ticks so far and the share that is done.

    Returns:
        How many ticks were written, and how many records were refused.

    Raises:
        ReplayError: the file is there already, cannot be written, or its name tells no kind.
        NoRoomError: the disk is full.
        RetryableError: brokers did not answer.
    """
    write = _WRITERS.get(path.suffix.lower())
    if write is None:
        raise ReplayError(f"{path}: name it .parquet or .avro, after what it is to be")
    aside = path.with_name(path.name + ".unfinished")
    check_name(aside)
    if path.exists():
        raise ReplayError(f"{path} is there already: choose another --file, or remove it")
    ticks = refused = 0

    def batches() -> Iterator[Any]:
        nonlocal ticks, refused
        for chunk in source.chunks({}):
            batch = _batch(chunk, records=records)
            yield batch
            ticks += batch.num_rows
            refused += len(chunk.refused)
            progress(ticks, source.share)

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(aside, batches(), records=records)
        aside.rename(path)
    except OSError as error:
        raise no_room(path, error, "run it again") or ReplayError(
            f"{path} cannot be written ({error}): choose another place for it"
        ) from error
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
    return ticks, refused


def _schema(*, records: bool) -> Any:
    return pa.schema([*_SCHEMA, *RECORD_FIELDS]) if records else _SCHEMA


def _write_parquet(path: Path, batches: Iterable[Any], *, records: bool) -> None:
    schema = _schema(records=records)
    # A relative name with a colon would be taken for a URI.
    with parquet.ParquetWriter(path.absolute(), schema, write_page_checksum=True) as writer:
        for batch in batches:
            writer.write_batch(batch)


def _write_avro(path: Path, batches: Iterable[Any], *, records: bool) -> None:
    """Records of the Tick contract, with more fields where records are kept."""
    schema: Any = contract("Tick").parsed
    if records:
        tick = {name: value for name, value in schema.items() if not name.startswith("__")}
        schema = fastavro.parse_schema(tick | {"fields": [*tick["fields"], *AVRO_FIELDS]})
    rows = (row for batch in batches for row in batch.to_pylist())
    with path.open("wb") as file:
        fastavro.writer(file, schema, rows, codec="deflate")


_WRITERS: Final = {".parquet": _write_parquet, ".avro": _write_avro}


def _batch(chunk: TickChunk, *, records: bool) -> Any:
    found = chunk.ticks()
    keys = [chunk.keys[i] for i in found.index.tolist()]
    # NaN is "no target" inside, an empty cell in the file.
    target = pa.array(found.target, mask=np.isnan(found.target))
    return pa.RecordBatch.from_arrays(
        [
            pa.array(keys, pa.binary()).cast(pa.string()),
            pa.array(found.price),
            target,
            pa.array(found.timestamp_ns),
            *(record_arrays(chunk, found.index) if records else ()),
        ],
        schema=_schema(records=records),
    )
