import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from snapshots import (
    ManifestRef,
    PartitionImage,
    SnapshotScope,
    SnapshotWriter,
    StoreError,
    list_snapshots,
    load_image,
    load_manifest,
)
from snapshots.retention import GarbageReport, collect_garbage
from tests.snapshots.builders import HEADER, SCOPE, advance, assert_same_state, make_image
from tests.snapshots.memory_store import MemoryStore, fail_at

History = list[tuple[ManifestRef, PartitionImage]]
INTERVAL_S = 10.0


class Partition:
    """Ten snapshots, one every 10 s from 1010 s on; each changes one chunk of three in turn."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.writer = SnapshotWriter(self.store, HEADER, keep=3, clock=lambda: self.store.now_s)
        self.history: History = []
        image = make_image(130)
        for number in range(10):
            self.store.now_s += INTERVAL_S
            self.history.append((self.writer.submit(SCOPE, image).result(), image))
            image = advance(image, [64 * (number % 3)])

    @property
    def refs(self) -> list[ManifestRef]:
        return [ref for ref, _ in self.history]

    def collect(self, *protected: ManifestRef, keep: int = 3, age_s: float = 0.0) -> GarbageReport:
        return collect_garbage(
            self.store,
            SCOPE,
            keep=keep,
            protected={ref.digest for ref in protected},
            older_than_s=self.store.now_s - age_s + 1,
        )

    def assert_all_listed_are_whole(self) -> None:
        images = dict(self.history)
        for ref in list_snapshots(self.store, SCOPE):
            manifest = load_manifest(self.store, SCOPE, ref)
            assert_same_state(load_image(self.store, manifest), images[ref])


@pytest.fixture
def partition() -> Iterator[Partition]:
    partition = Partition()
    yield partition
    partition.store.before = lambda _action, _key: None
    assert partition.writer.close(timeout_s=30)


def _listed_chunks(store: MemoryStore) -> set[str]:
    return {
        SCOPE.chunk_key(chunk.sha256)
        for ref in list_snapshots(store, SCOPE)
        for chunk in load_manifest(store, SCOPE, ref).chunks
    }


def test_the_newest_stay_whole_and_nothing_else_is_left(partition: Partition) -> None:
    report = partition.collect()
    assert report.kept == tuple(reversed(partition.refs[-3:]))
    assert report.deleted_manifests == 7
    partition.assert_all_listed_are_whole()
    assert set(partition.store.list(SCOPE.chunk_prefix)) == _listed_chunks(partition.store)
    # Three snapshots that change one chunk each: the oldest's three, then two more.
    assert len(partition.store.list(SCOPE.chunk_prefix)) == 5
    assert partition.collect().deleted_chunks == 0


def test_protected_snapshots_and_their_parents_stay(partition: Partition) -> None:
    report = partition.collect(partition.refs[4], keep=1)
    assert report.kept == (partition.refs[9], partition.refs[4], partition.refs[3])
    partition.assert_all_listed_are_whole()


def test_a_protected_digest_that_is_not_stored_changes_nothing(partition: Partition) -> None:
    report = partition.collect(ManifestRef(1, "f" * 64), keep=2)
    assert report.kept == tuple(reversed(partition.refs[-2:]))


def test_young_snapshots_and_chunks_stay(partition: Partition) -> None:
    orphan = SCOPE.chunk_key("e" * 64)
    partition.store.put(orphan, b"another owner is about to write the manifest of this chunk")
    report = partition.collect(keep=1, age_s=4 * INTERVAL_S + 2)
    assert report.kept == tuple(reversed(partition.refs[-5:]))
    assert orphan in partition.store.objects
    partition.assert_all_listed_are_whole()
    partition.store.now_s += 1000
    assert partition.collect(keep=1).deleted_manifests == 4
    assert orphan not in partition.store.objects


def test_what_is_exactly_as_old_as_the_limit_stays(partition: Partition) -> None:
    limit_s = partition.store.now_s - INTERVAL_S
    orphan = SCOPE.chunk_key("e" * 64)
    partition.store.put(orphan, b"another owner is about to write the manifest of this chunk")
    partition.store.modified_s[orphan] = limit_s
    report = collect_garbage(partition.store, SCOPE, keep=1, protected=set(), older_than_s=limit_s)
    assert report.kept == (partition.refs[9], partition.refs[8])
    assert orphan in partition.store.objects


def test_damaged_manifests_do_not_take_the_place_of_sound_ones(partition: Partition) -> None:
    partition.store.flip_bit(SCOPE.manifest_key(partition.refs[9]))
    partition.store.flip_bit(SCOPE.manifest_key(partition.refs[7]))
    report = partition.collect(keep=3)
    assert report.kept == (partition.refs[8], partition.refs[6], partition.refs[5])
    partition.assert_all_listed_are_whole()


def test_no_chunk_is_deleted_while_a_kept_manifest_cannot_be_read(partition: Partition) -> None:
    partition.store.flip_bit(SCOPE.manifest_key(partition.refs[2]))
    before = partition.store.list(SCOPE.chunk_prefix)
    report = partition.collect(partition.refs[2])
    assert report.unreadable == (partition.refs[2],)
    assert partition.store.list(SCOPE.chunk_prefix) == before


# Five manifests and four chunks are garbage here.
@pytest.mark.parametrize("deletions", range(9))
def test_a_crash_between_any_two_deletions_leaves_every_listed_snapshot_whole(
    partition: Partition, deletions: int
) -> None:
    partition.store.before = fail_at(deletions, actions=("delete",))
    with pytest.raises(StoreError):
        partition.collect(partition.refs[5])
    partition.store.before = lambda _action, _key: None
    partition.assert_all_listed_are_whole()
    partition.collect(partition.refs[5])
    partition.assert_all_listed_are_whole()
    assert set(partition.store.list(SCOPE.chunk_prefix)) == _listed_chunks(partition.store)


# One listing and the reads of ten manifests come before the first deletion.
@pytest.mark.parametrize("lasting", [True, False])
@pytest.mark.parametrize("reads", range(11))
def test_nothing_is_deleted_when_the_store_cannot_be_read(
    partition: Partition, reads: int, lasting: bool
) -> None:
    before = dict(partition.store.objects)
    partition.store.before = fail_at(reads, actions=("get", "list"), lasting=lasting)
    with pytest.raises(StoreError):
        partition.collect()
    assert partition.store.objects == before


def test_other_partitions_and_strangers_are_left_alone(partition: Partition) -> None:
    neighbour = SnapshotScope(SCOPE.group, SCOPE.topic, 30)
    foreign = [
        neighbour.chunk_key("a" * 64),
        neighbour.manifest_key(ManifestRef(1, "a" * 64)),
        SCOPE.prefix + "dumps/x",
        SCOPE.chunk_prefix + "notes.txt",
        SCOPE.manifest_prefix + "notes.txt",
    ]
    for key in foreign:
        partition.store.put(key, b"")
    partition.store.now_s += 1000
    partition.collect()
    assert set(foreign) <= partition.store.objects.keys()


def test_the_writer_keeps_the_base_of_its_next_snapshot(partition: Partition) -> None:
    """A former owner's snapshots at larger offsets must not push out the base of the next."""
    store, writer = partition.store, partition.writer
    ref, image = partition.history[2]
    writer.adopt(SCOPE, ref)
    store.now_s += 1000
    report = writer.collect_garbage(SCOPE, set(), min_age_s=1.0).result()
    assert ref in report.kept
    image = advance(image, [0])
    new = writer.submit(SCOPE, image).result()
    assert_same_state(load_image(store, load_manifest(store, SCOPE, new)), image)


def test_lost_chunks_of_the_base_are_written_anew_by_the_next_snapshot(
    partition: Partition,
) -> None:
    store, writer = partition.store, partition.writer
    ref, image = partition.history[-1]
    chunks = load_manifest(store, SCOPE, ref).chunks
    assert writer.collect_garbage(SCOPE, set()).result().missing_chunks == 0
    del store.objects[SCOPE.chunk_key(chunks[2].sha256)]
    assert writer.collect_garbage(SCOPE, set()).result().missing_chunks == 1
    assert writer.collect_garbage(SCOPE, set()).result().missing_chunks == 0
    image = advance(image, [0])
    new = writer.submit(SCOPE, image).result()
    assert_same_state(load_image(store, load_manifest(store, SCOPE, new)), image)


def test_chunks_of_the_base_stay_though_its_manifest_is_gone(partition: Partition) -> None:
    store, writer = partition.store, partition.writer
    for ref, _ in partition.history[-3:]:
        del store.objects[SCOPE.manifest_key(ref)]
    store.now_s += 1000
    assert writer.collect_garbage(SCOPE, set(), min_age_s=1.0).result().missing_chunks == 0
    image = advance(partition.history[-1][1], [0])
    new = writer.submit(SCOPE, image).result()
    assert_same_state(load_image(store, load_manifest(store, SCOPE, new)), image)


def test_a_manifest_is_read_once_and_no_snapshot_waits_for_it(partition: Partition) -> None:
    """A cloud's store takes half a second for each, and an hour's are several hundred."""
    store, writer, image = partition.store, partition.writer, partition.history[-1][1]
    reading, go_on = threading.Event(), threading.Event()

    def hold(action: str, _key: str) -> None:
        if action == "get":
            reading.set()
            assert go_on.wait(30)

    store.before = hold
    first = writer.collect_garbage(SCOPE, set(), min_age_s=-1.0)
    assert reading.wait(30)
    writer.submit(SCOPE, advance(image, [0])).result(timeout=30)
    go_on.set()
    assert len(first.result(timeout=30).kept) == 3
    writer.submit(SCOPE, advance(image, [0, 1])).result(timeout=30)
    assert len(writer.collect_garbage(SCOPE, set(), min_age_s=-1.0).result(timeout=30).kept) == 3
    read = [key for action, key in store.calls if action == "get"]
    assert len(read) == len(set(read)) == 12
    assert set(store.list(SCOPE.chunk_prefix)) == _listed_chunks(store)


def test_age_is_measured_by_the_writers_clock(partition: Partition) -> None:
    report = partition.writer.collect_garbage(SCOPE, set()).result()
    assert len(report.kept) == 10
    partition.store.now_s += 3600
    report = partition.writer.collect_garbage(SCOPE, set()).result()
    assert report.kept == tuple(reversed(partition.refs[-3:]))


def test_closing_stops_a_collection(partition: Partition) -> None:
    stopped = collect_garbage(
        partition.store,
        SCOPE,
        keep=1,
        protected=(),
        older_than_s=1e9,
        should_stop=lambda: True,
    )
    assert (stopped.deleted_manifests, stopped.deleted_chunks) == (0, 0)
    partition.assert_all_listed_are_whole()


def test_closing_the_writer_stops_its_collection(partition: Partition) -> None:
    reached, go_on = threading.Event(), threading.Event()

    def hold(action: str, _key: str) -> None:
        if action == "delete":
            reached.set()
            assert go_on.wait(30)

    partition.store.before = hold
    future = partition.writer.collect_garbage(SCOPE, set(), min_age_s=-1.0)
    assert reached.wait(30)
    partition.writer.close(timeout_s=0.0)
    go_on.set()
    report = future.result(timeout=30)
    assert (report.deleted_manifests, report.deleted_chunks) == (7, 0)
    partition.assert_all_listed_are_whole()


def test_what_is_of_another_topic_neither_goes_nor_takes_the_place_of_ours() -> None:
    """Two clusters with the same names and one store: nobody here knows the other's commits."""
    store = MemoryStore()
    refs: dict[str, list[ManifestRef]] = {"theirs": [], "ours": []}
    for topic_id, begin in (("theirs", 500), ("ours", 100)):
        writer = SnapshotWriter(store, HEADER, keep=2, clock=lambda: 1e9)
        for number in range(4):
            image = make_image(3, offset=begin + number, seed=begin + number)
            image = replace(image, topic_id=topic_id)
            refs[topic_id].append(writer.submit(SCOPE, image).result())
    report = writer.collect_garbage(SCOPE, set(), topic_id="ours").result()
    assert report.foreign == tuple(reversed(refs["theirs"]))
    assert report.kept == (*report.foreign, *reversed(refs["ours"][2:]))
    for ref in report.kept:
        load_image(store, load_manifest(store, SCOPE, ref))
    # Without ids as ever: the newest stay, whosever they are.
    kept = writer.collect_garbage(SCOPE, set()).result().kept
    assert set(report.foreign) - set(kept) == set(report.foreign[2:])
