"""The group of commands, in the order in which they are listed."""

import click

from ops.cli.snapshot.copy import copy
from ops.cli.snapshot.dumps import dumps
from ops.cli.snapshot.gc import gc
from ops.cli.snapshot.look import diff, ls, show, verify
from ops.cli.snapshot.restore import restore

__all__ = ["command"]


@click.group("snapshot")
def command() -> None:
    """The snapshots of a group, in its store.

    REF is `newest`, an offset, or the beginning of a digest. A new worker does not need these
    commands: recovery finds its snapshot by itself.
    """


for _one in (ls, show, verify, diff, gc, restore, copy, dumps):
    command.add_command(_one)
