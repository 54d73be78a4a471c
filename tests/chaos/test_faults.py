"""Faults that meet a worker which an earlier fault has taken leave the run alone. No Kafka."""

from types import SimpleNamespace
from typing import cast

import pytest

from tests.chaos.faults import Fault, KillWorker, PauseWorker, RetireWorker
from tests.chaos.stage import Stage


@pytest.mark.parametrize(
    "fault", [KillWorker(0.0, "w-1"), PauseWorker(0.0, "w-1", 1.0), RetireWorker(0.0, "w-1")]
)
def test_a_worker_that_is_away_already_is_left_alone(fault: Fault) -> None:
    notes: list[str] = []
    fault.strike(cast(Stage, SimpleNamespace(workers={}, note=notes.append)))
    assert notes == ["w-1 is away already"]
