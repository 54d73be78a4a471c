"""Write the tables of docs/contracts.md: fields from the .avsc files, events from their code.

Run `python docs/generate_contracts.py` after changing a contract; a test compares.
"""

import json
import re
from pathlib import Path
from typing import Any

from core import LEVEL_FLAGS, RESULT_FLAGS, Flag
from schemas import FlagType
from workers.emission.flag_events import FLAG_TYPES, SHEDDING_SEVERITY

__all__ = ["PAGE", "render"]

PAGE = Path(__file__).parent / "contracts.md"
_AVRO = Path(__file__).parents[1] / "schemas" / "avro"
_EVENTS = re.compile(r"(<!-- events -->\n).*?(<!-- end -->)", re.DOTALL)
_HAPPENED = {
    FlagType.EMERGENCY_MODE: "The path is rougher than `holder_threshold` allows: kernel D takes "
    "all weight.",
    FlagType.REGIME_CHANGE_DETECTED: "CUSUM raised an alarm: the forecast errors have drifted. The "
    "weights are uniform at this tick.",
    FlagType.DEGRADED_INFERENCE_MODE: "Ticks are older than `staleness_ttl_ns` when they are "
    "answered: the weights are frozen until one is younger than `inference_recovery_hysteresis` "
    "of that.",
    FlagType.NORMAL_OPERATION_RESTORED: "Comes with each DegradedInferenceMode `cleared`.",
    FlagType.MODE_COLLAPSE_WARNING: "The Deep Galerkin kernel's solution has lost its entropy: it "
    "has no weight until it is trained anew.",
    FlagType.MODE_DEGRADATION_ALERT: "Comes with each ModeCollapseWarning `raised`.",
    FlagType.KURTOSIS_OUTLIER_WARNING: "The tails of the forecast errors are extreme.",
    FlagType.STALENESS_WARNING: "Comes with each DegradedInferenceMode `raised`.",
    FlagType.FREQUENCY_WARNING: "A tick came too long after the accepted one before it for the "
    "scale analysis; it ends when 64 came in time.",
    FlagType.DOMAIN_ERROR: "A tick was rejected as an outlier; it ends with the first that is not.",
    FlagType.FROZEN_SIGNAL: "The price repeats longer than this asset's habit makes likely.",
    FlagType.LOAD_SHEDDING: "Of a whole partition, without an `asset_id`: to keep up, its worker "
    "answers with less depth or fewer kernels than at rest.",
}
_TABLE = re.compile(r"(<!-- fields: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def render(page: str) -> str:
    """The page with every marked table written anew."""
    page = _EVENTS.sub(lambda mark: mark[1] + _events() + mark[2], page)
    return _TABLE.sub(lambda mark: mark[1] + _table(mark[2]) + mark[3], page)


def _events() -> str:
    field_of = {flag: f"`{name}`" for name, flag in RESULT_FLAGS.items()}
    rows = {
        kind: (
            "raised, cleared" if bit & LEVEL_FLAGS else "instant",
            severity.value,
            field_of.get(Flag(bit), "–"),
        )
        for bit, (kind, severity) in FLAG_TYPES.items()
    }
    shedding = [
        f"{severity.value} ({state.value})" for state, severity in SHEDDING_SEVERITY.items()
    ]
    rows[FlagType.LOAD_SHEDDING] = (
        ", ".join(SHEDDING_SEVERITY),
        ", ".join(shedding),
        "`signature_depth`, `kernel_mask`",
    )
    lines = ["| `type` | `state` | `severity` | field of the result | what happened |"]
    lines.append("|---|---|---|---|---|")
    for kind, text in _HAPPENED.items():
        lines.append(f"| {kind} | {' | '.join(rows.pop(kind))} | {text} |")
    assert not rows, f"what happened is not told: {rows}"
    return "\n" + "\n".join(lines) + "\n\n"


def _table(name: str) -> str:
    document = json.loads((_AVRO / f"{name}.avsc").read_text(encoding="utf-8"))
    rows = ["| field | type | meaning |", "|---|---|---|"]
    for field in document["fields"]:
        default = f" Default: `{json.dumps(field['default'])}`." if "default" in field else ""
        rows.append(f"| `{field['name']}` | {_type(field['type'])} | {field['doc']}{default} |")
    return f"\n{document['doc']}\n\n" + "\n".join(rows) + "\n\n"


def _type(kind: Any) -> str:
    if isinstance(kind, list):
        return " or ".join(_type(branch) for branch in kind)
    if isinstance(kind, str):
        return kind
    inner = {
        "array": lambda: f"array of {_type(kind['items'])}",
        "map": lambda: f"map of {_type(kind['values'])}",
        "enum": lambda: "enum: " + ", ".join(kind["symbols"]),
        "record": lambda: (
            "record of "
            + ", ".join(f"{field['name']} ({_type(field['type'])})" for field in kind["fields"])
        ),
    }
    return inner[kind["type"]]()


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
