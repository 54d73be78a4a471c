"""Whether what a page tells people to type is something that our commands take."""

import shlex

import click

from ops.cli import main

__all__ = ["parse"]


def parse(line: str) -> click.Context:
    """What the arguments of `tickfleet` say, without running anything; raises what click raises."""
    context = click.Context(main, info_name="tickfleet", **main.context_settings)
    command: click.Command = main
    words = shlex.split(line)
    while isinstance(command, click.Group):
        found = command.get_command(context, words[0])
        assert found is not None, line
        command, name, words = found, words[0], words[1:]
        if isinstance(command, click.Group):
            context = click.Context(command, info_name=name, parent=context)
    # With its parent: a command remembers the help option of the first context that it sees.
    return command.make_context(name, words, parent=context)
