"""File, environment and defaults into one checked `Settings`, or one message that says why not."""

import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args, get_type_hints

from pydantic import ValidationError

from core import PredictorConfig
from ops.settings.environment import read_environment
from ops.settings.errors import SettingsError
from ops.settings.explain import WORKER_KEYS, Given, explain, located
from ops.settings.model import HttpSettings, Settings
from ops.settings.sources import merge, normalise, read_file
from snapshots import StoreAccessError, StoreOptions
from workers.batching.shedding import SheddingPolicy
from workers.config import WorkerConfig
from workers.errors import ConfigurationError

__all__ = ["load_settings"]


def load_settings(
    path: Path | None,
    *,
    environment: Mapping[str, str] | None = None,
    defaults: Mapping[str, Any] | None = None,
    overrides: Mapping[str, Any] | None = None,
    check: Callable[[WorkerConfig], None] = lambda _: None,
) -> Settings:
    """Read and check all settings; the environment overrides the file.

    Args:
        path: a TOML file; None uses the environment alone.
        environment: variables; None is this process's own.
        defaults: what neither of them needs to give, for commands that use a part only.
        overrides: what wins over both, from the command line.
        check: what more the worker's are put to; raises a ConfigurationError.

    Raises:
        ConfigurationError: a setting is missing, unknown or wrong; the message names it, and where
            it was given.
    """
    variables = os.environ if environment is None else environment
    given = Given(
        path,
        file=normalise(read_file(path), str(path)) if path else {},
        environment=normalise(read_environment(variables), "environment"),
        command_line=overrides or {},
    )
    merged = merge(
        # A StatefulSet's pod name is stable and unique, which is what worker_id must be.
        {"group_id": "tickfleet", "worker_id": socket.gethostname()},
        defaults or {},
        given.file,
        given.environment,
        given.command_line,
    )
    worker = {key: value for key, value in merged.items() if key in WORKER_KEYS}
    rest = {key: value for key, value in merged.items() if key not in WORKER_KEYS}
    try:
        _refuse_booleans(merged)
        settings = Settings.model_validate({"worker": worker, **rest})
        check(settings.worker)
    except ValidationError as error:
        raise SettingsError(explain(error, given)) from None
    except (ConfigurationError, StoreAccessError) as error:
        raise SettingsError(located(str(error), given)) from None
    return settings


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
