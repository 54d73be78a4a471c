"""Spans as OpenTelemetry has them: when they were, whose parts they are, what failed."""

import importlib
import sys
import time

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, Sampler
from opentelemetry.trace import StatusCode

from ops.traces import OpenTelemetryTracer, tracing
from tests.fixtures.otlp import OtlpReceiver
from workers.errors import ConfigurationError
from workers.telemetry.traces import NullTracer, Span, Stopwatch

ENDED_NS = 1_700_000_000_000_000_000
STAGES = {"consume": 0.25, "step": 0.5}


def _recorded(*spans: Span, sampler: Sampler = ALWAYS_ON) -> list[ReadableSpan]:
    memory = InMemorySpanExporter()
    provider = TracerProvider(sampler=sampler)
    provider.add_span_processor(SimpleSpanProcessor(memory))
    tracer = OpenTelemetryTracer(provider)
    for span in spans:
        tracer.record(span)
    return list(memory.get_finished_spans())


def test_a_span_has_its_times_its_stages_and_its_attributes() -> None:
    span = Span("batch", 1.0, STAGES, {"partitions": [0, 3], "records": 7}, ended_ns=ENDED_NS)
    consume, step, batch = _recorded(span)
    assert batch.name == "batch"
    assert (batch.start_time, batch.end_time) == (ENDED_NS - 1_000_000_000, ENDED_NS)
    assert dict(batch.attributes or {}) == {
        "tickfleet.partitions": (0, 3),
        "tickfleet.records": 7,
    }
    assert batch.parent is None
    assert batch.status.status_code is StatusCode.UNSET
    assert (consume.name, step.name) == ("batch consume", "batch step")
    assert consume.start_time == batch.start_time
    assert consume.end_time == step.start_time == ENDED_NS - 750_000_000
    assert step.end_time == ENDED_NS - 250_000_000
    for child in (consume, step):
        assert child.parent is not None and batch.context is not None
        assert child.parent.span_id == batch.context.span_id


def test_what_failed_says_why_and_each_span_is_a_trace_of_its_own() -> None:
    first, second = _recorded(
        Span("transaction", 0.1, problem="commit failed: fenced"), Span("snapshot", 0.1)
    )
    assert first.status.status_code is StatusCode.ERROR
    assert first.status.description == "commit failed: fenced"
    assert first.context is not None and second.context is not None
    assert first.context.trace_id != second.context.trace_id
    assert abs((second.end_time or 0) - time.time_ns()) < 60e9


def test_a_trace_that_is_not_sampled_costs_no_stages() -> None:
    assert _recorded(Span("batch", 1.0, STAGES), sampler=ALWAYS_OFF) == []


def test_a_stopwatch_measures_stages_that_follow_one_another() -> None:
    begun_s = time.perf_counter()
    watch = Stopwatch()
    time.sleep(0.02)
    watch.mark("consume")
    watch.mark("step")
    time.sleep(0.01)
    watch.mark("consume")
    took_s = time.perf_counter() - begun_s
    assert list(watch.stages) == ["consume", "step"]
    assert watch.stages["consume"] >= 0.03
    assert 0 <= sum(watch.stages.values()) <= took_s


def test_nobody_is_told_where_traces_are_off() -> None:
    with tracing(enabled=False, attributes={}) as tracer:
        assert isinstance(tracer, NullTracer)
        assert not tracer.active


def test_without_the_package_the_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    importlib.invalidate_caches()
    with (
        pytest.raises(ConfigurationError, match=r"traces\.enabled .* 'tickfleet\[otel\]'"),
        tracing(enabled=True, attributes={}),
    ):
        pass


def test_spans_reach_a_collector_and_the_environment_names_the_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with OtlpReceiver() as receiver:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.url)
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
        attributes = {"service.name": "tickfleet", "service.instance.id": "w-0"}
        with tracing(enabled=True, attributes=attributes) as tracer:
            tracer.record(Span("batch", 1.0, STAGES, {"records": 7}))
        assert {span.name for span in receiver.spans} == {"batch", "batch consume", "batch step"}
        assert receiver.resource["service.name"] == "tickfleet"
        assert receiver.resource["service.instance.id"] == "w-0"
        assert receiver.resource["deployment.environment"] == "test"
        monkeypatch.setenv("OTEL_SERVICE_NAME", "desk")
        with tracing(enabled=True, attributes=attributes) as tracer:
            tracer.record(Span("snapshot", 1.0))
        assert receiver.resource["service.name"] == "desk"


def test_a_collector_that_is_away_holds_neither_spans_nor_the_end_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "6")
    with tracing(enabled=True, attributes={}) as tracer:
        for _ in range(1_000):
            tracer.record(Span("batch", 0.001, STAGES))
        begun_s = time.monotonic()
    assert time.monotonic() - begun_s < 5
