"""The catalogue as a table for people."""

from workers.telemetry.metrics import CATALOGUE, MetricDef

__all__ = ["metrics_table"]


def metrics_table() -> str:
    """Markdown, one row a metric, in the catalogue's order."""
    rows = ["| metric | kind | labels | meaning |", "|---|---|---|---|"]
    return "\n".join(rows + [_row(metric) for metric in CATALOGUE])


def _row(metric: MetricDef) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels) or "-"
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.help} |"
