"""The alerts as Prometheus reads them, and as the Prometheus operator does."""

from typing import Any, Final

from ops.monitoring.alerts import ALERTS, Alert

__all__ = ["prometheus_rule", "rule_file"]

_RUNBOOK: Final = "docs/runbook/{name}.md"


def rule_file() -> dict[str, Any]:
    """A Prometheus rule file."""
    return {"groups": [{"name": "tickfleet", "rules": [_rule(alert) for alert in ALERTS]}]}


def prometheus_rule() -> dict[str, Any]:
    """The same as a custom resource of the Prometheus operator."""
    return {
        "apiVersion": "monitoring.coreos.com/v1",
        "kind": "PrometheusRule",
        "metadata": {"name": "tickfleet", "labels": {"app.kubernetes.io/name": "tickfleet"}},
        "spec": rule_file(),
    }


def _rule(alert: Alert) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": alert.hold,
        "labels": {"severity": alert.severity},
        "annotations": {
            "summary": alert.summary,
            "runbook": _RUNBOOK.format(name=alert.name),
        },
    }
