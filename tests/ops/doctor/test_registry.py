"""The doctor and a real schema registry."""

import json

import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.schema_registry import Schema

from ops.doctor import Status
from ops.doctor.registry import check_registry
from ops.doctor.site import Site
from schemas import registry_client
from schemas.contracts import contract
from tests.fixtures.kafka import unique_name
from workers.config import Topics, WorkerConfig


def _site(url: str | None, predictions: str = "predictions") -> Site:
    config = WorkerConfig(
        bootstrap_servers="127.0.0.1:1",
        group_id="g",
        worker_id="w",
        snapshot_url="file:///unused",
        topics=Topics(predictions=predictions),
        schema_registry_url=url,
    )
    return Site(config, AdminClient({"bootstrap.servers": "127.0.0.1:1", "log_level": 0}))


@pytest.mark.registry
def test_another_schema_under_our_subject_is_named(registry_url: str) -> None:
    topic = unique_name("predictions")
    subject = f"{topic}-value"
    with registry_client(registry_url) as client:
        client.register_schema(subject, Schema(contract("PredictionResult").text, "AVRO"))
        [finding] = check_registry(_site(registry_url, topic))
        assert finding.status is Status.OK
        client.delete_subject(subject)
        foreign = {"type": "record", "name": "Foreign", "fields": [{"name": "a", "type": "int"}]}
        client.register_schema(subject, Schema(json.dumps(foreign), "AVRO"))
        client.set_compatibility(subject, level="BACKWARD")
        [finding] = check_registry(_site(registry_url, topic))
    assert finding.status is Status.FAILED
    assert subject in finding.message


def test_a_registry_that_does_not_answer_is_a_failure_and_none_is_not() -> None:
    [finding] = check_registry(_site("http://127.0.0.1:1"))
    assert finding.status is Status.FAILED
    assert "schema_registry_url" in finding.remedy
    [finding] = check_registry(_site(None))
    assert finding.status is Status.SKIPPED
