"""Exports the catalogue of `workers.telemetry.metrics` to Prometheus; it defines none itself."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TypeVar

import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from workers.telemetry.metrics import CATALOGUE, MetricDef, MetricKind

__all__ = ["PrometheusTelemetry"]

_log = structlog.get_logger()
_Metric = Counter | Gauge | Histogram
_Kind = TypeVar("_Kind", Counter, Gauge, Histogram)


class PrometheusTelemetry:
    """A `workers.telemetry.metrics.Telemetry` over a registry of its own.

    Args:
        registry: where the metrics live; None makes one that also tells of the process
            (CPU, memory, file descriptors).
    """

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        # One more series for each counter, telling only when this process started.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry: Final = registry or _process_registry()
        self._metrics: Final[Mapping[str, _Metric]] = {
            metric.name: _register(metric, self.registry) for metric in CATALOGUE
        }
        self._refused: set[str] = set()

    def inc(self, metric: MetricDef, amount: float = 1.0, **labels: str) -> None:
        """Add to a counter."""
        with self._reported(metric):
            _child(self._metrics[metric.name], labels, Counter).inc(amount)

    def set(self, metric: MetricDef, value: float, **labels: str) -> None:
        """Set a gauge."""
        with self._reported(metric):
            _child(self._metrics[metric.name], labels, Gauge).set(value)

    def remove(self, metric: MetricDef, **labels: str) -> None:
        """Export these labels no more."""
        with self._reported(metric):
            self._metrics[metric.name].remove(*(labels[name] for name in metric.labels))

    def follow(self, metric: MetricDef, read: Callable[[], float]) -> None:
        """Let a gauge be read off at every scrape."""
        _child(self._metrics[metric.name], {}, Gauge).set_function(read)

    def observe(self, metric: MetricDef, value: float, **labels: str) -> None:
        """Record one observation of a histogram."""
        with self._reported(metric):
            _child(self._metrics[metric.name], labels, Histogram).observe(value)

    @contextmanager
    def _reported(self, metric: MetricDef) -> Iterator[None]:
        """A metric used wrongly is logged, once: it must never stop the ticks."""
        try:
            yield
        except (KeyError, TypeError, ValueError) as error:
            if metric.name not in self._refused:
                self._refused.add(metric.name)
                _log.error("metric_refused", metric=metric.name, reason=repr(error))


def _process_registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return registry


def _register(metric: MetricDef, registry: CollectorRegistry) -> _Metric:
    match metric.kind:
        case MetricKind.COUNTER:
            return Counter(metric.name, metric.help, metric.labels, registry=registry)
        case MetricKind.GAUGE:
            return Gauge(metric.name, metric.help, metric.labels, registry=registry)
        case MetricKind.HISTOGRAM:
            buckets = metric.buckets or Histogram.DEFAULT_BUCKETS
            return Histogram(
                metric.name, metric.help, metric.labels, registry=registry, buckets=buckets
            )


def _child(metric: _Metric, labels: Mapping[str, str], kind: type[_Kind]) -> _Kind:
    if not isinstance(metric, kind):
        raise TypeError(f"it is a {type(metric).__name__}, used as a {kind.__name__}")
    return metric.labels(**labels) if labels else metric
