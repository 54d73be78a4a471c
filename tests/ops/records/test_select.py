"""A selection admits what meets every condition."""

import pytest

from ops.records import Record, Selection

RECORD = Record(
    topic="predictions",
    partition=2,
    offset=7,
    timestamp_ms=0,
    key="ES",
    kind="PredictionResult",
    value={"asset_id": "ES", "mode": "Robust", "emergency_mode": False, "warming_up": True},
)


@pytest.mark.parametrize(
    ("wanted", "admitted"),
    [
        (Selection(), True),
        (Selection(assets=("ES", "NQ")), True),
        (Selection(assets=("NQ",)), False),
        (Selection(flags=("warming_up", "emergency_mode")), True),
        (Selection(flags=("emergency_mode",)), False),
        (Selection(equal={"mode": ("Robust", "Emergency"), "type": ()}), True),
        (Selection(equal={"mode": ("Emergency",)}), False),
        (Selection(assets=("ES",), equal={"type": ("EmergencyMode",)}), False),
    ],
)
def test_conditions_are_joined_by_and(wanted: Selection, *, admitted: bool) -> None:
    assert wanted.admits(RECORD) is admitted


def test_a_record_that_cannot_be_decoded_is_found_by_its_key_alone() -> None:
    damaged = Record("ticks", 0, 1, 0, "ES", None, None, "damaged")
    assert Selection(assets=("ES",)).admits(damaged)
    assert not Selection(flags=("warming_up",)).admits(damaged)
