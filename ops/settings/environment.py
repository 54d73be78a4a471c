"""`TICKFLEET_*` variables as one nested mapping of strings.

`__` goes one table down, so `TICKFLEET_KAFKA__SASL__PASSWORD` is `sasl.password` in `[kafka]`.
Values stay strings until the model converts them: guessing types here (as JSON would) changes
a password such as `1e5`.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

from ops.settings.errors import SettingsError

__all__ = ["PREFIX", "read_environment"]

PREFIX: Final = "TICKFLEET_"
# Variables of the same prefix that are no settings: tools, tests, and the links that Kubernetes
# adds to every pod for a Service named "tickfleet".
_NOT_SETTINGS: Final = re.compile(
    r"TICKFLEET_(CONFIG|CACHE_DIR|VENV|FAULT|TEST_.*|SERVICE_(HOST|PORT).*|PORT(_\d+_(TCP|UDP).*)?)"
)


def read_environment(environment: Mapping[str, str]) -> dict[str, Any]:
    """Nested settings from variables; keys are in lower case.

    Raises:
        SettingsError: a variable gives a value and a table to the same key.
    """
    nested: dict[str, Any] = {}
    for name, value in sorted(environment.items()):
        if name.startswith(PREFIX) and not _NOT_SETTINGS.fullmatch(name):
            _insert(nested, name.removeprefix(PREFIX).lower().split("__"), value, name)
    return nested


def _insert(nested: dict[str, Any], path: list[str], value: str, name: str) -> None:
    *tables, key = path
    for table in tables:
        nested = nested.setdefault(table, {})
        if not isinstance(nested, dict):
            raise SettingsError(
                f"{name}: {table} has a value of its own already; unset one of them"
            )
    nested[key] = value
