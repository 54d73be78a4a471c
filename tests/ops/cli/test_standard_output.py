"""What becomes of a process that can print no more, and of one whose other pipes break."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

_START: Final = """
import sys
sys.path.append({folder!r})
from ops.cli.group import LazyGroup
LazyGroup("g", commands_at={{"c": ("command_at_work", "")}})(["c"])
"""
_COMMANDS: Final = {
    "echo": "import click\nwork = lambda: [click.echo('{}') for _ in range(9)]\n",
    "one long line": "import click\nwork = lambda: click.echo('x' * 100_000)\n",
    "rich": "from rich.console import Console\nwork = lambda: Console().print('x')\n",
    "unflushed": "work = lambda: print('x')\n",
}
_COMMAND: Final = "\nimport click\ncommand = click.Command('c', callback=work)\n"


def _begun(folder: Path, work: str, stdout: int) -> tuple[int, str]:
    (folder / "command_at_work.py").write_text(work + _COMMAND, "utf-8")
    script = _START.format(folder=str(folder))
    ran = subprocess.run(
        [sys.executable, "-c", script],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
        env={**os.environ, "PYTHONUNBUFFERED": ""},
    )
    return ran.returncode, ran.stderr


@pytest.mark.parametrize("how", _COMMANDS)
def test_a_reader_that_has_all_it_wanted_is_no_failure(tmp_path: Path, how: str) -> None:
    read, write = os.pipe()
    os.close(read)
    assert _begun(tmp_path, _COMMANDS[how], write) == (0, "")
    os.close(write)


@pytest.mark.parametrize(
    ("end", "code", "said"),
    [
        ("click.get_current_context().exit(1)", 1, ""),
        ("raise FatalError('bad')", 2, "error: bad\n"),
    ],
)
def test_a_command_that_failed_fails_whoever_reads(
    tmp_path: Path, end: str, code: int, said: str
) -> None:
    imports = "import click\nfrom core.errors import FatalError\n"
    work = f"{imports}def work():\n    print('x')\n    {end}\n"
    read, write = os.pipe()
    os.close(read)
    assert _begun(tmp_path, work, write) == (code, said)
    os.close(write)


@pytest.mark.parametrize("how", _COMMANDS)
def test_a_full_device_is_one_line(tmp_path: Path, how: str) -> None:
    with Path("/dev/full").open("w") as full:
        ran = _begun(tmp_path, _COMMANDS[how], full.fileno())
    assert ran == (1, "error: standard output: No space left on device\n")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_what_click_prints_by_itself_is_heeded(unbuffered: str) -> None:
    with Path("/dev/full").open("w") as full:
        ran = subprocess.run(
            [sys.executable, "-m", "ops.cli", "--version"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        )
    assert (ran.returncode, ran.stderr.count("\n")) == (1, 1)


def test_a_pipe_that_is_not_standard_output_is_a_failure(tmp_path: Path) -> None:
    work = """
import os
def work():
    read, write = os.pipe()
    os.close(read)
    os.write(write, b"x")
"""
    code, said = _begun(tmp_path, work, subprocess.DEVNULL)
    assert code == 1
    assert "Broken pipe" in said


@pytest.mark.parametrize("raised", ["MemoryError", 'RuntimeError("can\'t start new thread")'])
def test_want_of_memory_is_one_line(tmp_path: Path, raised: str) -> None:
    code, said = _begun(tmp_path, f"def work():\n    raise {raised}\n", subprocess.DEVNULL)
    assert (code, said.count("\n")) == (1, 1)
    assert said.startswith("error: memory or threads have run out")
