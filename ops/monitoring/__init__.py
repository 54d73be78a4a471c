"""What watches a fleet, as code: alert rules, the dashboard, and the page of metrics.

All of it is written from `workers.telemetry.metrics`: a rule or panel cannot name a
metric that is not in the catalogue. `deploy/generate.py` writes the files that Prometheus and
Grafana read.
"""

from ops.monitoring.alerts import ALERTS, Alert
from ops.monitoring.dashboard import dashboard
from ops.monitoring.metrics_page import metrics_table
from ops.monitoring.rules import prometheus_rule, rule_file
from ops.monitoring.selector import JOB

__all__ = [
    "ALERTS",
    "JOB",
    "Alert",
    "dashboard",
    "metrics_table",
    "prometheus_rule",
    "rule_file",
]
