"""What is wrong with the settings, for a person: by key, and by where the key was given."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from core import PredictorConfig
from ops.settings.environment import PREFIX
from ops.settings.model import HttpSettings, LogSettings, TracesSettings
from ops.settings.sources import CLIENTS, OPTION_TABLES
from snapshots import StoreOptions
from workers.batching.shedding import SheddingPolicy
from workers.config import Topics, WorkerConfig

__all__ = ["WORKER_KEYS", "Given", "explain", "located"]

WORKER_KEYS: Final = frozenset(field.name for field in fields(WorkerConfig))
_KNOWN: Final[Mapping[tuple[str, ...], frozenset[str]]] = {
    (): WORKER_KEYS | {"http", "log", "traces"},
    ("topics",): frozenset(field.name for field in fields(Topics)),
    ("predictor",): frozenset(field.name for field in fields(PredictorConfig)),
    ("http",): frozenset(HttpSettings.model_fields),
    ("store_options",): frozenset(field.name for field in fields(StoreOptions)),
    ("shedding",): frozenset(field.name for field in fields(SheddingPolicy)),
    ("log",): frozenset(LogSettings.model_fields),
    ("traces",): frozenset(TracesSettings.model_fields),
}


@dataclass(frozen=True, slots=True)
class Given:
    """What each source gave, nested; a later one wins.

    Attributes:
        path: of the file; None when there is none.
        file: its settings.
        environment: those of the variables.
        command_line: those of options.
    """

    path: Path | None
    file: Mapping[str, Any]
    environment: Mapping[str, Any]
    command_line: Mapping[str, Any]

    def has(self, keys: Sequence[str]) -> bool:
        """Whether anybody gave it."""
        return any(_has(one, keys) for one in (self.file, self.environment, self.command_line))

    def source_of(self, keys: Sequence[str]) -> str:
        """Who gave the value that counts; the file, or the environment, where nobody did."""
        if _has(self.command_line, keys):
            return "command line"
        if _has(self.environment, keys):
            return _variable(keys)
        return str(self.path or "environment")


def explain(error: ValidationError, given: Given) -> str:
    """All wrong keys in one line; the values are not repeated, they may be secrets."""
    by_source: dict[str, list[str]] = {}
    for one in error.errors(include_url=False, include_input=False):
        location = [str(part) for part in one["loc"]]
        keys = location[1:] if location[0] == "worker" else location
        source = given.source_of([*keys, *_named_first(keys, one["msg"])])
        by_source.setdefault(source, []).append(_explain_one(keys, one["type"], one["msg"]))
    return "; ".join(f"{source}: {'; '.join(lines)}" for source, lines in by_source.items())


def located(message: str, given: Given) -> str:
    """A message that names keys as `topics.ticks`, after the source of the first that was given.

    Options of clients have their names without the table.
    """
    words = [word for word in re.findall(r"[\w.]+", message) if word not in OPTION_TABLES]
    options = [[table, word] for word in words for table in OPTION_TABLES]
    keys = [word.split(".") for word in words]
    settings = [place for place in keys if place[-1] in _KNOWN.get(tuple(place[:-1]), ())]
    for place in [*options, *settings]:
        if given.has(place):
            return f"{given.source_of(place)}: {message}"
    return message


def _variable(keys: Sequence[str]) -> str:
    above = ["kafka"] if keys[0] in CLIENTS and len(keys) > 1 else []
    return PREFIX + "__".join([*above, *keys]).replace(".", "__").upper()


def _named_first(table: list[str], message: str) -> list[str]:
    """A table's own error begins with the key that is wrong."""
    word = re.match(r"(?:Value error, )?(\w+)", message)
    return [word[1]] if word and word[1] in _KNOWN.get(tuple(table), ()) else []


def _has(settings: Mapping[str, Any], keys: Sequence[str]) -> bool:
    found: Any = settings
    for key in keys:
        if not isinstance(found, Mapping) or key not in found:
            return False
        found = found[key]
    return True


def _explain_one(keys: list[str], kind: str, message: str) -> str:
    name, table = ".".join(keys), tuple(keys[:-1])
    if kind == "missing":
        return (
            f"{name} is missing: set it in a settings file (--config FILE), or {_variable(keys)} "
            "in the environment"
        )
    if kind in {"extra_forbidden", "unexpected_keyword_argument"}:
        close = difflib.get_close_matches(keys[-1], _KNOWN.get(table, ()), n=1)
        remedy = f"did you mean {close[0]}?" if close else "remove it"
        return f"{name} is unknown: {remedy}"
    if kind in {"model_type", "dataclass_type"}:
        return f"{name} must be a table: write it as [{name}]"
    return f"{name}: {message.removeprefix('Value error, ')}"
