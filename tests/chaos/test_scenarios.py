"""Every scenario of the short catalogue holds, on Apache Kafka."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.chaos.catalogue import SHORT
from tests.chaos.runner import play
from tests.chaos.scenario import Scenario
from tests.chaos.small_disk import NoDiskError
from tests.chaos.staging import staged
from tests.fixtures.kafka import KafkaCluster

pytestmark = [pytest.mark.kafka, pytest.mark.s3, pytest.mark.timeout(300)]


@pytest.mark.parametrize("scenario", SHORT, ids=lambda s: s.name)
def test_a_scenario_holds(
    scenario: Scenario,
    request: pytest.FixtureRequest,
    tmp_path: Path,
    s3_endpoint: str,
    bucket: str,
) -> None:
    shared: KafkaCluster | None = None if scenario.own_brokers else request.getfixturevalue("kafka")
    s3 = {"endpoint": s3_endpoint, "bucket": bucket}
    with ExitStack() as stack:
        try:
            stage = stack.enter_context(staged(scenario, tmp_path, kafka=shared, s3=s3))
        except NoDiskError as error:
            pytest.skip(str(error))
        outcome = play(scenario, stage)
        assert outcome.verdict.ticks > 0
        assert stage.proxy is None or stage.proxy.lost == 6
        assert outcome.verdict.holds, f"{outcome.verdict}\n{outcome.log}\n{stage.fleet.log_ends()}"
