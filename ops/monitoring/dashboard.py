"""The Grafana dashboard: rows of panels, each a question and the queries that answer it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ops.monitoring.selector import of
from workers.telemetry.metrics import M, MetricDef

__all__ = ["dashboard"]

_WIDTH: Final = 24
_HEIGHT: Final = 8
_SOURCE: Final = {"type": "prometheus", "uid": "prometheus"}


@dataclass(frozen=True, slots=True)
class _Query:
    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class _Panel:
    """`unit` is Grafana's name of it; `stat` shows one number instead of curves."""

    title: str
    queries: tuple[_Query, ...]
    unit: str = "short"
    stat: bool = False


def _rate(metric: MetricDef, by: str = "") -> str:
    grouped = f" by ({by})" if by else ""
    return f"sum{grouped} (rate({of(metric)}[$__rate_interval]))"


def _quantile(metric: MetricDef, quantile: float) -> _Query:
    buckets = of(metric, suffix="_bucket")
    expr = f"histogram_quantile({quantile}, sum by (le) (rate({buckets}[$__rate_interval])))"
    return _Query(expr, f"p{quantile * 100:g}")


def _both(metric: MetricDef) -> tuple[_Query, ...]:
    return (_quantile(metric, 0.5), _quantile(metric, 0.99))


_ROWS: Final[tuple[tuple[str, tuple[_Panel, ...]], ...]] = (
    (
        "Does it keep up?",
        (
            _Panel("Ticks a second", (_Query(_rate(M.TICKS), "answered"),), "ops", stat=True),
            _Panel("Ticks waiting", (_Query(f"sum({of(M.LAG_RECORDS)})", "lag"),), stat=True),
            _Panel("Assets", (_Query(f"sum({of(M.ASSETS)})", "assets"),), stat=True),
            _Panel(
                "Partitions by phase",
                (_Query(f"sum by (phase) ({of(M.PARTITIONS)})", "{{phase}}"),),
                stat=True,
            ),
        ),
    ),
    (
        "Flow",
        (
            _Panel("Ticks a second", (_Query(_rate(M.TICKS, "instance"), "{{instance}}"),), "ops"),
            _Panel(
                "Ticks waiting",
                (_Query(f"sum by (partition) ({of(M.LAG_RECORDS)})", "{{partition}}"),),
            ),
            _Panel(
                "Age of the newest answered tick",
                (_Query(f"max by (partition) ({of(M.LAG_SECONDS)})", "{{partition}}"),),
                "s",
            ),
            _Panel(
                "Share of a step's 64 lanes that have a tick",
                (
                    _Query(
                        f"({_rate(M.TICKS, 'instance')} + {_rate(M.REPLAYED, 'instance')} "
                        f"- {_rate(M.TICKS_ALONE, 'instance')}) "
                        f"/ (64 * {_rate(M.STEP_CALLS, 'instance')})",
                        "{{instance}}",
                    ),
                ),
                "percentunit",
            ),
        ),
    ),
    (
        "Latency",
        (
            _Panel(
                "Step of a micro-batch",
                (
                    *_both(M.STEP_SECONDS),
                    _Query(f"max by (instance) ({of(M.STEP_LATENCY)})", "EWMA {{instance}}"),
                ),
                "s",
            ),
            _Panel("Commit of a transaction", _both(M.COMMIT_SECONDS), "s"),
            _Panel("Records in a micro-batch", _both(M.BATCH_RECORDS)),
            _Panel(
                "Load: step latency over inter-arrival",
                (
                    _Query(f"max by (instance) ({of(M.LATENCY_RATIO)})", "{{instance}}"),
                    _Query(f"min({of(M.SIGNATURE_DEPTH)})", "signature depth"),
                ),
            ),
        ),
    ),
    (
        "What is said",
        (
            _Panel(
                "Flag events a second",
                (_Query(_rate(M.FLAG_EVENTS, "type, state"), "{{type}} {{state}}"),),
                "ops",
            ),
            _Panel(
                "Dead letters a second",
                (_Query(_rate(M.DEAD_LETTERS, "error"), "{{error}}"),),
                "ops",
            ),
            _Panel(
                "Emergency dumps in ten minutes",
                (
                    _Query(
                        f"sum by (outcome) (increase({of(M.EMERGENCY_DUMPS)}[10m]))", "{{outcome}}"
                    ),
                ),
            ),
        ),
    ),
    (
        "State",
        (
            _Panel(
                "Age of the last snapshot",
                (
                    _Query(f"max by (partition) ({of(M.SNAPSHOT_AGE_SECONDS)})", "{{partition}}"),
                    _Query(f"max({of(M.SNAPSHOT_INTERVAL_SECONDS)})", "interval set"),
                ),
                "s",
            ),
            _Panel("Snapshot: capture to durable", _both(M.SNAPSHOT_SECONDS), "s"),
            _Panel(
                "Memory of the accelerator",
                (_Query(f"max by (kind) ({of(M.DEVICE_MEMORY)})", "{{kind}}"),),
                "bytes",
            ),
            _Panel(
                "Snapshots that failed or were refused",
                (
                    _Query(_rate(M.SNAPSHOT_FAILURES), "failed"),
                    _Query(_rate(M.CORRUPT_SNAPSHOTS), "refused"),
                    _Query(_rate(M.SNAPSHOTS), "durable"),
                ),
                "ops",
            ),
        ),
    ),
    (
        "Recovery and trouble",
        (
            _Panel(
                "Recoveries a second",
                (
                    _Query(_rate(M.RECOVERIES, "source"), "{{source}}"),
                    _Query(_rate(M.REPLAYED), "ticks replayed"),
                ),
                "ops",
            ),
            _Panel("Assignment to live", _both(M.RECOVERY_SECONDS), "s"),
            _Panel(
                "Rebalances and failed commits a second",
                (
                    _Query(_rate(M.REBALANCES, "kind"), "{{kind}}"),
                    _Query(_rate(M.COMMIT_FAILURES), "failed commits"),
                    _Query(_rate(M.COMMITS), "commits"),
                ),
                "ops",
            ),
            _Panel(
                "Stopped partitions, silent loops, waiting for brokers",
                (
                    _Query(f"sum({of(M.FAILED_PARTITIONS)})", "stopped partitions"),
                    _Query(f"max({of(M.LOOP_SILENT_SECONDS)})", "seconds silent"),
                    _Query(_rate(M.BACKPRESSURE_SECONDS), "share of time waiting"),
                    _Query(_rate(M.GAPS_ASKED_AGAIN), "gaps asked again"),
                ),
            ),
            _Panel(
                "Stops in order",
                (
                    _Query(_rate(M.SHUTDOWNS), "stops"),
                    *_both(M.SHUTDOWN_SECONDS),
                    _quantile(M.SHUTDOWN_RESIDUAL, 0.99),
                ),
            ),
        ),
    ),
)


def dashboard() -> dict[str, Any]:
    """The dashboard in Grafana's JSON model."""
    return {
        "uid": "tickfleet",
        "title": "TickFleet",
        "tags": ["tickfleet"],
        "timezone": "utc",
        "refresh": "10s",
        "time": {"from": "now-30m", "to": "now"},
        "schemaVersion": 39,
        "panels": list(_laid_out()),
    }


def _laid_out() -> Iterator[dict[str, Any]]:
    number, y = 1, 0
    for title, panels in _ROWS:
        place = {"x": 0, "y": y, "w": _WIDTH, "h": 1}
        yield {"id": number, "type": "row", "title": title, "gridPos": place, "panels": []}
        number, y = number + 1, y + 1
        height = _HEIGHT // 2 if all(panel.stat for panel in panels) else _HEIGHT
        width = _WIDTH // len(panels)
        for column, panel in enumerate(panels):
            grid = {"x": column * width, "y": y, "w": width, "h": height}
            yield _panel(panel, number, grid)
            number += 1
        y += height


def _panel(panel: _Panel, number: int, grid: dict[str, int]) -> dict[str, Any]:
    return {
        "id": number,
        "type": "stat" if panel.stat else "timeseries",
        "title": panel.title,
        "datasource": _SOURCE,
        "gridPos": grid,
        "fieldConfig": {"defaults": {"unit": panel.unit}, "overrides": []},
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": _SOURCE, "expr": query.expr}
            | {"legendFormat": query.legend}
            for place, query in enumerate(panel.queries)
        ],
    }
