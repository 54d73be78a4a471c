"""How far a search is: a bar with the time left; without a terminal a line for each new best."""

import math
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from workers.tuning import Progress

__all__ = ["search_bar"]


@contextmanager
def search_bar() -> Iterator[Callable[[Progress], None]]:
    """Yields the function that moves it."""
    watched = sys.stderr.isatty()
    bar = Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not watched,
    )
    shown: tuple[int, float] | None = None

    def move(now: Progress) -> None:
        nonlocal shown
        best = "" if math.isnan(now.best) else f", best skill {now.best:+.5f}"
        text = f"round {now.round + 1} of {now.rounds}, {now.trials} trials{best}"
        bar.update(task, completed=now.share, description=text)
        if best and not watched and shown != (now.round, now.best):
            shown = now.round, now.best
            click.echo(text, err=True)

    with bar:
        task = bar.add_task("tune", total=1.0)
        yield move
