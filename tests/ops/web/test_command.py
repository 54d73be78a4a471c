"""`tickfleet web` refuses before it opens anything."""

import socket
import sys
from pathlib import Path

import pytest

from ops.web import is_loopback
from tests.ops.cli.operated import run

SETTINGS = 'bootstrap_servers = "127.0.0.1:1"\nsnapshot_url = "file:///unused"\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "fleet.toml"
    path.write_text(SETTINGS, "utf-8")
    return path


def test_listening_beyond_this_machine_must_be_meant(config: Path) -> None:
    name = ("--name", "desk.example.com")
    refused = run("web", "-c", config, *name, "--host", "0.0.0.0", code=2)
    assert "--allow-remote" in refused.stderr


def test_without_the_extra_it_says_which(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ops.web", None)
    refused = run("web", "-c", config, code=2)
    assert "pip install 'tickfleet[web]'" in refused.stderr


def test_a_port_in_use_is_named(config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = run("web", "-c", config, "--port", str(port), code=2)
    assert f"127.0.0.1:{port}" in refused.stderr and "--port" in refused.stderr


def test_loopback_is_told_from_the_rest() -> None:
    assert all(map(is_loopback, ("localhost", "127.0.0.1", "127.8.9.1", "::1")))
    assert not any(map(is_loopback, ("0.0.0.0", "::", "10.0.0.1", "desk.example", "")))
