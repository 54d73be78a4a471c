"""Filters of `tail` that could never admit a record are refused instead of waited for."""

import pytest
from click.testing import CliRunner

from ops.cli import main
from ops.cli.tail import _MODES
from schemas.contracts import contract
from tests.ops.cli.parsing import parse


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--flag", "nonsense"], "'nonsense' is not one of 'sinkhorn_converged'"),
        (["--mode", "nonsense"], "'nonsense' is not one of 'Standard'"),
        (["dead_letters", "--error-class", "Nope"], "'Nope' is not one of"),
        (["-p", "-1"], "-1 is not in the range"),
        (["flags", "--severity", "critical", "--mode", "Robust"], "--mode is for predictions"),
        (["--type", "EmergencyMode"], "--type is for flags, not for predictions"),
        (["ticks", "--error-class", "NullKey"], "--error-class is for dead_letters, not for ticks"),
        (["journal", "--asset", "ES"], "not for journal"),
    ],
)
def test_what_no_record_can_meet_is_refused(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(main, ["tail", *arguments])
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    "line",
    [
        "tail --flag emergency_mode --flag warming_up --mode Robust --asset ES -p 3",
        "tail flags --type EmergencyMode --state raised --severity critical --asset ES",
        "tail dead_letters --error-class NullKey --asset ES",
        "tail journal -p 0",
    ],
)
def test_what_records_can_meet_is_taken(line: str) -> None:
    parse(line)


def test_modes_are_named_as_in_the_contract() -> None:
    [mode] = [one for one in contract("PredictionResult").fields if one["name"] == "mode"]
    assert mode["type"]["symbols"] == _MODES
