"""Snapshots beside the hot path: the caller hands over an image and goes on.

Serialising, hashing and uploading happen on I/O threads: chunks first, the manifest last, so a
manifest never names what is not there. The one invariant: a row that changed since the last
*durable* snapshot is written by the next one, whatever failed in between.
"""

import threading
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool

from snapshots import retention
from snapshots.errors import (
    IntegrityError,
    InvalidSnapshotError,
    ObjectNotFoundError,
    SnapshotBusyError,
    WriterClosedError,
)
from snapshots.header import SnapshotHeader, layout_differences
from snapshots.image import PartitionImage
from snapshots.io_threads import IoThreads
from snapshots.known_manifests import KnownManifests
from snapshots.load import list_snapshots, load_manifest
from snapshots.manifest import Manifest, encode_manifest
from snapshots.plan import Base, merge_dirty, reusable_chunks
from snapshots.scope import ManifestRef, SnapshotScope
from snapshots.store import ObjectStore
from snapshots.uploads import write_chunks

__all__ = ["SnapshotWriter"]


@dataclass(slots=True)
class _ScopeState:
    """What the writer knows of one scope. Only the job that holds `lock` touches the rest, but
    for `known`, which is the collections'."""

    adopted: ManifestRef | None = None
    base: Base | None = None
    undurable: Bool[np.ndarray, " n"] = field(default_factory=lambda: np.zeros(0, dtype=np.bool_))
    in_flight: "Future[ManifestRef] | None" = None
    known: KnownManifests = field(default_factory=KnownManifests)
    lock: threading.Lock = field(default_factory=threading.Lock)


class SnapshotWriter:
    """Writes the snapshots of all partitions of one worker.

    `keep`: manifests that garbage collection leaves. `threads`: snapshots that are written at
    once; `uploads`: chunks in flight together, over all of them. `clock`: epoch seconds, used
    only to tell the age of garbage. Methods are called from one thread, the worker's loop; none
    of them does I/O but `close`, which waits.
    """

    def __init__(
        self,
        store: ObjectStore,
        header: SnapshotHeader,
        *,
        keep: int = 5,
        threads: int = 2,
        uploads: int = 4,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if min(keep, threads, uploads) < 1:
            raise InvalidSnapshotError("keep, threads and uploads must be at least 1")
        self._store = store
        self._header = header
        self._keep = keep
        self._clock = clock
        self._states: dict[SnapshotScope, _ScopeState] = {}
        self._closed = False
        self._jobs = IoThreads(threads, "snapshot")
        self._uploads = ThreadPoolExecutor(uploads, thread_name_prefix="snapshot-upload")
        # Deleting takes one call after another: snapshots of other scopes must not wait for it.
        self._collections = IoThreads(1, "snapshot-garbage")

    def submit(
        self, scope: SnapshotScope, image: PartitionImage, *, created_at_ns: int | None = None
    ) -> "Future[ManifestRef]":
        """Take over `image` and return at once; the Future ends when the snapshot is durable.

        The Future raises `StoreError` or `StoreAccessError` when the upload failed: the snapshot
        before stays the base, and the failed image's dirty rows are written by the next one.
        Raises here: `SnapshotBusyError` (one in flight per scope: keep the dirty flags),
        `InvalidSnapshotError` (the image does not fit the header), `WriterClosedError`.
        """
        self._require_open()
        if image.rows.shape[1] != self._header.features or image.rows.dtype != self._header.dtype:
            raise InvalidSnapshotError(
                f"image rows are {image.rows.shape[1]} x {image.rows.dtype}, the header says "
                f"{self._header.features} x {self._header.dtype}"
            )
        state = self._states.setdefault(scope, _ScopeState())
        if state.in_flight is not None and not state.in_flight.done():
            raise SnapshotBusyError(
                f"{scope.topic}/{scope.partition} has a snapshot in flight: submit again later"
            )
        state.in_flight = self._jobs.submit(self._save, state, scope, image, created_at_ns)
        return state.in_flight

    def adopt(
        self, scope: SnapshotScope, ref: ManifestRef, manifest: Manifest | None = None
    ) -> None:
        """Make a restored snapshot the base of the next one, so that its chunks are re-used.

        From here on dirty flags mean: changed since `ref`. Without its `manifest` the first
        snapshot reads it from the store.
        """
        state = _ScopeState(adopted=ref)
        if manifest is not None:
            state.base = self._usable_base(ref, manifest)
            state.adopted = None
        self._states[scope] = state

    def forget(self, scope: SnapshotScope) -> None:
        """Drop a revoked partition. A snapshot already being written ends by itself."""
        state = self._states.pop(scope, None)
        if state is not None and state.in_flight is not None:
            state.in_flight.cancel()

    def collect_garbage(
        self,
        scope: SnapshotScope,
        protected: Collection[str],
        *,
        min_age_s: float = retention.GRACE_AGE_S,
        topic_id: str | None = None,
    ) -> "Future[retention.GarbageReport]":
        """Delete what is not needed and older than `min_age_s`; see `snapshots.retention`.

        Where the store has lost chunks which the next snapshot would take over, that one writes
        everything. `protected`: digests that committed offsets name; `topic_id`: of the ticks
        topic, to leave what is of another one. Runs beside the hot path and
        the snapshots of other scopes, after the snapshot in flight of this one; one at a time.
        """
        self._require_open()
        state = self._states.get(scope, _ScopeState())
        return self._collections.submit(
            self._collect, state, scope, frozenset(protected), min_age_s, topic_id
        )

    def close(self, timeout_s: float) -> bool:
        """Wait up to `timeout_s` for snapshots in flight, then take no more work.

        Returns whether nothing is under way any more, also no snapshot of a forgotten scope and no
        collection, which are not waited for. What is, is abandoned: a manifest is written last, so
        nothing half-written is ever named.
        """
        self._closed = True
        running = [state.in_flight for state in self._states.values() if state.in_flight]
        self._collections.close()
        wait(running, timeout=timeout_s)
        saved = self._jobs.close()
        self._uploads.shutdown(wait=False, cancel_futures=True)
        return self._collections.idle and saved

    def _require_open(self) -> None:
        if self._closed:
            raise WriterClosedError("the snapshot writer is closed: create another one")

    def _save(
        self,
        state: _ScopeState,
        scope: SnapshotScope,
        image: PartitionImage,
        created_at_ns: int | None,
    ) -> ManifestRef:
        with state.lock:
            # First of all and kept until durable: a failure below must not forget these rows.
            state.undurable = merge_dirty(state.undurable, image.dirty)
            base = self._base(state, scope)
            if base is not None and image.offset < base.ref.offset:
                raise InvalidSnapshotError(
                    f"image at offset {image.offset} is older than its base at {base.ref.offset}: "
                    "forget the scope before it starts over"
                )
            chunks = write_chunks(
                self._uploads,
                self._store,
                scope,
                image=image,
                header=self._header,
                reused=reusable_chunks(image, state.undurable, base),
            )
            manifest = Manifest(
                scope=scope,
                offset=image.offset,
                journal_position=image.journal_position,
                header=self._header,
                chunks=chunks,
                parent=None if base is None else base.ref,
                created_at_ns=created_at_ns,
                last_decision=image.last_decision,
                topic_id=image.topic_id,
            )
            sealed = encode_manifest(manifest)
            ref = ManifestRef(offset=image.offset, digest=sealed.digest)
            self._store.put(scope.manifest_key(ref), sealed.data)
            state.base = Base(ref, chunks, image.asset_ids)
            state.undurable = np.zeros(len(image.asset_ids), dtype=np.bool_)
        return ref

    def _base(self, state: _ScopeState, scope: SnapshotScope) -> Base | None:
        """The durable snapshot to build on; an adopted one that is damaged is none."""
        if state.adopted is not None:
            try:
                manifest = load_manifest(self._store, scope, state.adopted)
                state.base = self._usable_base(state.adopted, manifest)
            except (IntegrityError, ObjectNotFoundError):
                state.base = None
            state.adopted = None
        return state.base

    def _usable_base(self, ref: ManifestRef, manifest: Manifest) -> Base | None:
        if layout_differences(manifest.header, self._header):
            return None
        return Base(ref, manifest.chunks, asset_ids=None)

    def _collect(
        self,
        state: _ScopeState,
        scope: SnapshotScope,
        protected: frozenset[str],
        min_age_s: float,
        topic_id: str | None,
    ) -> retention.GarbageReport:
        # Those that are not known take long, of a new owner above all: no snapshot waits for it.
        state.known.look(self._store, scope, list_snapshots(self._store, scope))
        with state.lock:
            base = state.adopted or (state.base.ref if state.base else None)
            report = retention.collect_garbage(
                self._store,
                scope,
                keep=self._keep,
                # The next snapshot will take chunks over from the base.
                protected=protected | ({base.digest} if base else set()),
                older_than_s=self._clock() - min_age_s,
                in_use={chunk.sha256 for chunk in state.base.chunks} if state.base else (),
                should_stop=lambda: self._closed,
                topic_id=topic_id,
                known=state.known,
            )
            if report.missing_chunks:
                state.base = None
            return report
