"""The specification's snapshot of one asset (section 6): one sealed document, K-blocks inside.

What it shares with the chunks of a fleet: msgpack with a SHA-256 trailer, arrays as dtype, shape
and little-endian bytes, the full configuration compared on load.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy import ndarray

from snapshots.arrays import pack_array, unpack_array
from snapshots.envelope import get_field, get_map, seal, unseal
from snapshots.errors import IntegrityError, SnapshotMismatchError
from snapshots.header import SnapshotHeader, canonical

__all__ = ["SingleSnapshot", "decode_single", "encode_single"]

_FORMAT = "tickfleet/asset/1"
_KERNELS = ("A", "B", "C", "D")


@dataclass(frozen=True, slots=True)
class SingleSnapshot:
    """One asset at one moment.

    Attributes:
        rows: its state, see `core.asset_layout`.
        last_timestamp_ns: of its last accepted tick; None before the first.
        sequence: ticks seen.
        created_ns: Unix time of the snapshot, given by the caller.
        telemetry: figures for people; not read back into the state.
        flags: likewise.
    """

    rows: Float[ndarray, " rows"]
    last_timestamp_ns: int | None
    sequence: int
    created_ns: int
    telemetry: Mapping[str, float]
    flags: Mapping[str, bool]


def encode_single(header: SnapshotHeader, snapshot: SingleSnapshot) -> bytes:
    """The document's bytes, checksum included."""
    blocks = {
        name: pack_array(snapshot.rows[start:stop]) for name, (start, stop) in header.blocks.items()
    }
    document = {
        "format": _FORMAT,
        "schema_version": header.schema_version,
        "timestamp": snapshot.created_ns,
        "config": canonical(header.config),
        "dtype": header.dtype,
        "last_timestamp_ns": snapshot.last_timestamp_ns,
        "sequence": snapshot.sequence,
        "global": blocks["global"],
        "telemetry": dict(snapshot.telemetry),
        "flags": dict(snapshot.flags),
        "kernels": {name: blocks[name] for name in _KERNELS},
    }
    return seal(document).data


def decode_single(data: bytes, header: SnapshotHeader) -> SingleSnapshot:
    """The snapshot in a document.

    Raises:
        IntegrityError: the bytes are not what was written.
        SnapshotMismatchError: sound, but of another configuration, schema or dtype.
    """
    document = unseal(data)
    if document.get("format") != _FORMAT:
        raise IntegrityError(f"not a snapshot of one asset: format {document.get('format')!r:.40}")
    _compare(document, header)
    blocks = {"global": document.get("global"), **get_map(document.get("kernels"), "kernels")}
    parts = [
        unpack_array(blocks.get(name), name, dtype=header.dtype, shape=(stop - start,))
        for name, (start, stop) in header.blocks.items()
    ]
    last = document.get("last_timestamp_ns")
    if last is not None and type(last) is not int:
        raise IntegrityError("last_timestamp_ns is neither a number nor null")
    telemetry = get_map(document.get("telemetry"), "telemetry")
    flags = get_map(document.get("flags"), "flags")
    return SingleSnapshot(
        rows=np.concatenate(parts).astype(header.dtype),
        last_timestamp_ns=last,
        sequence=get_field(document, "sequence", int),
        created_ns=get_field(document, "timestamp", int),
        telemetry={name: get_field(telemetry, name, float) for name in telemetry},
        flags={name: get_field(flags, name, bool) for name in flags},
    )


def _compare(document: Mapping[str, object], header: SnapshotHeader) -> None:
    stored = get_map(document.get("config"), "config")
    ours = get_map(canonical(header.config), "config")
    differing = [key for key in sorted({*stored, *ours}) if stored.get(key) != ours.get(key)]
    for key, value in (("schema_version", header.schema_version), ("dtype", header.dtype)):
        if document.get(key) != value and key not in differing:
            differing.append(key)
    if differing:
        raise SnapshotMismatchError(
            f"the snapshot differs in {', '.join(differing)}: load it with the configuration it "
            "was written under, or start cold",
            tuple(differing),
        )
