"""TLS on both sides, SCRAM and exactly the documented rights: enough to work and to recover."""

from pathlib import Path

import pytest
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

from tests.fixtures.kafka import KafkaCluster
from tests.kafka.feed import produce, random_ticks
from tests.kafka.fleet import Fleet
from tests.kafka.secure_broker import documented_rights, secure_broker
from tests.kafka.tap import Tap, read_topic
from tests.kafka.verdict import verdict

pytestmark = pytest.mark.kafka
PAGE = Path(__file__).parents[2] / "docs" / "security.md"
PASSWORD = "not-in-any-log"


# The one whose turn comes first where certificates are renewed.
WORKER = "w-14"


def test_the_documented_rights_suffice_secrets_stay_secret_and_certificates_are_renewed(
    tmp_path: Path,
) -> None:
    count = 3_000
    with secure_broker(tmp_path, client_auth="required") as broker:
        kafka = KafkaCluster(broker.bootstrap)
        ticks = kafka.create_topic("ticks", partitions=2)
        client = {**broker.add_user("fleet", PASSWORD), **broker.certify("fleet")}
        settings = {"bootstrap_servers": broker.secure_bootstrap, "kafka": client}
        fleet = Fleet(kafka, tmp_path / "fleet", ticks, 2, settings)
        names = {name.replace("_", "-"): topic for name, topic in fleet.topics.items()}
        rights = documented_rights(PAGE.read_text(), {**names, "GROUP": fleet.group})
        broker.grant("fleet", rights)
        tap = Tap(kafka, fleet.topics["predictions"], 2)
        try:
            small = {"max_batch_records": 100, "snapshot_interval_s": 0.3}
            victim = fleet.start(WORKER, fault="before_commit:kill:12", **small)
            produce(kafka, ticks, random_ticks(count, 10, seed=1))
            fleet.wait_for(lambda: not victim.running, 60, "the first worker's death")
            worker = fleet.start(WORKER)
            fleet.wait_for(lambda: tap.count >= count, 60, f"{count} results")

            broker.certify("fleet")
            fleet.wait_for(lambda: fleet.lives(WORKER) == 3, 60, "clients with the new one")
            produce(kafka, ticks, random_ticks(count, 10, seed=2))
            fleet.wait_for(lambda: tap.count >= 2 * count, 60, f"{count} results more")
            assert worker.terminate() == 0
        finally:
            fleet.kill_all()
        tap.close()
        inputs = read_topic(kafka, ticks, 2, 2 * count)
        accepted = {p: [r.offset for r in records] for p, records in inputs.items()}
        report = verdict(accepted, tap.records)
        assert report.holds and report.results == 2 * count, report
        assert PASSWORD not in fleet.logs()

        stranger = AdminClient({"bootstrap.servers": broker.secure_bootstrap, **client})
        with pytest.raises(KafkaException, match=r"AUTHORIZATION_FAILED|authoriz"):
            stranger.delete_topics([ticks])[ticks].result(30)
