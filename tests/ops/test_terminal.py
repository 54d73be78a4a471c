"""Whoever writes ticks does not write to the terminal of whoever looks at them."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from ops.cli import main
from ops.cli.doctor import _line
from ops.cli.snapshot.look import _plain
from ops.doctor import Finding
from ops.records import Record, as_text
from ops.terminal import printable
from ops.top import FleetPicture, PartitionPicture, render

EVIL = "\x1b]0;owned\x07\x1b[31m\x9b2J\r\u202eBTC\nETH"
ONE_LINE = EVIL.replace("\n", r"\n")
TAMED = r"\x1b]0;owned\x07\x1b[31m\x9b2J\r\u202eBTC\nETH"


def test_what_a_terminal_would_obey_is_spelled_out() -> None:
    assert printable("Größe €5 日本　語") == "Größe €5 日本　語"
    assert printable(EVIL) == TAMED
    assert printable("a\nb\x1b", lines=True) == "a\nb\\x1b"


def _on_a_terminal(renderable: object) -> str:
    out = io.StringIO()
    Console(file=out, force_terminal=False, width=400).print(renderable)
    return out.getvalue()


def _of_a_key() -> str:
    return _on_a_terminal(as_text(Record("t", 0, 1, 2, EVIL, "Foreign", {"a": 1}, None)))


def _of_a_value() -> str:
    value: dict[str, object] = {"message": EVIL}
    return _on_a_terminal(as_text(Record("t", 0, 1, 2, "k", "DeadLetter", value, None)))


def _of_a_problem() -> str:
    return _on_a_terminal(as_text(Record("t", 0, 1, 2, "k", "", None, EVIL)))


def _of_a_worker() -> str:
    one = PartitionPicture(0, EVIL, 1, 0, 0.0, None, 0)
    return _on_a_terminal(render(FleetPicture("g", "STABLE", (EVIL,), (one,), {})))


def _of_a_flag() -> str:
    return _on_a_terminal(render(FleetPicture("g", "STABLE", (), (), {EVIL: 1})))


def _of_a_finding() -> str:
    return _on_a_terminal(_line(Finding.warning("group", EVIL, "look")))


def _of_an_asset() -> str:
    return _plain([EVIL])


@pytest.mark.parametrize(
    "shown",
    [
        _of_a_key,
        _of_a_value,
        _of_a_problem,
        _of_a_worker,
        _of_a_flag,
        _of_a_finding,
        _of_an_asset,
    ],
)
def test_nothing_of_others_reaches_a_terminal_as_it_is(shown: Callable[[], str]) -> None:
    _is_tame(shown())


def test_neither_does_a_setting_in_an_error(tmp_path: Path) -> None:
    path = tmp_path / "fleet.toml"
    path.write_text(f"{json.dumps(ONE_LINE)} = 1", "utf-8")
    _is_tame(CliRunner().invoke(main, ["worker", "-c", str(path)]).stderr)


def _is_tame(text: str) -> None:
    assert TAMED in text
    assert all(one.isprintable() or one == "\n" for one in text)
