"""Write what Prometheus, Grafana and readers see, from `ops.monitoring` and the catalogue.

Run `python deploy/generate.py` after changing a metric, an alert or a panel; a test compares.
"""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from ops.monitoring import dashboard, metrics_table, prometheus_rule, rule_file

__all__ = ["files"]

ROOT = Path(__file__).parents[1]
_MARKED = re.compile(r"(<!-- metrics -->\n).*?(<!-- end -->)", re.DOTALL)
_NOTE = "# Written by deploy/generate.py from ops/monitoring.\n"


def files() -> dict[Path, str]:
    """Every generated file and what it holds."""
    page = ROOT / "docs" / "metrics.md"
    table = f"\n{metrics_table()}\n\n"
    return {
        ROOT / "deploy" / "prometheus" / "alerts.yml": _yaml(rule_file()),
        ROOT / "k8s" / "monitoring" / "prometheus-rule.yaml": _yaml(prometheus_rule()),
        ROOT / "deploy" / "grafana" / "dashboards" / "tickfleet.json": json.dumps(
            dashboard(), indent=1
        )
        + "\n",
        page: _MARKED.sub(lambda mark: mark[1] + table + mark[2], page.read_text(encoding="utf-8")),
    }


def _yaml(document: dict[str, Any]) -> str:
    return _NOTE + yaml.safe_dump(document, sort_keys=False, width=100, allow_unicode=True)


if __name__ == "__main__":
    for path, text in files().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
