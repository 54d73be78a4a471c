"""All settings as TOML that can be loaded again, with secrets masked."""

import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from enum import Enum
from typing import Any, Final

from ops.settings.model import Settings

__all__ = ["MASK", "masked", "render_settings"]

MASK: Final = "********"
_SECRET: Final = re.compile(r"password|secret|key|token|credential|user\.info|jaas|oauthbearer")
_URL_USER: Final = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def render_settings(settings: Settings) -> str:
    """Every setting in force, defaults included; unset ones as comments."""
    worker = asdict(settings.worker)
    worker["predictor"] = settings.worker.predictor.to_dict()
    everything = {
        **worker,
        "http": settings.http.model_dump(),
        "log": settings.log.model_dump(),
        "traces": settings.traces.model_dump(),
    }
    scalars = {key: value for key, value in everything.items() if not isinstance(value, Mapping)}
    lines = [_line(key, value) for key, value in scalars.items()]
    for name, table in everything.items():
        if isinstance(table, Mapping) and table:
            header = f"kafka.{name}" if name in {"consumer", "producer"} else name
            lines += ["", f"[{header}]", *(_line(key, value) for key, value in table.items())]
    return "\n".join(lines) + "\n"


def masked(key: str, value: str) -> str:
    """The value, unless its key or its form says that it is, or holds, a secret."""
    return MASK if _SECRET.search(key.lower()) else _URL_USER.sub(MASK, value)


def _line(key: str, value: Any) -> str:
    name = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key)
    if value is None:
        return f"# {name} is not set"
    plain = value.value if isinstance(value, Enum) else value
    return f"{name} = {json.dumps(masked(key, plain) if isinstance(plain, str) else plain)}"
