"""`tickfleet snapshot`: look at snapshots, check, compare, remove, copy, go back to one."""

from ops.cli.snapshot.command import command

__all__ = ["command"]
