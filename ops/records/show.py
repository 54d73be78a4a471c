"""A decoded record as one line: JSON for programs, columns for people."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from rich.text import Text

from ops.records.decode import Record
from ops.strict_json import strict_json
from ops.terminal import printable

__all__ = ["as_json", "as_text"]

# What people look for first in each kind of record; everything else is in the JSON.
_SHOWN: Final[Mapping[str, tuple[str, ...]]] = {
    "Tick": ("price", "target", "timestamp_ns"),
    "PredictionResult": ("sequence", "timestamp_ns", "predicted_price", "scale", "mode"),
    "FlagEvent": ("severity", "type", "state", "timestamp_ns"),
    "DeadLetter": ("error_class", "message"),
    "JournalRecord": ("from_offset", "to_offset", "depth", "kernel_mask", "worker"),
}
_BAD: Final = frozenset({"critical", "Emergency"})
_PLACE_WIDTH, _KEY_WIDTH = 28, 14


def as_json(record: Record) -> str:
    """One line of strict JSON: NaN and infinities are null, bytes are {"base64": …}."""
    envelope = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp_ms": record.timestamp_ms,
        "key": record.key,
        "kind": record.kind,
        "value": record.value,
    }
    if record.problem:
        envelope["problem"] = record.problem
    return strict_json(envelope)


def as_text(record: Record) -> Text:
    """Place, key, the fields that matter, and which flags are raised."""
    place = f"{record.topic}[{record.partition}]@{record.offset}"
    line = Text(no_wrap=True)
    line.append(place.ljust(_PLACE_WIDTH) + " ", "dim")
    line.append(printable(record.key or "-").ljust(_KEY_WIDTH), "bold")
    if record.value is None:
        return line.append(f" {printable(str(record.problem))}", "red")
    names = _SHOWN.get(record.kind or "") or tuple(record.value)
    for name in names:
        if name in record.value:
            _append_field(line, name, record.value[name])
    if record.kind == "PredictionResult":
        raised = [name for name, value in record.value.items() if value is True]
        line.append("  " + " ".join(raised), "yellow")
    return line


def _append_field(line: Text, name: str, value: Any) -> None:
    shown = _brief(name, value)
    line.append(f"  {name}=", "dim").append(shown, "red" if shown in _BAD else "")


def _brief(name: str, value: Any) -> str:
    if name.endswith("_ns") and isinstance(value, int) and value > 0:
        moment = datetime.fromtimestamp(value // 1_000_000_000, UTC)
        return f"{moment:%Y-%m-%dT%H:%M:%S}.{value % 1_000_000_000 // 1_000_000:03d}Z"
    if isinstance(value, float):
        return f"{value:.8g}"
    return printable(str(value))
