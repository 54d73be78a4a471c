"""Decoded records on standard output, until Ctrl-C."""

import itertools
from collections.abc import Iterable

import click
from rich.console import Console

from ops.records import Record, as_json, as_text

__all__ = ["show"]


def show(records: Iterable[Record], *, limit: int | None, as_lines: bool) -> None:
    """Print records as they come.

    Args:
        records: may wait for ever; Ctrl-C ends it.
        limit: stop after so many.
        as_lines: one JSON object a line, instead of text for people.
    """
    console = Console(soft_wrap=True, highlight=False)
    try:
        for record in itertools.islice(records, limit):
            if as_lines:
                click.echo(as_json(record))
            else:
                console.print(as_text(record))
    except KeyboardInterrupt:
        return
