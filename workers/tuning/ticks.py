"""What a search is on: a file, a table, or a range of a topic."""

import hashlib
import io
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from workers.replay import FileSource, Layout, TickSource, TopicSource, export_ticks
from workers.replay.files.table_source import BatchSource, as_arrow, is_table, layout_digest
from workers.tuning.errors import TuningError
from workers.tuning.folder import TOPIC_TICKS

__all__ = ["SearchTicks", "open_ticks", "topic_ticks"]

_BATCH_ROWS = 65_536


def _nothing(*, keep: bool) -> None:
    """They are there."""


@dataclass(frozen=True, slots=True)
class SearchTicks:
    """Attributes:
    open: opens them anew, for each pass; can be sent to another process.
    describe: what identifies them: equal for equal ticks.
    fetch: called in the search's folder before they are opened; with `keep` what an interrupted
        search has fetched is left as it is.
    """

    open: Callable[[], TickSource]
    describe: Callable[[], dict[str, Any]]
    fetch: Callable[..., None] = _nothing


def open_ticks(ticks: Any, layout: Layout) -> SearchTicks:
    """Those of a file or a table.

    Raises:
        TuningError: they are neither.
    """
    if isinstance(ticks, Path | str):
        file = FileSource(Path(ticks), layout)
        # A copy is held to the file of now, as a source made anew would not be.
        return SearchTicks(partial(deepcopy, file), file.describe)
    if not is_table(ticks):
        raise TuningError(
            f"{type(ticks).__name__} holds no ticks: give a file, or a pandas, polars or pyarrow "
            "table (of a LazyFrame its collect()), which can be read again for each trial"
        )
    table = as_arrow("memory", ticks, layout)
    identity = {"kind": "memory", "sha256": _digest(table), "layout": layout_digest(layout)}
    batches = table.to_batches(_BATCH_ROWS)
    return SearchTicks(partial(BatchSource, "memory", batches, layout), lambda: identity)


def topic_ticks(
    source: TopicSource,
    out: Path,
    *,
    allow_nonpositive_prices: bool,
    progress: Callable[[int, float], None] = lambda _ticks, _share: None,
) -> SearchTicks:
    """Those of a range of a topic, read once, into a file in the search's folder.

    So every trial steps the same ticks, whatever retention removes while the search goes on.

    Args:
        source: the range.
        out: the search's folder.
        allow_nonpositive_prices: as the worker's setting of that name.
        progress: told the ticks so far and the share that is read.
    """
    path = out / TOPIC_TICKS
    layout = Layout(unsorted=True, allow_nonpositive_prices=allow_nonpositive_prices)

    def fetch(*, keep: bool) -> None:
        if keep and path.is_file():
            return
        path.unlink(missing_ok=True)
        export_ticks(source, path, progress=progress)

    return SearchTicks(partial(FileSource, path, layout), source.describe, fetch)


class _Hashed(io.RawIOBase):
    """A file that keeps nothing of what is written but its digest."""

    def __init__(self) -> None:
        super().__init__()
        self.sha256 = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.sha256.update(data)
        return len(data)


def _digest(table: Any) -> str:
    """Of a table's content, types and names; of no metadata."""
    to = _Hashed()
    bare = table.replace_schema_metadata(None)
    with pa.ipc.new_stream(to, bare.schema) as stream:
        stream.write_table(bare, max_chunksize=_BATCH_ROWS)
    return to.sha256.hexdigest()
