"""The command group: loads a command when it is used, and turns our errors into one line.

Loading late keeps `--help` from waiting for JAX. Exit codes: 0 done, 1 failed for now (the
same may succeed later), 2 something must be changed first: a setting, an argument, a topic; 130
interrupted, which a caller that tries again after a 1 must be able to tell.
"""

import importlib
import signal
from collections.abc import Mapping
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from ops.cli.leaving import heed_sigterm, interrupted_at_once, no_interrupt_lost
from ops.cli.standard_output import standard_output
from ops.terminal import printable

__all__ = ["LazyGroup"]

_NO_THREAD: Final = "can't start new thread"
"""Python's words; they have no type of their own."""


class LazyGroup(click.Group):
    """A group whose commands are named by where they are.

    Args:
        commands_at: command name -> (module, its one-line help). The module has the command
            under the name `command`.
    """

    def __init__(
        self, *args: Any, commands_at: Mapping[str, tuple[str, str]], **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self._commands_at = dict(commands_at)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run as a process's command line."""
        heed_sigterm()
        with standard_output(), no_interrupt_lost():
            return super().main(*args, **kwargs)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Names in the order of the mapping."""
        return list(self._commands_at)

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002
        cmd_name: str,
    ) -> click.Command | None:
        """Import the command's module; None for an unknown name."""
        if cmd_name not in self._commands_at:
            return None
        with interrupted_at_once():
            module = importlib.import_module(self._commands_at[cmd_name][0])
        command: click.Command = module.command
        return command

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002
        formatter: click.HelpFormatter,
    ) -> None:
        """List the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in self._commands_at.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Complete command names without importing the commands."""
        names = [
            CompletionItem(name, help=text)
            for name, (_, text) in self._commands_at.items()
            if name.startswith(incomplete)
        ]
        # Past this class's own, which would import every command to ask whether it is hidden.
        return names + click.Command.shell_complete(self, ctx, incomplete)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; an error of ours is a line on standard error and an exit code."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            # Not standard output's. click takes any for that, and would end without a word.
            raise RuntimeError("what this process wrote to is gone") from error
        except KeyboardInterrupt:
            ctx.exit(128 + signal.SIGINT)
        except Exception as error:
            if isinstance(error, MemoryError) or str(error) == _NO_THREAD:
                _say("memory or threads have run out: give the process more (ulimit -v, -u)")
                ctx.exit(1)
            from core.errors import FatalError, TickFleetError  # noqa: PLC0415  (loads JAX)

            if not isinstance(error, TickFleetError):
                raise
            _say(printable(str(error), lines=True))
            ctx.exit(2 if isinstance(error, FatalError) else 1)


def _say(error: str) -> None:
    click.echo(f"error: {error}", err=True)
