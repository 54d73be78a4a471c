"""Signals that come while a command is imported, and to the first process of a container."""

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pytest

_USUAL: Final = "signal.default_int_handler"
_START: Final = """
import signal, sys
sys.path.append({folder!r})
from ops.cli.group import LazyGroup
signal.signal(signal.SIGINT, {sigint})
LazyGroup("g", commands_at={{"c": ("slow_command", "")}})(["c"])
"""
_IMPORTS: Final = "import os, signal\nimport click\n"
# What is raised within an extension's initialisation may be swallowed like this.
_SIGNALLED_AMID_IMPORTS: Final = """
try:
    os.kill(os.getpid(), signal.{name})
    [None for _ in range(1000)]
except BaseException:
    pass
command = click.Command("c", callback=lambda: print("still here"))
"""
_SIGNALLED_AT_WORK: Final = """
command = click.Command("c", callback=lambda: os.kill(os.getpid(), signal.{name}))
"""

_SIGNALLED_WHERE_NOTHING_IS_RAISED = """
import gc, time

def collected(*_):
    gc.callbacks.clear()
    os.kill(os.getpid(), signal.SIGINT)

def work():
    gc.callbacks.append(collected)
    gc.collect()
    time.sleep(60)
    print("still here")

command = click.Command("c", callback=work)
"""


def _ran(
    folder: Path, command: str, *, sigint: str = _USUAL, within: Sequence[str] = ()
) -> tuple[int, str, str]:
    """A process that signals itself: its status, and what it said."""
    (folder / "slow_command.py").write_text(_IMPORTS + command, "utf-8")
    script = _START.format(folder=str(folder), sigint=sigint)
    called = [*within, sys.executable, "-c", script]
    ran = subprocess.run(called, capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout.strip(), ran.stderr.strip()


def test_an_interrupt_amid_imports_ends_the_process_at_once(tmp_path: Path) -> None:
    ran = _ran(tmp_path, _SIGNALLED_AMID_IMPORTS.format(name="SIGINT"))
    assert ran == (128 + signal.SIGINT, "", "")


def test_an_interrupt_amid_the_first_import_of_all_ends_the_process_as_well(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    script = f"""
import signal, sys
signal.signal(signal.SIGINT, {_USUAL})
sys.path.insert(0, {str(tmp_path)!r})
import ops.cli
"""
    called = [sys.executable, "-c", script]
    ran = subprocess.run(called, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (128 + signal.SIGINT, "", "")


@pytest.mark.parametrize("sigint", ["signal.SIG_IGN", "lambda *_: None"])
def test_an_interrupt_that_is_in_other_hands_stays_there(tmp_path: Path, sigint: str) -> None:
    ran = _ran(tmp_path, _SIGNALLED_AMID_IMPORTS.format(name="SIGINT"), sigint=sigint)
    assert ran == (0, "still here", "")


def test_an_imported_command_is_interrupted_as_usual(tmp_path: Path) -> None:
    ran = _ran(tmp_path, _SIGNALLED_AT_WORK.format(name="SIGINT"))
    assert ran == (128 + signal.SIGINT, "", "")


def test_an_interrupt_amid_the_collection_of_garbage_is_not_lost(tmp_path: Path) -> None:
    begun_s = time.monotonic()
    assert _ran(tmp_path, _SIGNALLED_WHERE_NOTHING_IS_RAISED) == (128 + signal.SIGINT, "", "")
    assert time.monotonic() - begun_s < 50.0, "what waited was not woken"


@pytest.mark.parametrize("command", [_SIGNALLED_AMID_IMPORTS, _SIGNALLED_AT_WORK])
def test_the_first_process_of_a_container_ends_by_sigterm(tmp_path: Path, command: str) -> None:
    """Whoever stops a container sends it nothing else for the whole grace period."""
    within = ["unshare", "--pid", "--fork", "--map-root-user"]
    if not shutil.which(within[0]) or subprocess.run([*within, "true"], check=False).returncode:
        pytest.skip("this machine makes no process the first of a namespace")
    ran = _ran(tmp_path, command.format(name="SIGTERM"), within=within)
    assert ran == (128 + signal.SIGTERM, "", "")
