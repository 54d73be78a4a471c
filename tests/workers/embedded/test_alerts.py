"""Alerts from two successive results: edges, events of one tick, and how loud they are."""

import numpy as np
import pytest
from structlog.testing import capture_logs

from core import OUTPUT_ROWS, Flag, Output, PredictionResult
from workers.embedded.alerts import Alert, alerts, log_alert

EMERGENCY, COLLAPSE = Flag.EMERGENCY_MODE, Flag.MODE_COLLAPSE_WARNING
REGIME, STALE = Flag.REGIME_CHANGE_DETECTED, Flag.DEGRADED_INFERENCE_MODE


def result(flags: Flag) -> PredictionResult:
    column = np.zeros(OUTPUT_ROWS)
    column[Output.FLAGS] = float(flags)
    return PredictionResult.from_column(column)


def told(before: Flag | None, after: Flag) -> list[Alert]:
    old = None if before is None else result(before)
    return list(alerts(old, result(after), asset_id="A", timestamp_ns=7))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, EMERGENCY, ["EmergencyMode raised"]),
        (EMERGENCY, EMERGENCY, []),
        (EMERGENCY, Flag(0), ["EmergencyMode cleared"]),
        (Flag(0), REGIME, ["RegimeChangeDetected instant"]),
        (REGIME, REGIME, ["RegimeChangeDetected instant"]),
        (REGIME, Flag(0), []),
        (Flag(0), STALE, ["DegradedInferenceMode raised", "StalenessWarning instant"]),
        (STALE, Flag(0), ["DegradedInferenceMode cleared", "NormalOperationRestored instant"]),
        (Flag(0), COLLAPSE, ["ModeCollapseWarning raised", "ModeDegradationAlert instant"]),
        (COLLAPSE, COLLAPSE | EMERGENCY, ["EmergencyMode raised"]),
        (COLLAPSE, Flag(0), ["ModeCollapseWarning cleared"]),
    ],
)
def test_what_changed_is_told_once(before: Flag | None, after: Flag, expected: list[str]) -> None:
    assert [f"{one.type.value} {one.state.value}" for one in told(before, after)] == expected


def test_the_rise_is_as_loud_as_its_severity_and_the_end_is_information() -> None:
    with capture_logs() as logs:
        for alert in (*told(Flag(0), EMERGENCY), *told(EMERGENCY, Flag(0))):
            log_alert(alert)
    assert [(one["state"], one["log_level"]) for one in logs] == [
        ("raised", "critical"),
        ("cleared", "info"),
    ]
