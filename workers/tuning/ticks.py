"""What a search is on: a file, a table, or a range of a topic."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from workers.replay import FileSource, Layout, TickSource, TopicSource, export_ticks
from workers.replay.table_source import BatchSource, as_arrow
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
        return _opened_by(partial(FileSource, Path(ticks), layout))
    if not hasattr(ticks, "__arrow_c_stream__"):
        raise TuningError(
            f"{type(ticks).__name__} holds no ticks: give a file, or a pandas, polars or pyarrow "
            "table, which can be read again for each trial"
        )
    batches = as_arrow("memory", ticks, layout).to_batches(_BATCH_ROWS)
    return _opened_by(partial(BatchSource, "memory", batches, layout))


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


def _opened_by(opens: Callable[[], TickSource]) -> SearchTicks:
    return SearchTicks(opens, lambda: opens().describe())
