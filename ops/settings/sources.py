"""Where settings come from, brought to one shape before they are merged.

The file and the environment may each write a client option nested or with dots
(`[kafka] sasl.mechanism`, `"sasl.mechanism"`, `TICKFLEET_KAFKA__SASL__MECHANISM`): all become
`{"kafka": {"sasl.mechanism": …}}` first, so that one overrides the other.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from ops.settings.errors import SettingsError

__all__ = ["CLIENTS", "OPTION_TABLES", "merge", "normalise", "read_file"]

CLIENTS: Final = ("consumer", "producer")
"""Whose options are a table within `[kafka]`."""
# Tables of client options: names with dots, values passed on as strings.
OPTION_TABLES: Final = ("kafka", *CLIENTS, "schema_registry")


def read_file(path: Path) -> dict[str, Any]:
    """The settings file as TOML has it.

    Raises:
        SettingsError: it cannot be read or is no TOML.
    """
    try:
        return tomllib.loads(path.read_text("utf-8-sig"))  # some editors put a mark before
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"cannot read {path}: {error}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{path} is no valid TOML: {error}") from error


def normalise(raw: Mapping[str, Any], source: str) -> dict[str, Any]:
    """`[kafka.consumer]` becomes the table `consumer`; option tables become flat strings.

    Args:
        raw: settings of one source.
        source: which, for the error.

    Raises:
        SettingsError: an option table is not a table.
    """
    settings = dict(raw)
    if isinstance(kafka := settings.get("kafka"), Mapping):
        kafka = dict(kafka)
        for client in CLIENTS:
            if client in kafka:
                settings[client] = kafka.pop(client)
        settings["kafka"] = kafka
    for table in OPTION_TABLES:
        if table in settings:
            if not isinstance(settings[table], Mapping):
                raise SettingsError(
                    f"{source}: {table} must be a table of options: write it as [{table}]"
                )
            settings[table] = _flatten(settings[table])
    return settings


def merge(*sources: Mapping[str, Any]) -> dict[str, Any]:
    """Merge tables key by key; a later source wins."""
    merged: dict[str, Any] = {}
    for source in sources:
        for key, value in source.items():
            old = merged.get(key)
            if isinstance(old, Mapping) and isinstance(value, Mapping):
                merged[key] = merge(old, value)
            else:
                merged[key] = value
    return merged


def _flatten(options: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for key, value in options.items():
        if isinstance(value, Mapping):
            flat |= _flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = str(value).lower() if isinstance(value, bool) else str(value)
    return flat
