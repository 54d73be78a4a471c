"""A small fleet, and its settings as the operator's commands read them."""

import json
from pathlib import Path

from click.testing import CliRunner, Result

from ops.cli import main
from tests.kafka.fleet import Fleet

__all__ = ["run", "settings_file"]


def settings_file(fleet: Fleet, path: Path, *, extra: str = "", **changed: str) -> Path:
    """The fleet's configuration as TOML; `changed` replaces top-level texts."""
    values = json.loads(fleet.config_json("operator"))
    values |= changed
    tables = {name: value for name, value in values.items() if isinstance(value, dict)}
    lines = [f"{name} = {json.dumps(values[name])}" for name in values.keys() - tables.keys()]
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {json.dumps(value)}" for key, value in table.items())]
    lines.append(extra)
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def run(*arguments: str | Path, code: int = 0) -> Result:
    """Run a command and check its exit code."""
    result = CliRunner().invoke(main, [str(one) for one in arguments], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result
