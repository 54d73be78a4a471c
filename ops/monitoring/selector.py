"""Selectors of catalogued metrics, in Prometheus' language."""

from typing import Final

from workers.telemetry.metrics import MetricDef

__all__ = ["JOB", "UP", "of"]

JOB: Final = "tickfleet"
"""Value of the label `job` on everything that workers export."""

UP: Final = f'up{{job="{JOB}"}}'
"""Prometheus' own word on whether a worker was reached."""


def of(metric: MetricDef, *matchers: str, suffix: str = "") -> str:
    """The metric's series of our job; `matchers` as in `label="value"`."""
    return metric.name + suffix + "{" + ", ".join((f'job="{JOB}"', *matchers)) + "}"
