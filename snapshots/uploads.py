"""Writing the chunks of one image, several at a time."""

from collections.abc import Sequence
from concurrent.futures import CancelledError, Executor

from snapshots.chunk import CHUNK_ROWS, ChunkEntry, encode_chunk
from snapshots.errors import WriterClosedError
from snapshots.header import SnapshotHeader
from snapshots.image import PartitionImage
from snapshots.scope import SnapshotScope
from snapshots.store import ObjectStore

__all__ = ["write_chunks"]


def write_chunks(
    pool: Executor,
    store: ObjectStore,
    scope: SnapshotScope,
    *,
    image: PartitionImage,
    header: SnapshotHeader,
    reused: Sequence[ChunkEntry | None],
) -> tuple[ChunkEntry, ...]:
    """Every chunk of `image` in order: taken over where `reused` names one, else written.

    A chunk is serialised by the thread that uploads it, so no more than one per thread is in
    memory. Raises the first upload's error; the uploads not yet begun are given up.
    """

    def write(index: int) -> ChunkEntry:
        sealed = encode_chunk(image, header, index)
        store.put(scope.chunk_key(sealed.digest), sealed.data)
        rows = len(image.asset_ids[index * CHUNK_ROWS : (index + 1) * CHUNK_ROWS])
        return ChunkEntry(sealed.digest, rows)

    missing = [index for index, entry in enumerate(reused) if entry is None]
    try:
        writes = {index: pool.submit(write, index) for index in missing}
    except RuntimeError as error:
        raise WriterClosedError("closed while a snapshot was being written") from error
    try:
        # Not concurrent.futures.wait(): it never learns of futures that a shutdown cancels.
        written = {index: future.result() for index, future in writes.items()}
    except CancelledError as error:
        raise WriterClosedError("closed while a snapshot was being written") from error
    finally:
        for future in writes.values():
            future.cancel()
    return tuple(entry or written[index] for index, entry in enumerate(reused))
