"""The header of the program that runs now."""

from typing import Literal

from core import PredictorConfig, asset_layout, runtime_versions
from snapshots.header import SnapshotHeader

__all__ = ["current_header"]


def current_header(
    config: PredictorConfig, dtype: Literal["float64", "float32"] = "float64"
) -> SnapshotHeader:
    """What snapshots of this process say, and what `restore` compares them with."""
    blocks = asset_layout(config).blocks
    return SnapshotHeader(
        schema_version=config.schema_version,
        config=config.to_dict(),
        fingerprint=config.fingerprint(),
        runtime=runtime_versions(dtype),
        blocks={name: (columns.start, columns.stop) for name, columns in blocks.items()},
        dtype=dtype,
    )
