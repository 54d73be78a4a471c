"""`tickfleet local`: services outlive the command, are found again, and are ended cleanly."""

import json
import os
import re
from pathlib import Path
from typing import Any

import boto3
import psutil
import pytest
from confluent_kafka.admin import AdminClient
from confluent_kafka.schema_registry import Schema

from ops.local import LocalRegistry, LocalS3, cache, stack
from ops.local.artifacts import kafka_home, kafka_jars
from ops.local.registry import registry_app
from schemas import registry_client
from tests.ops.cli.operated import run


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache that borrows the real one's jars."""
    kafka_jars()
    borrowed = (kafka_home(), registry_app().parent)
    monkeypatch.setenv("TICKFLEET_CACHE_DIR", str(tmp_path / "cache"))
    for folder in borrowed:
        (cache.cache_dir() / folder.name).symlink_to(folder)
    return tmp_path


def _services(*arguments: str, code: int = 0) -> dict[str, dict[str, Any]]:
    shown = run("local", *arguments, "--json", code=code).stdout.splitlines()
    return {one["name"]: one for one in map(json.loads, shown)}


def _alive(pid: int) -> bool:
    """A child that has ended stays a zombie until it is asked for."""
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


@pytest.mark.kafka
@pytest.mark.registry
@pytest.mark.s3
def test_up_is_idempotent_and_down_ends_every_process(own_cache: Path) -> None:
    kept = [own_cache / "cache" / "stack" / name for name in ("kafka", "registry")]
    try:
        first = _services("up", "--port", "0", "--s3", "--registry")
        assert list(first) == ["kafka", "s3", "registry"]
        assert _services("up", "--s3", "--registry") == first == _services("status")
        told = run("local", "up").output
        assert f"export TICKFLEET_BOOTSTRAP_SERVERS={first['kafka']['address']}\n" in told
        admin = AdminClient({"bootstrap.servers": first["kafka"]["address"], "log_level": 0})
        assert admin.list_topics(timeout=10).brokers
        del admin
        assert "registry running" in re.sub(" +", " ", run("local", "status").output)
        assert all(folder.is_dir() for folder in kept)
    finally:
        stopped = run("local", "down", "--purge").output
    assert stopped == "stopped: kafka, s3, registry\n"
    assert not any(folder.exists() for folder in kept)
    assert not any(_alive(service["pid"]) for service in first.values())
    assert _services("status", code=1) == {}
    assert run("local", "down").output == "stopped: nothing was running\n"


@pytest.mark.registry
def test_a_registry_with_a_folder_knows_its_ids_after_a_restart(tmp_path: Path) -> None:
    """Kept records can be decoded by no others."""
    name, schema = "ticks-value", Schema('"string"', "AVRO")
    with LocalRegistry(tmp_path / "registry.log", folder=tmp_path / "kept") as registry:
        with registry_client(registry.url) as client:
            number = client.register_schema(name, schema)
        registry.stop()
        registry.start()
        with registry_client(registry.url) as client:
            assert client.get_schema(number).schema_str == schema.schema_str


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


@pytest.mark.parametrize("left", ["", '[{"name": "kafka"', '[{"name": "kafka"}]', "3"])
def test_a_damaged_record_of_the_stack_is_said_to_be_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str
) -> None:
    monkeypatch.setenv("TICKFLEET_CACHE_DIR", str(tmp_path))
    state = tmp_path / "stack" / "state.json"
    state.parent.mkdir()
    state.write_text(left, "utf-8")
    for command in ("status", "down", "up"):
        assert f"{state} is damaged" in run("local", command, code=2).stderr
