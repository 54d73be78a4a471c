"""docs/cli.md says what the commands say, and shells complete them."""

import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete

from ops.cli import main

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "cli.md").read_text("utf-8")


def test_the_help_on_the_page_is_the_commands_own() -> None:
    generator = runpy.run_path(str(DOCS / "generate_cli.py"))
    assert generator["render"](PAGE) == PAGE, "run python docs/generate_cli.py"


def _commands(group: click.Group, path: str) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        yield f"{path} {name}", command
        if isinstance(command, click.Group):
            yield from _commands(command, f"{path} {name}")


def test_every_command_and_every_option_is_explained() -> None:
    found = dict(_commands(main, "tickfleet"))
    assert len(found) > 25
    for path, command in found.items():
        assert command.help, path
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.help, f"{path} {option.opts}"


def test_the_exit_codes_are_in_the_help() -> None:
    assert "Exit codes: 0 done; 1" in (main.help or "")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["to"], {"topics", "top"}),
        (["snapshot", "re"], {"restore"}),
        (["topics", "create", "--rep"], {"--replicas"}),
        (["tail", "fl"], {"flags"}),
    ],
)
def test_completion_knows_commands_options_and_choices(typed: list[str], offered: set[str]) -> None:
    completion = ShellComplete(main, {}, "tickfleet", "_TICKFLEET_COMPLETE")
    found = completion.get_completions(typed[:-1], typed[-1])
    assert {one.value for one in found} == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shells_get_their_script(shell: str) -> None:
    script = "from ops.cli import main; main(prog_name='tickfleet')"
    shown = subprocess.run(
        [sys.executable, "-c", script],
        env={"_TICKFLEET_COMPLETE": f"{shell}_source", "PATH": "/usr/bin:/bin"},
        cwd=DOCS.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert f"_TICKFLEET_COMPLETE={shell}_complete" in shown.stdout, shown.stderr
    assert f"{shell}_source tickfleet" in PAGE
