"""A progress bar with the rate and the time left; nothing where no person watches."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

__all__ = ["progress_bar"]


@contextmanager
def progress_bar(what: str) -> Iterator[Callable[[int, float], None]]:
    """Yields the function that moves it: results so far, share done from 0 to 1."""
    bar = Progress(
        TextColumn(what),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
    )
    first: tuple[float, int] | None = None

    def move(results: int, share: float) -> None:
        nonlocal first
        now_s = time.monotonic()
        first = first or (now_s, results)
        elapsed_s = now_s - first[0]
        rate = f"{(results - first[1]) / elapsed_s:,.0f} ticks/s" if elapsed_s else ""
        bar.update(task, completed=share, rate=rate)

    with bar:
        task = bar.add_task(what, total=1.0, rate="")
        yield move
