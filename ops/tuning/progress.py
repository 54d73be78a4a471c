"""How far a search is: a bar with the time left; without a terminal a line for each new best."""

import math
import sys
from typing import Self

import click
from rich.console import Console
from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from workers.tuning import Progress

__all__ = ["SearchBar"]


class SearchBar:
    """A context; shown between its begin and its end."""

    def __init__(self) -> None:
        self._watched = sys.stderr.isatty()
        self._bar = Bar(
            TextColumn("{task.description}"),
            BarColumn(),
            TaskProgressColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not self._watched,
        )
        self._task = self._bar.add_task("tune", total=1.0)
        self._shown: tuple[int, float] | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def read(self, ticks: int, share: float) -> None:
        """So many ticks of a topic were read, this share of them."""
        text = f"{ticks:,} ticks read"
        if share >= 1.0:
            self._bar.reset(self._task, description=text)
        else:
            self._bar.update(self._task, completed=share, description=text)

    def move(self, now: Progress) -> None:
        """The search is here."""
        best = "" if math.isnan(now.best) else f", best skill {now.best:+.5f}"
        text = f"round {now.round + 1} of {now.rounds}, {now.trials} trials{best}"
        self._bar.update(self._task, completed=now.share, description=text)
        if best and not self._watched and self._shown != (now.round, now.best):
            self._shown = now.round, now.best
            click.echo(text, err=True)
