"""Every scenario of the short catalogue holds, on Apache Kafka."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from ops.local import LocalKafka
from snapshots import StoreOptions
from tests.chaos.catalogue import SHORT
from tests.chaos.runner import play
from tests.chaos.scenario import Scenario
from tests.chaos.stage import Stage
from tests.fixtures.kafka import KafkaCluster
from tests.kafka.fleet import Fleet
from tests.snapshots.faulty_proxy import faulty_proxy

pytestmark = [pytest.mark.kafka, pytest.mark.timeout(300)]


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.s3
@pytest.mark.parametrize("scenario", SHORT, ids=lambda s: s.name)
def test_a_scenario_holds(
    scenario: Scenario,
    request: pytest.FixtureRequest,
    stack: ExitStack,
    tmp_path: Path,
    s3_endpoint: str,
    bucket: str,
) -> None:
    brokers: dict[int, LocalKafka] = {}
    if scenario.own_brokers:
        brokers = {1: stack.enter_context(LocalKafka(tmp_path / "kafka"))}
        kafka = KafkaCluster(brokers[1].bootstrap)
    else:
        kafka = request.getfixturevalue("kafka")
    settings: dict[str, Any] = dict(scenario.settings)
    plan = None
    if scenario.s3:
        url, plan = stack.enter_context(faulty_proxy(s3_endpoint))
        options = StoreOptions(endpoint_url=url, region="us-east-1", addressing_style="path")
        settings |= {"snapshot_url": f"s3://{bucket}/fleet", "store_options": asdict(options)}
    ticks = kafka.create_topic("ticks", partitions=scenario.partitions)
    fleet = Fleet(kafka, tmp_path / "fleet", ticks, scenario.partitions, settings)
    stack.callback(fleet.kill_all)
    outcome = play(scenario, Stage(kafka, fleet, brokers=brokers, store=plan))
    assert outcome.verdict.ticks > 0
    assert outcome.verdict.holds, f"{outcome.verdict}\n{outcome.log}\n{fleet.log_ends()}"
