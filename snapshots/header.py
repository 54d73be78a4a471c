"""What a snapshot says about the program that wrote it, and how two programs are compared.

The full configuration is compared, not only its version: a snapshot of other parameters would
load without complaint and forecast something else.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import cast

import numpy as np

from snapshots.errors import InvalidSnapshotError

__all__ = ["SnapshotHeader", "config_differences", "layout_differences", "runtime_differences"]

_DTYPES = ("float32", "float64")
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class SnapshotHeader:
    """Configuration, state layout and runtime of the writer.

    `blocks`: K-block name -> (start, stop) columns of a row; contiguous from 0 in the given order.
    `dtype`: "float64" or "float32". `runtime`: versions and flags, reported when they differ.
    """

    schema_version: str
    config: Mapping[str, object]
    fingerprint: str
    runtime: Mapping[str, str]
    blocks: Mapping[str, tuple[int, int]]
    dtype: str

    def __post_init__(self) -> None:
        """Raises `InvalidSnapshotError` for a layout that has holes or an unknown dtype."""
        if self.dtype not in _DTYPES:
            raise InvalidSnapshotError(f"dtype {self.dtype!r} is not one of {_DTYPES}")
        edge = 0
        for name, (start, stop) in self.blocks.items():
            if not name or start != edge or stop < start:
                raise InvalidSnapshotError(
                    f"block {name!r} covers columns {start}:{stop}, expected a start at {edge}"
                )
            edge = stop
        blocks = {name: (int(start), int(stop)) for name, (start, stop) in self.blocks.items()}
        object.__setattr__(self, "blocks", MappingProxyType(blocks))
        config = cast("dict[str, object]", canonical(self.config))
        object.__setattr__(self, "config", MappingProxyType(config))
        object.__setattr__(self, "runtime", MappingProxyType(dict(sorted(self.runtime.items()))))

    @property
    def features(self) -> int:
        """Columns of a row."""
        return max((stop for _, stop in self.blocks.values()), default=0)

    @property
    def row_bytes(self) -> int:
        return self.features * np.dtype(self.dtype).itemsize


def canonical(value: object) -> object:
    """Plain data with sorted keys and lists for tuples: equal configurations, equal bytes."""
    if isinstance(value, Mapping):
        return {str(key): canonical(value[key]) for key in sorted(value, key=str)}
    if isinstance(value, list | tuple):
        return [canonical(item) for item in value]
    return value


def config_differences(stored: SnapshotHeader, current: SnapshotHeader) -> tuple[str, ...]:
    """Names of the configuration keys that differ, then "schema_version" and "fingerprint"."""
    keys = sorted(set(stored.config) | set(current.config))
    names = [
        key for key in keys if stored.config.get(key, _ABSENT) != current.config.get(key, _ABSENT)
    ]
    if stored.schema_version != current.schema_version and "schema_version" not in names:
        names.append("schema_version")
    if stored.fingerprint != current.fingerprint and not names:
        names.append("fingerprint")
    return tuple(names)


def layout_differences(stored: SnapshotHeader, current: SnapshotHeader) -> tuple[str, ...]:
    """ "dtype" and "blocks", when the stored rows cannot be this program's state."""
    names = []
    if stored.dtype != current.dtype:
        names.append("dtype")
    if list(stored.blocks.items()) != list(current.blocks.items()):
        names.append("blocks")
    return tuple(names)


def runtime_differences(
    stored: SnapshotHeader, current: SnapshotHeader
) -> dict[str, tuple[str | None, str | None]]:
    """Runtime entry -> (stored, current) where they differ. Bits may then differ from the past."""
    keys = sorted(set(stored.runtime) | set(current.runtime))
    pairs = {key: (stored.runtime.get(key), current.runtime.get(key)) for key in keys}
    return {key: pair for key, pair in pairs.items() if pair[0] != pair[1]}
