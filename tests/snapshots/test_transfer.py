"""Snapshots taken elsewhere are the same state, and what was moved is told."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from snapshots import (
    SnapshotHeader,
    SnapshotMismatchError,
    SnapshotScope,
    SnapshotWriter,
    collect_garbage,
    compare,
    copy_snapshot,
    list_snapshots,
    load_image,
    load_manifest,
    retarget,
)
from snapshots.errors import IntegrityError
from snapshots.rehearsal import RehearsalStore
from tests.snapshots.builders import HEADER, SCOPE, advance, assert_same_state, make_image
from tests.snapshots.memory_store import MemoryStore

OTHER = SnapshotScope("another", "ticks-2", 3)


def _written(store: MemoryStore, *, snapshots: int = 2) -> None:
    writer = SnapshotWriter(store, HEADER)
    image = make_image(150)
    for _ in range(snapshots):
        writer.submit(SCOPE, replace(image, topic_id="ours")).result()
        image = advance(image, [3], new_assets=1)
    writer.close(10)


def test_to_another_store_a_snapshot_keeps_its_name_and_its_parent() -> None:
    here, there = MemoryStore(), MemoryStore()
    _written(here)
    for ref in reversed(list_snapshots(here, SCOPE)):
        manifest = load_manifest(here, SCOPE, ref)
        assert copy_snapshot(here, manifest, there, retarget(manifest, SCOPE)) == ref
    assert there.list("") == here.list("")
    assert load_manifest(there, SCOPE, list_snapshots(here, SCOPE)[0]).parent is not None


def test_to_another_group_it_begins_a_journal_and_a_line_of_its_own() -> None:
    store = MemoryStore()
    _written(store)
    newest = list_snapshots(store, SCOPE)[0]
    manifest = load_manifest(store, SCOPE, newest)
    wanted = retarget(manifest, OTHER, begin_at=7)
    ref = copy_snapshot(store, manifest, store, wanted)
    copied = load_manifest(store, OTHER, ref)
    assert (ref.offset, copied.journal_position, copied.parent) == (7, 0, None)
    assert manifest.topic_id == "ours"
    assert copied.topic_id is None, "it is of whichever topic it is restored for"
    image = load_image(store, copied)
    original = load_image(store, manifest)
    assert image.asset_ids == original.asset_ids
    assert image.rows.tobytes() == original.rows.tobytes()


def test_another_configuration_is_taken_on_and_another_layout_is_refused() -> None:
    store = MemoryStore()
    _written(store, snapshots=1)
    manifest = load_manifest(store, SCOPE, list_snapshots(store, SCOPE)[0])
    tuned = SnapshotHeader(
        schema_version=HEADER.schema_version,
        config={**HEADER.config, "epsilon": 0.5},
        fingerprint="fedcba9876543210",
        runtime=HEADER.runtime,
        blocks=HEADER.blocks,
        dtype=HEADER.dtype,
    )
    assert retarget(manifest, OTHER, header=tuned).header.config["epsilon"] == 0.5
    smaller = SnapshotHeader(
        schema_version="1.0",
        config={},
        fingerprint="0",
        runtime={},
        blocks={"global": (0, 3)},
        dtype="float32",
    )
    with pytest.raises(SnapshotMismatchError, match="dtype and blocks differ") as refused:
        retarget(manifest, OTHER, header=smaller)
    assert refused.value.differing == ("dtype", "blocks")


def test_a_damaged_chunk_is_not_copied_and_nothing_names_the_rest() -> None:
    here, there = MemoryStore(), MemoryStore()
    _written(here, snapshots=1)
    manifest = load_manifest(here, SCOPE, list_snapshots(here, SCOPE)[0])
    key = SCOPE.chunk_key(manifest.chunks[-1].sha256)
    data = here.get(key)
    here.put(key, bytes([data[0] ^ 1]) + data[1:])
    with pytest.raises(IntegrityError):
        copy_snapshot(here, manifest, there, retarget(manifest, SCOPE))
    assert list_snapshots(there, SCOPE) == []


@pytest.mark.parametrize("damage", [lambda data: data[:-9], lambda data: b"\0" + data[1:]])
def test_what_is_damaged_in_the_target_is_written_anew_and_what_is_sound_is_not(
    damage: Callable[[bytes], bytes],
) -> None:
    here, there = MemoryStore(), MemoryStore()
    _written(here, snapshots=1)
    ref = list_snapshots(here, SCOPE)[0]
    manifest = load_manifest(here, SCOPE, ref)
    there.objects |= here.objects
    there.modified_s |= here.modified_s
    bad = SCOPE.chunk_key(manifest.chunks[1].sha256)
    there.objects[bad] = damage(there.objects[bad])
    sound: set[str] = set()
    for _ in range(2):
        copy_snapshot(here, manifest, there, manifest, sound=sound)
    assert there.written("chunks") == [bad]
    assert there.objects == here.objects
    assert [action for action, _ in there.calls].count("get") == len(manifest.chunks)


def test_a_comparison_tells_assets_and_chunks() -> None:
    store = MemoryStore()
    _written(store)
    second, first = (load_manifest(store, SCOPE, ref) for ref in list_snapshots(store, SCOPE))
    found = compare(first, second, store=store)
    assert found.changed == ("asset-3-é",)
    assert found.added == ("asset-150-é",)
    assert found.removed == ()
    assert (found.offsets, found.shared_chunks, found.config) == (10, 1, ())
    assert compare(second, second, store=store).changed == ()


def test_a_rehearsal_removes_nothing() -> None:
    store = MemoryStore()
    _written(store)
    before = store.list("")
    rehearsal = RehearsalStore(store)
    report = collect_garbage(rehearsal, SCOPE, keep=1, protected=(), older_than_s=float("inf"))
    # Manifests younger than `older_than_s` stay: with infinity none is young.
    assert report.deleted_manifests == 1
    assert store.list("") == before
    assert len(rehearsal.deleted) == report.deleted_manifests + report.deleted_chunks
    rehearsal.put("a", b"b")
    assert rehearsal.written == ["a"]
    assert_same_state(
        load_image(store, load_manifest(store, SCOPE, report.kept[0])),
        load_image(rehearsal, load_manifest(rehearsal, SCOPE, report.kept[0])),
    )
