"""Imports point one way: ops -> workers -> {snapshots, schemas} -> core (design §2)."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent
_ROOMS = ("core", "schemas", "snapshots", "workers", "ops")


def _lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    command = "from importlinter.cli import lint_imports_command; lint_imports_command()"
    return subprocess.run(
        [
            sys.executable,
            "-P",
            "-c",
            command,
            "--config",
            str(_ROOT / "pyproject.toml"),
            "--no-cache",
        ],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_rooms_keep_the_contract() -> None:
    result = _lint_imports(_ROOT)
    assert result.returncode == 0, result.stdout
    assert "1 kept, 0 broken" in result.stdout


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("core", "schemas"),
        ("core", "ops"),
        ("schemas", "snapshots"),
        ("snapshots", "schemas"),
        ("snapshots", "workers"),
        ("workers", "ops"),
    ],
)
def test_the_contract_catches_a_wrong_import(tmp_path: Path, importer: str, imported: str) -> None:
    for room in _ROOMS:
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").touch()
    (tmp_path / importer / "wrong.py").write_text(f"import {imported}\n", "utf-8")
    result = _lint_imports(tmp_path)
    assert result.returncode != 0
    assert f"{importer}.wrong -> {imported}" in result.stdout
