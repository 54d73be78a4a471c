"""The image and the compose file, as far as they can be judged without Docker."""

import json
import math
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from compose_spec import PyCompose
from confluent_kafka.admin import ConfigResource
from prometheus_client import CollectorRegistry

from core import PredictorConfig
from ops.health import HealthServer
from ops.settings import HttpSettings, load_settings
from tests.fixtures.kafka import KafkaCluster
from tests.ops.cli.parsing import parse
from workers import WorkerHealth

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
    return loaded


def _runtime_stage() -> str:
    return DOCKERFILE.rpartition("\nFROM ")[2]


def test_hadolint_has_nothing_to_say() -> None:
    linter = Path(sys.executable).parent / "hadolint"
    ran = subprocess.run([linter, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout) == (0, "")


def test_the_image_runs_without_root_and_tells_its_health() -> None:
    stage = _runtime_stage()
    assert re.search(r"^USER 10001:10001$", stage, re.MULTILINE)
    assert "/livez" in stage and "HEALTHCHECK" in stage
    assert 'ENTRYPOINT ["tickfleet"]' in stage and 'CMD ["worker"]' in stage
    # Compilers, locks and sources stay in the build stage.
    assert re.findall(r"^COPY (.*)$", stage, re.MULTILINE) == [
        "--from=build /opt/tickfleet /opt/tickfleet"
    ]


def test_the_image_asks_what_a_worker_serves() -> None:
    """The health check's own command, against a worker that goes round its loop and one that
    does not."""
    [shown] = re.findall(r"^HEALTHCHECK .*\n +CMD (\[.*\])$", DOCKERFILE, re.MULTILINE)
    _, *arguments = json.loads(shown)
    for health, code in ((WorkerHealth(), 0), (WorkerHealth(stall_after_s=0.0), 1)):
        health.update(ready=True)
        with HealthServer(health, CollectorRegistry(), host="127.0.0.1") as server:
            asked = [one.replace("9464", str(server.port)) for one in arguments]
            ran = subprocess.run([sys.executable, *asked], capture_output=True, check=False)
            assert ran.returncode == code, ran.stderr
    exposed = re.findall(r"^EXPOSE (\d+)$", DOCKERFILE, re.MULTILINE)
    assert exposed == [str(HttpSettings().port)] == re.findall(r"127.0.0.1:(\d+)/livez", shown)


@pytest.mark.kafka
def test_the_brokers_settings_are_kafkas_own(compose: dict[str, Any], kafka: KafkaCluster) -> None:
    """As its image reads them: KAFKA_A_B is the setting a.b."""
    given = compose["services"]["kafka"]["environment"]
    resource = ConfigResource(ConfigResource.Type.BROKER, "1")
    admin = kafka.admin()  # kept until the answer: the future dies with its client
    [answer] = admin.describe_configs([resource]).values()
    known = set(answer.result(30))
    assert {name.removeprefix("KAFKA_").lower().replace("_", ".") for name in given} <= known
    # What waits for the broker asks it where the workers will.
    check = shlex.join(compose["services"]["kafka"]["healthcheck"]["test"])
    assert given["KAFKA_LISTENERS"].partition("//:")[2].partition(",")[0] in check


def test_what_services_say_to_one_another_is_served(compose: dict[str, Any]) -> None:
    """Host names are services; ports are those that the images listen on, or are told to."""
    served = {
        "kafka": {29092, 9093},
        "store": {9000},
        "registry": {8080},
        "alertmanager": {9093},
        "prometheus": {9090},
        "worker-0": {9464},
        "worker-1": {9464},
    }
    files = [ROOT / "docker-compose.yml", *(ROOT / "deploy").rglob("*.yml")]
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    # An image's name and tag look the same.
    said = "\n".join(line for line in lines if "image:" not in line)
    named = set(re.findall(rf"\b({'|'.join(served)}):(\d+)\b", said))
    assert {name for name, _ in named} == set(served)
    assert all(int(port) in served[name] for name, port in named), named
    for name, service in compose["services"].items():
        for port in service.get("ports", []):
            host, published, inside = port.split(":")
            assert host == "127.0.0.1"
            assert int(inside) in {*served.get(name, ()), 9092, 3000}, (name, published)
    bucket = compose["services"]["bucket"]
    [[store, name]] = [part.split("/") for part in bucket["command"] if "/" in part]
    assert f"MC_HOST_{store}" in bucket["environment"]
    for one in ("worker-0", "worker-1"):
        url = compose["services"][one]["environment"]["TICKFLEET_SNAPSHOT_URL"]
        assert url.startswith(f"s3://{name}/")
    root = compose["services"]["store"]["environment"]
    keys = compose["services"]["worker-0"]["environment"]
    assert root["MINIO_ROOT_USER"] == keys["AWS_ACCESS_KEY_ID"]
    assert root["MINIO_ROOT_PASSWORD"] == keys["AWS_SECRET_ACCESS_KEY"]


def test_records_and_the_schemas_they_need_survive_a_new_container(
    compose: dict[str, Any],
) -> None:
    """A volume that nothing is written to looks the same until the broker is made anew."""
    kafka, registry = compose["services"]["kafka"], compose["services"]["registry"]
    assert kafka["volumes"] == [f"kafka:{kafka['environment']['KAFKA_LOG_DIRS']}"]
    assert registry["environment"]["APICURIO_STORAGE_KIND"] == "kafkasql"
    used = compose["services"]["worker-0"]["environment"]["TICKFLEET_BOOTSTRAP_SERVERS"]
    assert registry["environment"]["APICURIO_KAFKASQL_BOOTSTRAP_SERVERS"] == used
    assert registry["depends_on"] == {"kafka": {"condition": "service_healthy"}}


def test_base_images_are_pinned_to_a_patch_release(compose: dict[str, Any]) -> None:
    images = re.findall(r"PYTHON_IMAGE=(\S+)", DOCKERFILE)
    images += [one["image"] for one in compose["services"].values() if "build" not in one]
    for image in images:
        tag = image.rpartition(":")[2]
        assert re.search(r"\d+\.\d+\.\d+|RELEASE\.\d{4}-", tag), image


def test_the_build_context_has_what_the_wheel_needs_and_nothing_else() -> None:
    allowed = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert allowed[0] == "*"
    sent = {line.removeprefix("!") for line in allowed if line.startswith("!")}
    packages = {"core", "schemas", "snapshots", "workers", "ops"}
    assert sent == packages | {"pyproject.toml", "README.md", "requirements", "deploy/install.sh"}


@pytest.mark.timeout(900)
def test_the_images_install_gives_a_working_command(tmp_path: Path) -> None:
    """The script that the Dockerfile runs; the result knows nothing of this environment."""
    assert "RUN deploy/install.sh /opt/tickfleet" in DOCKERFILE
    prefix = tmp_path / "tickfleet"
    clean = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin", "HOME": str(tmp_path)}
    tools = {k: v for k, v in os.environ.items() if k.startswith(("PIP_", "UV_", "SSL_"))}
    installer = ROOT / "deploy" / "install.sh"
    subprocess.run(["sh", installer, prefix], env={**clean, **tools}, check=True)
    command = prefix / "bin" / "tickfleet"
    settings = {
        "TICKFLEET_BOOTSTRAP_SERVERS": "kafka:9092",
        "TICKFLEET_SNAPSHOT_URL": "s3://bucket/prefix",
    }
    shown = subprocess.run(
        [command, "worker", "--print-config"],
        env={**clean, **settings},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert 'snapshot_url = "s3://bucket/prefix"' in shown.stdout
    listed = subprocess.run(
        [prefix / "bin" / "python", "-c", "import boto3, schemas, ops; print(ops.__file__)"],
        cwd=tmp_path,
        env=clean,
        capture_output=True,
        text=True,
        check=True,
    )
    assert listed.stdout.startswith(str(prefix))


def test_compose_is_valid(compose: dict[str, Any]) -> None:
    parsed = PyCompose.from_json(json.dumps(compose))
    ours = {"kafka", "store", "registry", "worker-0", "worker-1", "ticks"}
    assert ours <= set(parsed.service_names())
    parsed.validate()


def test_the_ticks_of_compose_are_not_sparse(compose: dict[str, Any]) -> None:
    """Else every asset is warned of for ever, and the predictor shows half of what it does."""
    shown = parse(shlex.join(compose["services"]["ticks"]["command"])).params
    nyquist_s = PredictorConfig().besov_nyquist_interval_ns / 1e9
    late = math.exp(-nyquist_s * shown["rate"] / shown["assets"])  # gaps are exponential
    assert late < 1e-3  # the warning of one holds for 64 ticks


def test_compose_names_only_what_is_there(compose: dict[str, Any]) -> None:
    services = compose["services"]
    for name, service in services.items():
        assert set(service.get("depends_on", {})) <= set(services), name
        for volume in service.get("volumes", []):
            source = volume.partition(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).is_dir(), source
            else:
                assert source in compose["volumes"], source


@pytest.mark.parametrize("name", ["topics", "worker-0", "worker-1", "ticks"])
def test_our_services_settings_and_commands_are_accepted(
    compose: dict[str, Any], name: str
) -> None:
    service = compose["services"][name]
    settings = load_settings(None, environment=service["environment"]).worker
    assert settings.bootstrap_servers == "kafka:29092"
    advertised = compose["services"]["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    assert f"PLAINTEXT://{settings.bootstrap_servers}" in advertised
    parse(shlex.join(service["command"]))


def test_workers_are_two_with_names_of_their_own_and_no_privileges(
    compose: dict[str, Any],
) -> None:
    workers = [compose["services"][name] for name in ("worker-0", "worker-1")]
    ids = {one["environment"]["TICKFLEET_WORKER_ID"] for one in workers}
    assert ids == {"worker-0", "worker-1"}
    for worker in workers:
        assert worker["read_only"] is True
        assert worker["cap_drop"] == ["ALL"]
        assert worker["stop_grace_period"] == "60s"


def test_only_who_serves_the_probe_is_asked_for_it(compose: dict[str, Any]) -> None:
    """The others would be called unhealthy as long as they run."""
    ours = {n: one for n, one in compose["services"].items() if one["image"] == "tickfleet:local"}
    asked = {n for n, one in ours.items() if one.get("healthcheck") != {"disable": True}}
    assert asked == {n for n, one in ours.items() if one["command"][0] == "worker"} != set(ours)


def test_prometheus_scrapes_the_workers_and_grafana_finds_the_dashboard(
    compose: dict[str, Any],
) -> None:
    scraped = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text("utf-8"))
    [job] = scraped["scrape_configs"]
    assert job["job_name"] == "tickfleet"
    [targets] = [one["targets"] for one in job["static_configs"]]
    assert targets == ["worker-0:9464", "worker-1:9464"]
    [rules] = scraped["rule_files"]
    assert (ROOT / "deploy" / "prometheus" / rules).is_file()
    mounts = dict(
        volume.split(":")[:2][::-1] for volume in compose["services"]["grafana"]["volumes"]
    )
    provider = yaml.safe_load(
        (ROOT / "deploy/grafana/provisioning/dashboards/tickfleet.yml").read_text("utf-8")
    )
    folder = ROOT / mounts[provider["providers"][0]["options"]["path"]]
    source = yaml.safe_load(
        (ROOT / "deploy/grafana/provisioning/datasources/prometheus.yml").read_text("utf-8")
    )
    board = json.loads((folder / "tickfleet.json").read_text("utf-8"))
    uids = {panel["datasource"]["uid"] for panel in board["panels"] if panel["type"] != "row"}
    assert uids == {source["datasources"][0]["uid"]}
