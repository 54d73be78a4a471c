"""Fleets for tests, killed at the end whatever happened."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.fixtures.kafka import KafkaCluster
from tests.kafka.fleet import Fleet

__all__ = ["MakeFleet", "make_fleet"]

MakeFleet: TypeAlias = Callable[..., Fleet]


@pytest.fixture
def make_fleet(kafka: KafkaCluster, tmp_path: Path) -> Iterator[MakeFleet]:
    """Makes fleets: name, ticks topic, partitions, and `WorkerConfig` fields by keyword."""
    fleets: list[Fleet] = []

    def make(name: str, ticks: str, partitions: int, **settings: Any) -> Fleet:
        fleets.append(Fleet(kafka, tmp_path / name, ticks, partitions, settings))
        return fleets[-1]

    yield make
    for fleet in fleets:
        fleet.kill_all()
