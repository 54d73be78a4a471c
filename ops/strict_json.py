"""JSON as its standard has it: what Python writes may hold NaN, which others refuse to read."""

import base64
import json
import math
from typing import Any

__all__ = ["strict_json"]


def strict_json(value: Any, *, indent: int | None = None) -> str:
    """The text; NaN and infinities are null, bytes are {"base64": …}."""
    return json.dumps(_plain(value), indent=indent, allow_nan=False)


def _plain(value: Any) -> Any:
    match value:
        case float() if not math.isfinite(value):
            return None
        case bytes():
            return {"base64": base64.b64encode(value).decode()}
        case dict():
            return {key: _plain(item) for key, item in value.items()}
        case list() | tuple():
            return [_plain(item) for item in value]
        case _:
            return value
