"""Cost of snapshots on this machine: `python -m benchmarks.snapshots`.

Bytes an asset, microseconds an asset to serialise and hash (one thread, no I/O) and to verify and
decode, then whole snapshots to a file store: full, incremental, unchanged, and the restore. Best
of several rounds. State is random numbers: it neither compresses nor repeats.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Literal, TypeVar, cast

import numpy as np

from core import PredictorConfig
from snapshots import (
    CHUNK_ROWS,
    PartitionImage,
    SnapshotHeader,
    SnapshotScope,
    SnapshotWriter,
    current_header,
    open_store,
    restore,
)
from snapshots.chunk import ChunkEntry, decode_chunk, encode_chunk
from snapshots.store import ObjectStore

_T = TypeVar("_T")
_SCOPE = SnapshotScope("benchmark", "ticks", 0)


def make_image(header: SnapshotHeader, assets: int, rng: np.random.Generator) -> PartitionImage:
    return PartitionImage(
        offset=0,
        journal_position=0,
        asset_ids=tuple(f"ASSET-{row:06d}" for row in range(assets)),
        rows=rng.normal(size=(assets, header.features)).astype(header.dtype),
        last_timestamp_ns=rng.integers(0, 2**62, assets),
        sequence=rng.integers(0, 2**40, assets),
        dirty=np.ones(assets, dtype=np.bool_),
    )


def best_s(call: Callable[[], _T], rounds: int) -> tuple[float, _T]:
    """Seconds of the fastest round, and the last round's value."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        value = call()
        times.append(time.perf_counter() - start)
    return min(times), value


def codec_row(name: str, header: SnapshotHeader, assets: int, rounds: int) -> None:
    image = make_image(header, assets, np.random.default_rng(0))
    chunks = range(-(-assets // CHUNK_ROWS))
    encode_s, sealed = best_s(
        lambda: [encode_chunk(image, header, index) for index in chunks], rounds
    )
    entries = [
        ChunkEntry(one.digest, min(CHUNK_ROWS, assets - index * CHUNK_ROWS))
        for index, one in enumerate(sealed)
    ]
    decode_s, _ = best_s(
        lambda: [
            decode_chunk(one.data, entry, header)
            for one, entry in zip(sealed, entries, strict=True)
        ],
        rounds,
    )
    size = sum(len(one.data) for one in sealed) / assets
    print(
        f"{name:24} {header.features:8d} {size:12.0f} {size - header.row_bytes:9.0f} "
        f"{encode_s / assets * 1e6:14.2f} {decode_s / assets * 1e6:11.2f}"
    )


class _Partition:
    """One partition that is snapshotted again and again."""

    def __init__(self, store: ObjectStore, header: SnapshotHeader, assets: int) -> None:
        self.store, self.header = store, header
        self.image = make_image(header, assets, np.random.default_rng(1))
        self.writer = SnapshotWriter(store, header)
        self.offsets = count(1)

    def save(self, dirty_share: float) -> int:
        """One snapshot with this share of chunks changed; the bytes that it wrote."""
        before = self._stored_bytes()
        rows = np.zeros(len(self.image.asset_ids), dtype=np.bool_)
        chunks = -(-len(rows) // CHUNK_ROWS)
        changed = np.arange(round(dirty_share * chunks)) * CHUNK_ROWS
        rows[changed] = True
        self.image.rows[changed] += 1.0
        image = replace(self.image, offset=next(self.offsets), dirty=rows)
        self.ref = self.writer.submit(_SCOPE, image).result()
        return self._stored_bytes() - before

    def restore(self) -> None:
        restore(self.store, self.header, _SCOPE, self.ref)

    def _stored_bytes(self) -> int:
        return sum(entry.size_bytes for entry in self.store.entries(_SCOPE.prefix))


def store_rows(name: str, header: SnapshotHeader, assets: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        partition = _Partition(open_store(Path(folder).as_uri()), header, assets)
        partition.save(1.0)
        for what, share in (("full", 1.0), ("10% of chunks", 0.1), ("unchanged", 0.0)):
            seconds, written = best_s(partial(partition.save, share), rounds)
            print(f"{name:24} {what:16} {seconds * 1e3:10.1f} {written / 1e6:12.3f}")
        seconds, _ = best_s(partition.restore, rounds)
        print(f"{name:24} {'restore':16} {seconds * 1e3:10.1f} {'':>12}")
        partition.writer.close(timeout_s=10)


def layouts() -> dict[str, SnapshotHeader]:
    """This build's own state, and the largest state that the design's budget allows."""
    found = {}
    for name, budget_bytes in (("float64", 20_000), ("float32", 10_000)):
        dtype = cast("Literal['float64', 'float32']", name)
        own = current_header(PredictorConfig(), dtype)
        found[f"{name}, this build"] = own
        width = budget_bytes // np.dtype(dtype).itemsize
        found[f"{name}, budget"] = replace(own, blocks={"global": (0, width)})
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assets", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    print(f"{options.assets} assets in one partition\n")
    print(
        f"{'layout':24} {'features':>8} {'bytes/asset':>12} {'overhead':>9} "
        f"{'encode us/asset':>14} {'decode':>10}"
    )
    for name, header in layouts().items():
        codec_row(name, header, options.assets, options.rounds)
    print(f"\n{'layout':24} {'file store':16} {'ms':>10} {'MB written':>12}")
    for name, header in layouts().items():
        store_rows(name, header, options.assets, options.rounds)


if __name__ == "__main__":
    main()
