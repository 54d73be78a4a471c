"""The command line: help without JAX, errors in one line, exit codes."""

import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from ops.cli import main


def test_help_lists_every_command_without_loading_jax() -> None:
    script = (
        "import sys\nfrom ops.cli import main\n"
        "main(['--help'], standalone_mode=False)\nprint('jax' in sys.modules)"
    )
    out = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    ).stdout
    for name in ("worker", "topics", "produce", "consume", "local"):
        assert f"  {name} " in out
    assert out.endswith("False\n")


@pytest.mark.parametrize(
    "arguments",
    [["worker"], ["topics", "create"], ["topics", "ls"], ["produce"], ["consume"], ["local", "up"]],
)
def test_every_command_has_help(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, [*arguments, "--help"])
    assert result.exit_code == 0
    assert result.output.startswith("Usage: ")


def test_an_unknown_command_is_refused() -> None:
    assert CliRunner().invoke(main, ["trade"]).exit_code == 2


def test_a_wrong_setting_is_one_line_and_exit_code_2(tmp_path: Path) -> None:
    path = tmp_path / "tickfleet.toml"
    path.write_text('bootstrap_servers = "x"\nsnapshot_url = "file:///s"\ngroup = "g"\n', "utf-8")
    result = CliRunner().invoke(main, ["worker", "--config", str(path)])
    assert result.exit_code == 2
    assert result.stderr == f"error: {path}: group is unknown: did you mean group_id?\n"


def test_no_broker_is_exit_code_1() -> None:
    result = CliRunner().invoke(
        main,
        ["topics", "ls", "--bootstrap", "127.0.0.1:1"],
        env={"TICKFLEET_CLIENT_TIMEOUT_S": "1"},
    )
    assert result.exit_code == 1
    assert result.stderr.startswith("error: no answer from 127.0.0.1:1")
    assert result.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    [
        "topics ls",
        "consume",
        "tail flags",
        "top --once",
        "web --port 0",
        "doctor",
        "produce --synthetic 1",
        "export --file x.parquet",
        "backtest --topic ticks --out x",
        "replay-dead-letters --dry-run",
        "snapshot gc",
        "worker",
    ],
)
def test_an_option_that_the_kafka_client_refuses_is_named(command: str, tmp_path: Path) -> None:
    environment = {
        "TICKFLEET_BOOTSTRAP_SERVERS": "127.0.0.1:1",
        "TICKFLEET_SNAPSHOT_URL": tmp_path.as_uri(),
        "TICKFLEET_KAFKA__SECURITY__PROTOCOL": "SASL",
    }
    (tmp_path / ".tmp").mkdir()
    result = CliRunner().invoke(main, command.split(), env=environment)
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith("error: TICKFLEET_KAFKA__SECURITY__PROTOCOL: librdkafka refus")
    assert '"security.protocol"' in result.stderr


def test_print_config_masks_and_does_not_start() -> None:
    environment = {
        "TICKFLEET_BOOTSTRAP_SERVERS": "broker:9092",
        "TICKFLEET_SNAPSHOT_URL": "file:///s",
        "TICKFLEET_KAFKA__SASL__PASSWORD": "hunter2",
    }
    result = CliRunner().invoke(main, ["worker", "--print-config"], env=environment)
    assert result.exit_code == 0
    assert 'bootstrap_servers = "broker:9092"' in result.output
    assert "hunter2" not in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "either --file or --synthetic"),
        (["--file", __file__, "--synthetic", "3"], "either --file or --synthetic"),
        (["--synthetic", "3", "--rate", "fast"], "neither max, real nor a positive number"),
        (["--synthetic", "3", "--rate", "-1"], "neither max, real nor a positive number"),
        (["--file", "no-such-file.csv"], "does not exist"),
    ],
)
def test_wrong_arguments_of_produce_are_explained(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(main, ["produce", *arguments])
    assert result.exit_code == 2
    assert message in result.stderr
