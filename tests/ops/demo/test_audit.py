"""The audit catches each way of breaking the promise: take a sound run and damage it once."""

from dataclasses import replace

import pytest

from ops.demo.audit import PartitionTrace, audit

SOUND = PartitionTrace(
    accepted=[0, 1, 2, 5, 6, 9], dead=[3, 4], answered=[0, 1, 2, 5, 6, 9], buried=[4, 3]
)


def test_a_sound_run_holds() -> None:
    report = audit({0: SOUND, 1: SOUND})
    assert report.holds
    assert (report.ticks, report.results) == (12, 12)


@pytest.mark.parametrize(
    ("damage", "finding"),
    [
        ({"answered": [0, 1, 5, 6, 9]}, "missing"),
        ({"buried": [4]}, "missing"),
        ({"answered": [0, 1, 2, 2, 5, 6, 9]}, "repeated"),
        ({"buried": [3, 4, 4]}, "repeated"),
        ({"answered": [0, 1, 2, 3, 5, 6, 9]}, "unexpected"),
        ({"buried": [3, 4, 5]}, "unexpected"),
        ({"answered": [0, 2, 1, 5, 6, 9]}, "out_of_order"),
    ],
)
def test_each_damage_is_found_and_only_it(damage: dict[str, list[int]], finding: str) -> None:
    report = audit({0: SOUND, 1: replace(SOUND, **damage)})
    assert not report.holds
    found = {n for n in ("missing", "repeated", "unexpected", "out_of_order") if getattr(report, n)}
    assert found == {finding}
    assert getattr(report, finding) == 1
