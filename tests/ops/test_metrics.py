"""The exporter covers the catalogue and never lets a wrong use reach the worker."""

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from structlog.testing import capture_logs

from ops.metrics import PrometheusTelemetry
from ops.monitoring.selector import STARTED
from workers.telemetry.metrics import CATALOGUE, M, MetricDef, MetricKind


def _exported(telemetry: PrometheusTelemetry) -> dict[str, str]:
    text = generate_latest(telemetry.registry).decode()
    return {family.name: family.type for family in text_string_to_metric_families(text)}


def test_every_metric_of_the_catalogue_is_exported_as_its_kind() -> None:
    exported = _exported(PrometheusTelemetry(CollectorRegistry()))
    wanted = {metric.name.removesuffix("_total"): str(metric.kind) for metric in CATALOGUE}
    assert exported == wanted


def _labels(metric: MetricDef) -> dict[str, str]:
    return dict.fromkeys(metric.labels, "3")


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_a_value_arrives_under_its_labels(metric: MetricDef) -> None:
    telemetry, labels = PrometheusTelemetry(CollectorRegistry()), _labels(metric)
    suffix = ""
    match metric.kind:
        case MetricKind.COUNTER:
            telemetry.inc(metric, 2.5, **labels)
        case MetricKind.GAUGE:
            telemetry.set(metric, 2.5, **labels)
        case MetricKind.HISTOGRAM:
            telemetry.observe(metric, 2.5, **labels)
            suffix = "_sum"
    assert telemetry.registry.get_sample_value(metric.name + suffix, labels) == 2.5


def test_a_removed_series_is_exported_no_more() -> None:
    telemetry = PrometheusTelemetry(CollectorRegistry())
    value = telemetry.registry.get_sample_value
    for partition in ("3", "4"):
        telemetry.set(M.LAG_RECORDS, 7.0, partition=partition)
    for _ in range(2):
        telemetry.remove(M.LAG_RECORDS, partition="3")
    series = [value(M.LAG_RECORDS.name, {"partition": partition}) for partition in ("3", "4")]
    assert series == [None, 7.0]


def test_histograms_have_the_catalogues_buckets() -> None:
    telemetry = PrometheusTelemetry(CollectorRegistry())
    telemetry.observe(M.SHUTDOWN_SECONDS, 3.0)
    bucket = f"{M.SHUTDOWN_SECONDS.name}_bucket"
    value = telemetry.registry.get_sample_value
    assert [value(bucket, {"le": str(edge)}) for edge in M.SHUTDOWN_SECONDS.buckets] == [
        float(edge >= 3.0) for edge in M.SHUTDOWN_SECONDS.buckets
    ]


def test_wrong_uses_are_logged_once_and_do_not_raise() -> None:
    telemetry = PrometheusTelemetry(CollectorRegistry())
    with capture_logs() as lines:
        for _ in range(2):
            telemetry.inc(M.COMMITS, -1.0)
            telemetry.set(M.DEAD_LETTERS, 1.0, error="x")
            telemetry.observe(M.STEP_SECONDS, 1.0, no_such="label")
    assert [line["metric"] for line in lines] == [
        M.COMMITS.name,
        M.DEAD_LETTERS.name,
        M.STEP_SECONDS.name,
    ]


def test_the_default_registry_also_tells_of_the_process() -> None:
    exported = _exported(PrometheusTelemetry())
    assert "process_resident_memory_bytes" in exported
    assert STARTED.partition("{")[0] in exported  # alerts ask for it


def test_a_followed_gauge_is_read_at_each_scrape() -> None:
    telemetry = PrometheusTelemetry(CollectorRegistry())
    readings = iter([1.5, 2.5])
    telemetry.follow(M.LOOP_SILENT_SECONDS, lambda: next(readings))
    value = telemetry.registry.get_sample_value
    assert [value(M.LOOP_SILENT_SECONDS.name) for _ in range(2)] == [1.5, 2.5]
