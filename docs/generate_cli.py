"""Write the commands' help into docs/cli.md, from the commands themselves.

Run `python docs/generate_cli.py` after changing a command; a test compares.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import click

from ops.cli import main

__all__ = ["PAGE", "render"]

PAGE = Path(__file__).parent / "cli.md"
_MARKED = re.compile(r"(<!-- commands -->\n).*?(<!-- end -->)", re.DOTALL)


def render(page: str) -> str:
    """The page with the help of every command written anew."""
    text = "\n".join(_sections(main, "tickfleet", None))
    return _MARKED.sub(lambda mark: f"{mark[1]}\n{text}\n{mark[2]}", page)


def _sections(command: click.Command, name: str, parent: click.Context | None) -> Iterator[str]:
    context = click.Context(
        command,
        info_name=name.rpartition(" ")[2],
        parent=parent,
        terminal_width=90,
        **command.context_settings,
    )
    yield f"### {name}\n\n```text\n{command.get_help(context)}\n```\n"
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            assert found is not None
            yield from _sections(found, f"{name} {child}", context)


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
