"""Rules and panels ask for what workers export, and every alert has its page."""

import json
import re
import runpy
import shutil
import subprocess
from pathlib import Path

import pytest

from ops.monitoring import ALERTS, JOB, Alert, dashboard
from tests.ops.monitoring.expressions import selectors
from workers.telemetry.metrics import CATALOGUE, MetricDef, MetricKind

ROOT = Path(__file__).parents[3]
RUNBOOK = ROOT / "docs" / "runbook"
HEADINGS = ["What it says", "What it costs", "Where to look", "What to do"]


def _exported(metric: MetricDef) -> list[str]:
    if metric.kind is MetricKind.HISTOGRAM:
        return [metric.name + suffix for suffix in ("_bucket", "_sum", "_count")]
    return [metric.name]


# `job` and `instance` are Prometheus' own, `namespace` and `pod` its operator's; `up` is its own
# metric.
TARGET = {"job", "instance", "namespace", "pod"}
SERIES = {name: {*one.labels, *TARGET} for one in CATALOGUE for name in _exported(one)}
SERIES["up"] = SERIES["process_start_time_seconds"] = TARGET
PANELS = [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def _check(expr: str) -> set[str]:
    asked = list(selectors(expr))
    assert asked, expr
    for name, labels in asked:
        assert name in SERIES, name
        assert labels <= SERIES[name], (name, labels)
        assert f'job="{JOB}"' in expr
    return {name for name, _ in asked}


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_asks_for_catalogued_metrics_and_labels(alert: Alert) -> None:
    names = _check(alert.expr)
    grouped = re.findall(r"(?:by|on) \(([a-z, ]*)\)", alert.expr)
    known = set().union(*(SERIES[name] for name in names))
    assert {label for group in grouped for label in group.split(", ") if label} <= known
    shown = set(re.findall(r"\$labels\.(\w+)", alert.summary))
    assert shown <= {label for group in grouped for label in group.split(", ")} or (
        "by (" not in alert.expr
    )


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_an_alert_about_a_worker_says_of_which_fleet_and_pod(alert: Alert) -> None:
    """Of a pod the instance is an address, which is nobody's by the time that somebody looks."""
    for labels in re.findall(r"(?:by|on) \(([a-z, ]*instance[a-z, ]*)\)", alert.expr):
        assert {"namespace", "pod"} <= set(labels.split(", ")) or labels == "job, instance"
    assert "$labels.instance" not in alert.summary or "or $labels.pod" in alert.summary


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["id"]))
def test_a_panel_asks_for_catalogued_metrics(panel: dict[str, list[dict[str, str]]]) -> None:
    for target in panel["targets"]:
        _check(target["expr"])


def test_the_dashboard_shows_the_whole_catalogue() -> None:
    exprs = [target["expr"] for panel in PANELS for target in panel["targets"]]
    shown = {name.removesuffix("_bucket") for expr in exprs for name, _ in selectors(expr)}
    assert shown == {metric.name for metric in CATALOGUE}


def test_panels_do_not_cover_one_another() -> None:
    cells = [
        (x, y)
        for panel in dashboard()["panels"]
        for grid in [panel["gridPos"]]
        for x in range(grid["x"], grid["x"] + grid["w"])
        for y in range(grid["y"], grid["y"] + grid["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_what_is_generated_is_up_to_date() -> None:
    for path, text in runpy.run_path(str(ROOT / "deploy" / "generate.py"))["files"]().items():
        assert path.read_text("utf-8") == text, f"{path}: run python deploy/generate.py"
    json.loads((ROOT / "deploy" / "grafana" / "dashboards" / "tickfleet.json").read_text("utf-8"))


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    names = {alert.name for alert in ALERTS}
    assert len(names) == len(ALERTS)
    assert {path.stem for path in RUNBOOK.glob("*.md")} == names | {"README"}
    index = (RUNBOOK / "README.md").read_text("utf-8")
    for name in names:
        page = (RUNBOOK / f"{name}.md").read_text("utf-8")
        assert re.findall(r"^## (.*)$", page, re.MULTILINE) == HEADINGS, name
        assert f"]({name}.md)" in index


@pytest.mark.parametrize("path", sorted(RUNBOOK.glob("*.md")), ids=lambda path: path.stem)
def test_a_page_names_what_exists(path: Path) -> None:
    page = path.read_text("utf-8")
    sources = "".join(
        source.read_text("utf-8")
        for room in ("core", "schemas", "snapshots", "workers", "ops")
        for source in (ROOT / room).rglob("*.py")
    )
    for word in re.findall(r"`([a-z]+_[a-z_]+)`", page):
        assert word in sources, word


def test_every_alert_is_tested_both_ways() -> None:
    tests = (ROOT / "deploy" / "prometheus" / "alerts_test.yml").read_text("utf-8")
    for alert in ALERTS:
        assert f"name: {alert.name} fires" in tests
        assert f"name: {alert.name} is quiet" in tests


@pytest.mark.parametrize(
    ("program", "asked", "path"),
    [
        ("promtool", "test rules", "prometheus/alerts_test.yml"),
        ("promtool", "check config", "prometheus/prometheus.yml"),
        ("amtool", "check-config", "alertmanager/alertmanager.yml"),
    ],
)
def test_prometheus_own_tools_agree(program: str, asked: str, path: str) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    command = [program, *asked.split(), str(ROOT / "deploy" / path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_the_alertmanager_silences_only_alerts_that_exist() -> None:
    names = {alert.name for alert in ALERTS}
    text = (ROOT / "deploy" / "alertmanager" / "alertmanager.yml").read_text("utf-8")
    matchers = re.findall(r'alertname (=~|=) "([^"]+)"', text)
    assert len(matchers) == 2
    for operator, pattern in matchers:
        exact = operator == "="
        assert any(name == pattern if exact else re.fullmatch(pattern, name) for name in names)
