"""File, environment and defaults into one checked `Settings`, or one message that says why not."""

import difflib
import os
import socket
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

from pydantic import ValidationError

from core import PredictorConfig
from ops.settings.environment import PREFIX, read_environment
from ops.settings.errors import SettingsError
from ops.settings.model import HttpSettings, LogSettings, Settings, TracesSettings
from ops.settings.sources import merge, normalise, read_file
from snapshots import StoreAccessError, StoreOptions
from workers.config import Topics, WorkerConfig
from workers.shedding import SheddingPolicy

__all__ = ["load_settings"]

_WORKER_KEYS: Final = frozenset(field.name for field in fields(WorkerConfig))
_KNOWN: Final[Mapping[tuple[str, ...], frozenset[str]]] = {
    (): _WORKER_KEYS | {"http", "log", "traces"},
    ("topics",): frozenset(field.name for field in fields(Topics)),
    ("predictor",): frozenset(field.name for field in fields(PredictorConfig)),
    ("http",): frozenset(HttpSettings.model_fields),
    ("store_options",): frozenset(field.name for field in fields(StoreOptions)),
    ("shedding",): frozenset(field.name for field in fields(SheddingPolicy)),
    ("log",): frozenset(LogSettings.model_fields),
    ("traces",): frozenset(TracesSettings.model_fields),
}


def load_settings(
    path: Path | None,
    *,
    environment: Mapping[str, str] | None = None,
    defaults: Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> Settings:
    """Read and check all settings; the environment overrides the file.

    Args:
        path: a TOML file; None uses the environment alone.
        environment: variables; None is this process's own.
        defaults: what neither of them needs to give, for commands that use a part only.
        overrides: what wins over both, from the command line.

    Raises:
        ConfigurationError: a setting is missing, unknown or wrong; the message names it.
    """
    variables = os.environ if environment is None else environment
    merged = merge(
        # A StatefulSet's pod name is stable and unique, which is what worker_id must be.
        {"group_id": "tickfleet", "worker_id": socket.gethostname()},
        defaults or {},
        normalise(read_file(path)) if path else {},
        normalise(read_environment(variables)),
        overrides or {},
    )
    _refuse_booleans(merged)
    worker = {key: value for key, value in merged.items() if key in _WORKER_KEYS}
    rest = {key: value for key, value in merged.items() if key not in _WORKER_KEYS}
    try:
        return Settings.model_validate({"worker": worker, **rest})
    except ValidationError as error:
        raise SettingsError(_explain(error, path)) from None
    except StoreAccessError as error:
        raise SettingsError(str(error)) from None


def _refuse_booleans(settings: Mapping[str, Any]) -> None:
    """`true` is no number, though Python counts with it."""
    tables: tuple[tuple[str, Any], ...] = (
        ("", WorkerConfig),
        ("predictor", PredictorConfig),
        ("store_options", StoreOptions),
        ("shedding", SheddingPolicy),
        ("http", HttpSettings),
    )
    for table, model in tables:
        given = settings.get(table, {}) if table else settings
        for key, hint in get_type_hints(model).items():
            numeric = {int, float} & {hint, *get_args(hint)}
            if isinstance(given, Mapping) and numeric and isinstance(given.get(key), bool):
                name = f"{table}.{key}" if table else key
                raise SettingsError(f"{name} must be a number, not true or false")


def _explain(error: ValidationError, path: Path | None) -> str:
    """One line for each wrong key; the value itself is not repeated, it may be a secret."""
    lines = [
        _explain_one([str(part) for part in one["loc"]], one["type"], one["msg"])
        for one in error.errors(include_url=False, include_input=False)
    ]
    return f"{path or 'environment'}: " + "; ".join(lines)


def _explain_one(location: list[str], kind: str, message: str) -> str:
    keys = location[1:] if location[0] == "worker" else location
    name, table = ".".join(keys), tuple(keys[:-1])
    if kind == "missing":
        variable = PREFIX + "__".join(keys).upper()
        return (
            f"{name} is missing: set it in a settings file (--config FILE), or {variable} in the "
            "environment"
        )
    if kind in {"extra_forbidden", "unexpected_keyword_argument"}:
        close = difflib.get_close_matches(keys[-1], _KNOWN.get(table, ()), n=1)
        remedy = f"did you mean {close[0]}?" if close else "remove it"
        return f"{name} is unknown: {remedy}"
    return f"{name}: {message.removeprefix('Value error, ')}"
