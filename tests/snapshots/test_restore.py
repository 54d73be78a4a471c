from collections.abc import Iterable
from dataclasses import replace

import pytest

from snapshots import (
    AnotherTopicError,
    ManifestRef,
    NoValidSnapshotError,
    PartitionImage,
    SnapshotHeader,
    SnapshotMismatchError,
    SnapshotScope,
    SnapshotWriter,
    StoreAccessError,
    StoreError,
    list_snapshots,
    load_manifest,
    restore,
)
from tests.snapshots.builders import HEADER, SCOPE, advance, assert_same_state, make_image
from tests.snapshots.memory_store import MemoryStore, fail_at

History = list[tuple[ManifestRef, PartitionImage]]


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


def _write(store: MemoryStore, count: int, header: SnapshotHeader = HEADER) -> History:
    """Snapshots that each change every chunk, so that none shares one with another."""
    writer, image, history = SnapshotWriter(store, header), make_image(130), []
    for _ in range(count):
        history.append((writer.submit(SCOPE, image).result(), image))
        image = advance(image, [0, 64, 128])
    assert writer.close(timeout_s=30)
    return history


def _chunk_key(store: MemoryStore, ref: ManifestRef, index: int) -> str:
    return SCOPE.chunk_key(load_manifest(store, SCOPE, ref).chunks[index].sha256)


def test_the_snapshot_named_is_used(store: MemoryStore) -> None:
    history = _write(store, 3)
    for ref, image in history:
        restored = restore(store, HEADER, SCOPE, ref)
        assert restored.ref == ref
        assert not restored.report.fell_back
        assert [attempt.reason for attempt in restored.report.attempts] == [None]
        assert_same_state(restored.image, image)


@pytest.mark.parametrize("older", [True, False])
def test_one_of_which_there_is_no_manifest_may_be_in_another_store(
    store: MemoryStore, *, older: bool
) -> None:
    (parent, _), (ref, _) = _write(store, 2)
    gone = [ref] if older else [ref, parent]
    for one in gone:
        store.delete(SCOPE.manifest_key(one))
    if older:
        refused = restore(store, HEADER, SCOPE, ref).report.describe()
    else:
        with pytest.raises(NoValidSnapshotError) as caught:
            restore(store, HEADER, SCOPE, ref)
        refused = str(caught.value)
    assert refused.count("another worker of the group writes to another snapshot_url") == 1


@pytest.mark.parametrize("damage", ["flip", "delete", "truncate", "empty", "swap"])
@pytest.mark.parametrize("index", [0, 2])
def test_a_damaged_chunk_leads_to_the_parent(store: MemoryStore, damage: str, index: int) -> None:
    (_, _), (parent, parent_image), (ref, _) = _write(store, 3)
    key = _chunk_key(store, ref, index)
    if damage == "flip":
        store.flip_bit(key)
    elif damage == "delete":
        store.delete(key)
    elif damage == "truncate":
        store.objects[key] = store.objects[key][:-1]
    elif damage == "empty":
        store.objects[key] = b""
    else:
        # A sound chunk, but another one than its name says.
        store.objects[key] = store.objects[_chunk_key(store, parent, index)]
    restored = restore(store, HEADER, SCOPE, ref)
    assert restored.ref == parent
    assert restored.report.fell_back
    assert [attempt.ref for attempt in restored.report.refused] == [ref]
    assert key in str(restored.report.refused[0].reason)
    assert_same_state(restored.image, parent_image)


@pytest.mark.parametrize("delete", [True, False])
def test_an_unreadable_manifest_leads_to_the_newest_one_before(
    store: MemoryStore, delete: bool
) -> None:
    history = _write(store, 4)
    ref = history[2][0]
    if delete:
        store.delete(SCOPE.manifest_key(ref))
    else:
        store.flip_bit(SCOPE.manifest_key(ref))
    restored = restore(store, HEADER, SCOPE, ref)
    assert restored.ref == history[1][0]
    assert_same_state(restored.image, history[1][1])


def test_a_chain_of_damage_is_walked_to_the_first_sound_snapshot(store: MemoryStore) -> None:
    history = _write(store, 5)
    store.flip_bit(_chunk_key(store, history[4][0], 1))
    store.delete(SCOPE.manifest_key(history[3][0]))
    store.flip_bit(SCOPE.manifest_key(history[2][0]))
    store.flip_bit(_chunk_key(store, history[1][0], 0))
    restored = restore(store, HEADER, SCOPE, history[4][0])
    assert [attempt.ref for attempt in restored.report.attempts] == [
        ref for ref, _ in reversed(history)
    ]
    assert_same_state(restored.image, history[0][1])


def test_a_commit_without_a_snapshot_finds_none(store: MemoryStore) -> None:
    _write(store, 1)
    with pytest.raises(NoValidSnapshotError) as caught:
        restore(store, HEADER, SCOPE, None)
    assert caught.value.report.attempts == ()


def test_when_all_are_damaged_the_report_says_why_each(store: MemoryStore) -> None:
    history = _write(store, 3)
    store.flip_bit(SCOPE.manifest_key(history[0][0]))
    store.delete(_chunk_key(store, history[1][0], 0))
    store.flip_bit(_chunk_key(store, history[2][0], 0))
    with pytest.raises(NoValidSnapshotError) as caught:
        restore(store, HEADER, SCOPE, history[2][0])
    reasons = [str(attempt.reason) for attempt in caught.value.report.refused]
    assert [attempt.ref for attempt in caught.value.report.refused] == [
        ref for ref, _ in reversed(history)
    ]
    assert ["checksum" in reasons[0], "no object" in reasons[1], "checksum" in reasons[2]] == [
        True
    ] * 3
    assert caught.value.report.describe() in str(caught.value)


def test_damage_on_the_way_only_is_read_again(store: MemoryStore) -> None:
    ((ref, image),) = _write(store, 1)
    key = _chunk_key(store, ref, 0)
    sound = store.objects[key]
    store.flip_bit(key)
    reads = []

    def repair_on_second_read(action: str, read: str) -> None:
        if (action, read) == ("get", key):
            reads.append(read)
            if len(reads) == 2:
                store.objects[key] = sound

    store.before = repair_on_second_read
    restored = restore(store, HEADER, SCOPE, ref)
    assert not restored.report.fell_back
    assert_same_state(restored.image, image)


# A single failure: with lasting ones, the search for another snapshot would fail as well.
@pytest.mark.parametrize("lasting", [True, False])
@pytest.mark.parametrize("failing_get", [0, 1, 3])
def test_an_unreachable_store_is_never_taken_for_a_missing_snapshot(
    store: MemoryStore, failing_get: int, lasting: bool
) -> None:
    history = _write(store, 2)
    store.before = fail_at(failing_get, actions=("get", "list"), lasting=lasting)
    with pytest.raises(StoreError):
        restore(store, HEADER, SCOPE, history[1][0])


def test_a_store_that_refuses_is_never_taken_for_a_missing_snapshot(store: MemoryStore) -> None:
    history = _write(store, 1)

    def refuse(action: str, _key: str) -> None:
        if action == "get":
            raise StoreAccessError("denied")

    store.before = refuse
    with pytest.raises(StoreAccessError):
        restore(store, HEADER, SCOPE, history[0][0])


@pytest.mark.parametrize(
    ("header", "differing"),
    [
        (
            replace(HEADER, config={**HEADER.config, "epsilon": 1.0}, fingerprint="f" * 16),
            ("epsilon",),
        ),
        (replace(HEADER, schema_version="2.0"), ("schema_version",)),
        (replace(HEADER, dtype="float32"), ("dtype",)),
        (replace(HEADER, blocks={"global": (0, 12)}), ("blocks",)),
    ],
)
def test_another_configuration_or_layout_is_refused_by_name(
    store: MemoryStore, header: SnapshotHeader, differing: tuple[str, ...]
) -> None:
    history = _write(store, 2)
    with pytest.raises(SnapshotMismatchError, match=differing[0]) as caught:
        restore(store, header, SCOPE, history[1][0])
    assert caught.value.differing == differing


def test_another_runtime_is_reported_and_accepted(store: MemoryStore) -> None:
    ((ref, image),) = _write(store, 1)
    header = replace(HEADER, runtime={**HEADER.runtime, "jax": "0.9.0"})
    restored = restore(store, header, SCOPE, ref)
    assert restored.report.runtime_differences == {"jax": ("0.7.0", "0.9.0")}
    assert_same_state(restored.image, image)


def test_a_branch_takes_a_snapshot_of_another_configuration_but_not_layout(
    store: MemoryStore,
) -> None:
    ((ref, image),) = _write(store, 1)
    header = replace(HEADER, config={"epsilon": 1.0}, fingerprint="f" * 16)
    assert_same_state(restore(store, header, SCOPE, ref, accept_other_config=True).image, image)
    with pytest.raises(SnapshotMismatchError):
        restore(store, replace(header, dtype="float32"), SCOPE, ref, accept_other_config=True)


def test_an_ancestor_of_another_configuration_is_passed_over(store: MemoryStore) -> None:
    old = replace(HEADER, config={"epsilon": 9.0}, fingerprint="9" * 16)
    _write(store, 1, header=old)
    image = advance(make_image(130), [])
    image.dirty[:] = True
    writer = SnapshotWriter(store, HEADER)
    ref = writer.submit(SCOPE, image).result()
    assert writer.close(timeout_s=30)
    store.delete(SCOPE.manifest_key(ref))
    with pytest.raises(NoValidSnapshotError) as caught:
        restore(store, HEADER, SCOPE, ref)
    assert "epsilon" in str(caught.value.report.refused[1].reason)


def test_a_manifest_moved_to_another_partition_is_refused(store: MemoryStore) -> None:
    ((ref, _),) = _write(store, 1)
    other = SnapshotScope(SCOPE.group, SCOPE.topic, SCOPE.partition + 1)
    for key in list(store.objects):
        store.objects[key.replace(SCOPE.prefix, other.prefix)] = store.objects[key]
        store.modified_s[key.replace(SCOPE.prefix, other.prefix)] = 0.0
    with pytest.raises(NoValidSnapshotError, match="another group, topic or partition"):
        restore(store, HEADER, other, ref)


def test_list_snapshots_is_newest_first_and_ignores_strangers(store: MemoryStore) -> None:
    history = _write(store, 3)
    store.put(SCOPE.manifest_prefix + "README", b"")
    assert list_snapshots(store, SCOPE) == [ref for ref, _ in reversed(history)]


def test_an_asset_listed_twice_is_refused(store: MemoryStore) -> None:
    image = make_image(65)
    twice = replace(image, asset_ids=(*image.asset_ids[:64], image.asset_ids[0]))
    writer = SnapshotWriter(store, HEADER)
    ref = writer.submit(SCOPE, twice).result()
    assert writer.close(timeout_s=30)
    with pytest.raises(NoValidSnapshotError, match="twice"):
        restore(store, HEADER, SCOPE, ref)


def _write_of(
    store: MemoryStore, topic_id: str | None, offsets: Iterable[int]
) -> list[ManifestRef]:
    """A line of snapshots of one topic."""
    writer, refs = SnapshotWriter(store, HEADER), []
    for offset in offsets:
        image = replace(make_image(3, offset=offset, seed=offset), topic_id=topic_id)
        refs.append(writer.submit(SCOPE, image).result())
    assert writer.close(timeout_s=30)
    return refs


def test_the_newest_before_a_lost_snapshot_is_never_another_topics(store: MemoryStore) -> None:
    first, lost = _write_of(store, "ours", [140, 200])
    older, other = _write_of(store, "theirs", [120, 160])
    store.delete(SCOPE.manifest_key(lost))
    restored = restore(store, HEADER, SCOPE, lost, topic_id="ours")
    assert [attempt.ref for attempt in restored.report.attempts] == [lost, other, first]
    assert "another topic" in str(restored.report.attempts[1].reason)
    store.delete(SCOPE.manifest_key(first))
    with pytest.raises(NoValidSnapshotError) as caught:
        restore(store, HEADER, SCOPE, lost, topic_id="ours")
    assert [attempt.ref for attempt in caught.value.report.refused] == [lost, other, older]
    # As long as the brokers do not tell, all there is is taken for ours.
    assert restore(store, HEADER, SCOPE, lost).ref == other


def test_the_snapshot_named_is_refused_if_it_is_another_topics(store: MemoryStore) -> None:
    [unknown] = _write_of(store, None, [100])
    [theirs] = _write_of(store, "theirs", [200])
    with pytest.raises(AnotherTopicError, match="its id was theirs, now it is ours") as caught:
        restore(store, HEADER, SCOPE, theirs, topic_id="ours")
    assert (caught.value.topic_id, caught.value.journal_position) == ("theirs", 100)
    assert restore(store, HEADER, SCOPE, unknown, topic_id="ours").image.topic_id is None
