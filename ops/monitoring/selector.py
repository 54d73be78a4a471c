"""Selectors of catalogued metrics, in Prometheus' language."""

from typing import Final

from workers.telemetry.metrics import MetricDef

__all__ = ["FLEET", "JOB", "STARTED", "UP", "WORKER", "of"]

JOB: Final = "tickfleet"
"""Value of the label `job` on everything that workers export."""

FLEET: Final = "namespace"
"""The label that tells fleets on one Prometheus apart: its operator sets it. One alone has none."""

WORKER: Final = "namespace, pod, instance"
"""The labels that tell workers apart, and people which one: of a pod the instance is an address."""

STARTED: Final = f'process_start_time_seconds{{job="{JOB}"}}'
"""When a worker's process began, seconds since the epoch."""

UP: Final = f'up{{job="{JOB}"}}'
"""Prometheus' own word on whether a worker was reached."""


def of(metric: MetricDef, *matchers: str, suffix: str = "") -> str:
    """The metric's series of our job; `matchers` as in `label="value"`."""
    return metric.name + suffix + "{" + ", ".join((f'job="{JOB}"', *matchers)) + "}"
