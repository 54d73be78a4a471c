"""`tickfleet local`: services outlive the command, are found again, and are ended cleanly."""

import os
from pathlib import Path

import boto3
import pytest
from confluent_kafka.admin import AdminClient

from ops.local import LocalS3, cache, stack
from ops.local.artifacts import kafka_home, kafka_jars


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache that borrows the real one's jars."""
    kafka_jars()
    real = kafka_home()
    monkeypatch.setenv("TICKFLEET_CACHE_DIR", str(tmp_path / "cache"))
    (cache.cache_dir() / real.name).symlink_to(real)
    return tmp_path


@pytest.mark.kafka
@pytest.mark.s3
@pytest.mark.usefixtures("own_cache")
def test_up_is_idempotent_and_down_ends_every_process() -> None:
    try:
        first = stack.up(s3=True)
        assert {service.name for service in first} == {"kafka", "s3"}
        assert stack.up(s3=True) == first == stack.status()
        admin = AdminClient({"bootstrap.servers": first[0].address, "log_level": 0})
        assert admin.list_topics(timeout=10).brokers
        del admin
    finally:
        stopped = stack.down(purge=True)
    assert stopped == first
    assert not any(service.running for service in first)
    assert stack.status() == []
    assert stack.down() == []


def test_a_recycled_process_id_is_not_ours() -> None:
    other = stack.Service("kafka", "127.0.0.1:1", os.getpid(), "/no/such/broker.properties", "")
    assert not other.running


@pytest.mark.s3
def test_the_s3_endpoint_stores_objects(tmp_path: Path) -> None:
    with LocalS3(tmp_path / "s3.log") as server:
        server.create_bucket("bucket")
        client = boto3.client(
            "s3",
            endpoint_url=server.endpoint,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        client.put_object(Bucket="bucket", Key="k", Body=b"value")
        assert client.get_object(Bucket="bucket", Key="k")["Body"].read() == b"value"
        client.close()
    assert server.pid is None
