"""Standard output that tells its own failure from that of any other pipe or file.

Python raises the same `BrokenPipeError` for a reader that has all it wanted, which is no failure,
and for a process of ours that was killed, which is one.
"""

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import click

__all__ = ["standard_output"]


class _StandardOutputError(BaseException):
    """Ends the command as an interrupt does: whoever handles errors, as rich does, lets it pass."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"standard output: {error.strerror}")
        self.unread = isinstance(error, BrokenPipeError)


class _Descriptor(io.FileIO):
    def write(self, data: Any, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise _StandardOutputError(error) from error


@contextmanager
def standard_output() -> Iterator[None]:
    """Within, a process ends well once nobody reads what it prints (head, less).

    Any other failure of standard output, such as a full disk, is a line on standard error and exit
    code 1. A command that has failed keeps its own exit code. Where somebody else has replaced
    standard output, or it is closed, nothing is done.
    """
    before = sys.stdout
    if not isinstance(before, io.TextIOWrapper) or before is not sys.__stdout__:
        yield
        return
    before.flush()
    descriptor = _Descriptor(before.fileno(), "w", closefd=False)
    sys.stdout = io.TextIOWrapper(
        io.BufferedWriter(descriptor),
        encoding=before.encoding,
        errors=before.errors,
        line_buffering=before.line_buffering or before.write_through,
    )
    code: object = None
    try:
        try:
            yield
        except SystemExit as leaving:
            code = leaving.code
            raise
        finally:
            sys.stdout.flush()
    except _StandardOutputError as error:
        # Nor does what is still in the buffer find a place.
        os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor.fileno())
        if code:
            sys.exit(cast("int", code))
        if error.unread:
            sys.exit(0)
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
