"""The objects that `kubectl apply -k` would send: valid, and what a fleet needs of them."""

import math
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml  # type: ignore[import-untyped]

from benchmarks.scaling.figures import load
from ops.settings import load_settings
from tests.deploy.autoscaler import play
from tests.deploy.kustomize import build
from tests.ops.monitoring.expressions import selectors
from workers.telemetry.metrics import CATALOGUE, M

ROOT = Path(__file__).parents[2]
OVERLAYS = ("dev", "prod")
CUSTOM = {"ServiceMonitor", "PrometheusRule", "ScaledObject"}
LABEL = {"app.kubernetes.io/name": "tickfleet"}


def _objects(overlay: str) -> dict[str, dict[str, Any]]:
    objects = build(ROOT / "k8s" / "overlays" / overlay)
    kinds = [one["kind"] for one in objects]
    assert len(set(kinds)) == len(kinds)
    return {one["kind"]: one for one in objects}


@pytest.fixture(scope="module", params=OVERLAYS)
def overlay(request: pytest.FixtureRequest) -> dict[str, dict[str, Any]]:
    return _objects(str(request.param))


@pytest.fixture(scope="module")
def prod() -> dict[str, dict[str, Any]]:
    return _objects("prod")


@pytest.mark.parametrize("version", ["1.30", "1.34"])
def test_kubernetes_takes_every_object(overlay: dict[str, dict[str, Any]], version: str) -> None:
    for kind, one in overlay.items():
        if kind not in CUSTOM:
            kubernetes_validate.validate(one, version, strict=True)


def test_everything_is_in_one_namespace_under_one_label(
    overlay: dict[str, dict[str, Any]],
) -> None:
    assert len({one["metadata"]["namespace"] for one in overlay.values()}) == 1
    for kind, one in overlay.items():
        assert kind == "ConfigMap" or one["metadata"]["labels"] == LABEL
    pods = overlay["StatefulSet"]["spec"]["template"]["metadata"]["labels"]
    assert overlay["Service"]["spec"]["selector"] == pods == LABEL
    for kind in ("StatefulSet", "PodDisruptionBudget"):
        assert overlay[kind]["spec"]["selector"]["matchLabels"] == LABEL
    assert overlay["NetworkPolicy"]["spec"]["podSelector"]["matchLabels"] == LABEL


def _pod(objects: dict[str, dict[str, Any]]) -> dict[str, Any]:
    spec: dict[str, Any] = objects["StatefulSet"]["spec"]["template"]["spec"]
    return spec


def _container(objects: dict[str, dict[str, Any]]) -> dict[str, Any]:
    [container] = _pod(objects)["containers"]
    assert isinstance(container, dict)
    return container


def test_the_pods_name_is_the_workers_identity(overlay: dict[str, dict[str, Any]]) -> None:
    [identity] = _container(overlay)["env"]
    assert identity["name"] == "TICKFLEET_WORKER_ID"
    assert identity["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    assert overlay["StatefulSet"]["spec"]["serviceName"] == overlay["Service"]["metadata"]["name"]


def test_the_pods_memory_holds_as_many_assets_as_the_page_says(
    overlay: dict[str, dict[str, Any]],
) -> None:
    page = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    said = re.search(r"(\d) GiB for up to ([\d,]+) \(in float32", page)
    assert said
    resources = _container(overlay)["resources"]
    assert resources["limits"]["memory"] == resources["requests"]["memory"] == f"{said[1]}Gi"
    asset_bytes = load().memory_bytes_an_asset
    assert f"1 GiB and {asset_bytes / 1000:.0f} kB for each asset" in page
    needed = 2**30 + int(said[2].replace(",", "")) * asset_bytes
    assert 0.9 < needed / (int(said[1]) * 2**30) < 1.01


def test_the_pods_settings_are_accepted_as_the_pod_sees_them(
    overlay: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    container = _container(overlay)
    [path] = re.findall(r"/etc/tickfleet/(\S+)", " ".join(container["args"]))
    text = overlay["ConfigMap"]["data"][path]
    assert not re.search("password|secret", str(tomllib.loads(text)).lower())
    (tmp_path / path).write_text(text)
    environment = {
        "TICKFLEET_WORKER_ID": "tickfleet-0",
        "TICKFLEET_KAFKA__SASL__PASSWORD": "from the secret",
        "TICKFLEET_PORT_9464_TCP_ADDR": "10.0.0.1",
    }
    settings = load_settings(tmp_path / path, environment=environment)
    assert settings.worker.transactional_id.endswith("-tickfleet-0")
    assert settings.http.port == container["ports"][0]["containerPort"]
    assert settings.worker.stop_timeout_s < _pod(overlay)["terminationGracePeriodSeconds"]


def test_probes_ask_what_the_worker_serves(overlay: dict[str, dict[str, Any]]) -> None:
    container = _container(overlay)
    paths = {
        name: container[f"{name}Probe"]["httpGet"]["path"]
        for name in ("startup", "liveness", "readiness")
    }
    assert paths == {"startup": "/livez", "liveness": "/livez", "readiness": "/readyz"}
    served = (ROOT / "ops" / "health.py").read_text("utf-8")
    assert all(f'"{path}"' in served for path in paths.values())
    startup = container["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 300
    ports = {port["name"] for port in container["ports"]}
    assert {probe["httpGet"]["port"] for probe in (startup, container["livenessProbe"])} <= ports


def test_a_worker_has_a_core_and_no_privileges(overlay: dict[str, dict[str, Any]]) -> None:
    container, pod = _container(overlay), _pod(overlay)
    resources = container["resources"]
    assert resources["requests"] == resources["limits"]
    assert resources["limits"]["cpu"] == "1"
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    user = pod["securityContext"]["runAsUser"]
    assert f"USER {user}:{user}" in (ROOT / "Dockerfile").read_text("utf-8")
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert set(mounts.values()) == set(volumes)
    # What the image writes to must be writable although its root is not.
    assert "emptyDir" in volumes[mounts["/var/cache/tickfleet"]]
    assert "emptyDir" in volumes[mounts["/tmp"]]
    assert volumes[mounts["/etc/tickfleet"]]["configMap"]["name"] == "tickfleet"


def test_production_scales_on_our_own_lag(prod: dict[str, dict[str, Any]]) -> None:
    spec = prod["ScaledObject"]["spec"]
    scaled = prod["StatefulSet"]
    assert spec["scaleTargetRef"]["kind"] == scaled["kind"]
    assert spec["scaleTargetRef"]["name"] == scaled["metadata"]["name"]
    # Two who set the count would fight.
    assert "replicas" not in scaled["spec"]
    assert 1 <= spec["minReplicaCount"] <= spec["maxReplicaCount"]
    asked = [selectors(trigger["metadata"]["query"]) for trigger in spec["triggers"]]
    assert [name for one in asked for name, _ in one] == [M.LAG_RECORDS.name, M.TICKS.name]
    assert {M.LAG_RECORDS, M.TICKS} <= set(CATALOGUE)


@pytest.mark.parametrize("workers", [2, 6, 24])
@pytest.mark.parametrize("arrivals", [30_000.0, 180_000.0, 250_000.0, 350_000.0])
def test_a_steady_load_comes_to_a_number_of_workers_and_stays_there(
    prod: dict[str, dict[str, Any]], workers: int, arrivals: float
) -> None:
    spec, capacity = prod["ScaledObject"]["spec"], 1e6 / load().cpu_us_a_tick
    fleet = list(play(spec, arrivals=arrivals, capacity=capacity, workers=workers, hours=6.0))
    steady = fleet[3 * 3600 :]
    assert {one.workers for one in steady} == {steady[0].workers}
    assert max(one.lag for one in steady) == 0.0
    # No more than the page on scaling gives the load, but for the autoscaler's tolerance.
    assert steady[0].workers <= max(2, math.ceil(arrivals / (0.6 * capacity))) + 1


def test_the_monitor_finds_the_service_and_names_the_job(prod: dict[str, dict[str, Any]]) -> None:
    spec, service = prod["ServiceMonitor"]["spec"], prod["Service"]
    assert spec["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    # The alerts ask for job="tickfleet".
    assert service["metadata"]["labels"][spec["jobLabel"]] == "tickfleet"
    [endpoint] = spec["endpoints"]
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    rules = yaml.safe_load((ROOT / "deploy" / "prometheus" / "alerts.yml").read_text("utf-8"))
    assert prod["PrometheusRule"]["spec"] == rules


def test_the_network_is_closed_but_for_what_a_worker_reaches(
    overlay: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    policy = overlay["NetworkPolicy"]["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    open_ports = {
        number
        for rule in policy["egress"]
        for port in rule["ports"]
        for number in range(port["port"], port.get("endPort", port["port"]) + 1)
    }
    [text] = overlay["ConfigMap"]["data"].values()
    needed = {int(port) for port in re.findall(r":(\d{2,5})", text)}
    assert needed and needed <= open_ports
    traces = (ROOT / "docs" / "tracing.md").read_text("utf-8")
    [collector] = re.findall(r"OTEL_EXPORTER_OTLP_ENDPOINT=http://collector:(\d+)", traces)
    assert int(collector) in open_ports
    [ingress] = policy["ingress"]
    assert [port["port"] for port in ingress["ports"]] == [9464]


def test_an_overlay_as_on_the_page_is_for_another_cluster(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "k8s", tmp_path / "k8s")
    page = (ROOT / "docs" / "deploy.md").read_text("utf-8")
    [shown] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    mine = tmp_path / "k8s" / "overlays" / "mine"
    mine.mkdir()
    (mine / "kustomization.yaml").write_text(shown, "utf-8")
    objects = {one["kind"]: one for one in build(mine)}
    for kind in ("ServiceMonitor", "PrometheusRule"):
        assert objects[kind]["metadata"]["labels"] == LABEL | {"release": "kube-prometheus-stack"}
    for kind in ("Service", "StatefulSet", "PodDisruptionBudget"):
        assert "release" not in str(objects[kind]["spec"]), kind
    policy = objects["NetworkPolicy"]["spec"]
    assert {"port": 9096, "endPort": 9098, "protocol": "TCP"} in policy["egress"][-1]["ports"]
    assert "observability" in str(policy["ingress"])
    kubernetes_validate.validate(objects["NetworkPolicy"], "1.34", strict=True)


def test_production_pins_its_image_and_has_cloud_credentials(
    prod: dict[str, dict[str, Any]],
) -> None:
    tag = _container(prod)["image"].rpartition(":")[2]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert tag == project["version"]
    account = prod["ServiceAccount"]
    assert account["metadata"]["name"] == _pod(prod)["serviceAccountName"]
    assert any("role-arn" in key for key in account["metadata"]["annotations"])


# The program alone, or as a part of kubectl.
KUSTOMIZE = [
    command
    for command in (["kustomize", "build"], ["kubectl", "kustomize"])
    if shutil.which(command[0])
]


@pytest.mark.skipif(not KUSTOMIZE, reason="neither kustomize nor kubectl is installed")
@pytest.mark.parametrize("name", OVERLAYS)
def test_kustomize_itself_builds_the_same(name: str) -> None:
    folder = ROOT / "k8s" / "overlays" / name
    shown = subprocess.run(
        [*KUSTOMIZE[0], folder], capture_output=True, text=True, check=True
    ).stdout
    # The real one appends a hash of its content to the config map's name.
    [hashed] = set(re.findall(r"name: (tickfleet-[0-9a-z]{10})$", shown, re.MULTILINE))
    theirs = yaml.safe_load_all(shown.replace(hashed, "tickfleet"))
    ours = _objects(name)
    for one in theirs:
        assert ours.pop(one["kind"]) == one
    assert not ours
