"""Sends `workers.telemetry.traces` by OpenTelemetry; `OTEL_*` variables say where and how many.

The SDK's batch processor sends on a thread of its own and drops spans where its queue is full:
a collector that is slow or away costs spans, never ticks.
"""

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from workers.errors import ConfigurationError
from workers.telemetry.traces import NullTracer, Span, Tracer

if TYPE_CHECKING:  # an extra: imported where traces are wanted
    from opentelemetry.sdk.trace import TracerProvider

__all__ = ["OpenTelemetryTracer", "tracing"]

_FLUSH_S: Final = 3.0


class OpenTelemetryTracer:
    """A `workers.telemetry.traces.Tracer` over an SDK provider.

    Args:
        provider: samples and exports.
    """

    active = True

    def __init__(self, provider: "TracerProvider") -> None:
        from opentelemetry import context, trace  # noqa: PLC0415

        self._api, self._nowhere = trace, context.Context()
        self._tracer = provider.get_tracer("tickfleet")

    def record(self, span: Span) -> None:
        """Make the span and its stages, with the times at which they were."""
        api = self._api
        ended_ns = span.ended_ns or time.time_ns()
        begun_ns = ended_ns - int(span.took_s * 1e9)
        attributes = {f"tickfleet.{name}": value for name, value in span.attributes.items()}
        # A root of its own: no context of this thread is its parent.
        root = self._tracer.start_span(
            span.name, context=self._nowhere, start_time=begun_ns, attributes=attributes
        )
        if root.is_recording():
            inside = api.set_span_in_context(root)
            for stage, took_s in span.stages.items():
                child = self._tracer.start_span(
                    f"{span.name} {stage}", context=inside, start_time=begun_ns
                )
                begun_ns += int(took_s * 1e9)
                child.end(begun_ns)
            if span.problem:
                root.set_status(api.Status(api.StatusCode.ERROR, span.problem))
        root.end(ended_ns)


@contextmanager
def tracing(*, enabled: bool, attributes: Mapping[str, str]) -> Iterator[Tracer]:
    """A tracer for one process; what it still holds at the end is sent, in three seconds at most.

    Args:
        enabled: whether spans are wanted.
        attributes: of the resource; `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` win.

    Raises:
        ConfigurationError: OpenTelemetry is not installed.
    """
    if not enabled:
        yield NullTracer()
        return
    provider = _provider(attributes)
    try:
        yield OpenTelemetryTracer(provider)
    finally:
        # The exporter may wait longer for a collector that is away than a stop may take.
        last = threading.Thread(target=provider.shutdown, name="traces", daemon=True)
        last.start()
        last.join(_FLUSH_S)


def _provider(attributes: Mapping[str, str]) -> "TracerProvider":
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.resources import OTELResourceDetector, Resource  # noqa: PLC0415
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"traces.enabled needs {error.name}: pip install 'tickfleet[otel]', or set it to false"
        ) from error
    chosen = OTELResourceDetector().detect().attributes
    provider = TracerProvider(resource=Resource.create({**attributes, **chosen}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider
