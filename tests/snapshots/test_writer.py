import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from snapshots import (
    InvalidSnapshotError,
    SnapshotBusyError,
    SnapshotScope,
    SnapshotWriter,
    StoreError,
    WriterClosedError,
    load_image,
    load_manifest,
    restore,
)
from tests.snapshots.builders import HEADER, SCOPE, advance, assert_same_state, make_image
from tests.snapshots.fuzz import UNHURRIED
from tests.snapshots.memory_store import MemoryStore, fail_at


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def writer(store: MemoryStore) -> Iterator[SnapshotWriter]:
    writer = SnapshotWriter(store, HEADER)
    yield writer
    store.before = lambda _action, _key: None
    assert writer.close(timeout_s=30)


class Gate:
    """A `before` hook that holds every call of one action until it is opened."""

    def __init__(self, action: str) -> None:
        self.reached, self.open = threading.Event(), threading.Event()
        self._action = action

    def __call__(self, action: str, _key: str) -> None:
        if action == self._action:
            self.reached.set()
            assert self.open.wait(30)


def test_what_is_written_is_restored_bit_for_bit(
    store: MemoryStore, writer: SnapshotWriter
) -> None:
    for assets in (0, 1, 64, 65, 200):
        scope = SnapshotScope("g", "t", assets)
        image = make_image(assets)
        ref = writer.submit(scope, image, created_at_ns=123).result()
        restored = restore(store, HEADER, scope, ref)
        assert ref.offset == image.offset
        assert restored.ref == ref
        assert restored.manifest.created_at_ns == 123
        assert_same_state(restored.image, image)


def test_chunks_come_first_and_the_manifest_last(
    store: MemoryStore, writer: SnapshotWriter
) -> None:
    writer.submit(SCOPE, make_image(200)).result()
    kinds = [key.split("/")[3] for action, key in store.calls if action == "put"]
    assert kinds == ["chunks"] * 4 + ["manifests"]


def test_only_chunks_with_changed_or_new_rows_are_written(
    store: MemoryStore, writer: SnapshotWriter
) -> None:
    first = make_image(200)
    parent = writer.submit(SCOPE, first).result()
    for changed, new, expected in [([], 0, 0), ([0, 63], 0, 1), ([64, 199], 0, 2), ([], 1, 1)]:
        before = len(store.written("chunks"))
        first = advance(first, changed, new_assets=new)
        ref = writer.submit(SCOPE, first).result()
        assert len(store.written("chunks")) - before == expected
        assert load_manifest(store, SCOPE, ref).parent == parent
        assert_same_state(restore(store, HEADER, SCOPE, ref).image, first)
        parent = ref


def test_equal_histories_give_equal_references(store: MemoryStore, writer: SnapshotWriter) -> None:
    other_store = MemoryStore()
    other = SnapshotWriter(other_store, HEADER)
    image = make_image(100)
    for _ in range(3):
        assert writer.submit(SCOPE, image).result() == other.submit(SCOPE, image).result()
        image = advance(image, [7])
    assert other.close(timeout_s=30)
    assert store.objects == other_store.objects


def test_submit_returns_while_the_store_blocks_and_takes_one_at_a_time(
    store: MemoryStore, writer: SnapshotWriter
) -> None:
    store.before = gate = Gate("put")
    future = writer.submit(SCOPE, make_image(10))
    assert gate.reached.wait(10)
    with pytest.raises(SnapshotBusyError):
        writer.submit(SCOPE, make_image(10))
    other = writer.submit(SnapshotScope("g", "t", 0), make_image(10))
    assert not future.done()
    gate.open.set()
    assert {future.result().offset, other.result().offset} == {100}
    writer.submit(SCOPE, advance(make_image(10), [])).result()


@pytest.mark.parametrize("failing_put", [0, 1, 2, 3])
def test_rows_of_a_failed_snapshot_are_written_by_the_next(
    store: MemoryStore, writer: SnapshotWriter, failing_put: int
) -> None:
    # 130 rows: chunks 0, 1, 2 and the manifest are put number 0, 1, 2 and 3.
    first = make_image(130)
    parent = writer.submit(SCOPE, first).result()
    second = advance(first, [3, 70, 129])
    store.before = fail_at(failing_put)
    with pytest.raises(StoreError):
        writer.submit(SCOPE, second).result()
    store.before = lambda _action, _key: None
    third = advance(second, [70], new_assets=1)
    ref = writer.submit(SCOPE, third).result()
    assert load_manifest(store, SCOPE, ref).parent == parent
    assert_same_state(restore(store, HEADER, SCOPE, ref).image, third)


def test_a_failed_first_snapshot_is_written_whole_by_the_next(
    store: MemoryStore, writer: SnapshotWriter
) -> None:
    store.before = fail_at(1)
    image = make_image(130)
    with pytest.raises(StoreError):
        writer.submit(SCOPE, image).result()
    store.before = lambda _action, _key: None
    image = advance(image, [])
    assert_same_state(
        restore(store, HEADER, SCOPE, writer.submit(SCOPE, image).result()).image, image
    )


@pytest.mark.parametrize("with_manifest", [True, False])
def test_an_adopted_snapshot_is_the_base_of_the_next(
    store: MemoryStore, writer: SnapshotWriter, with_manifest: bool
) -> None:
    ref = writer.submit(SCOPE, make_image(200)).result()
    restored = restore(store, HEADER, SCOPE, ref)
    successor = SnapshotWriter(store, HEADER)
    successor.adopt(SCOPE, restored.ref, restored.manifest if with_manifest else None)
    before = len(store.written("chunks"))
    image = advance(restored.image, [150])
    new = successor.submit(SCOPE, image).result()
    assert successor.close(timeout_s=30)
    assert len(store.written("chunks")) - before == 1
    assert load_manifest(store, SCOPE, new).parent == ref
    assert_same_state(restore(store, HEADER, SCOPE, new).image, image)


def test_an_adopted_snapshot_that_cannot_be_read_is_no_base(
    store: MemoryStore, writer: SnapshotWriter
) -> None:
    image = make_image(100)
    ref = writer.submit(SCOPE, image).result()
    store.flip_bit(SCOPE.manifest_key(ref))
    writer.adopt(SCOPE, ref)
    image = advance(image, [])
    new = writer.submit(SCOPE, image).result()
    assert load_manifest(store, SCOPE, new).parent is None
    assert_same_state(restore(store, HEADER, SCOPE, new).image, image)


def test_an_adopted_snapshot_stays_adopted_while_the_store_is_away(
    store: MemoryStore, writer: SnapshotWriter
) -> None:
    image = make_image(100)
    ref = writer.submit(SCOPE, image).result()
    writer.adopt(SCOPE, ref)
    store.before = fail_at(0, actions=("get",))
    image = advance(image, [3])
    with pytest.raises(StoreError):
        writer.submit(SCOPE, image).result()
    store.before = lambda _action, _key: None
    image = advance(image, [])
    new = writer.submit(SCOPE, image).result()
    assert load_manifest(store, SCOPE, new).parent == ref
    assert_same_state(restore(store, HEADER, SCOPE, new).image, image)


def test_a_base_of_another_layout_is_not_used(store: MemoryStore, writer: SnapshotWriter) -> None:
    ref = writer.submit(SCOPE, make_image(10)).result()
    narrow = replace(HEADER, dtype="float32")
    other = SnapshotWriter(store, narrow)
    other.adopt(SCOPE, ref)
    image = replace(advance(make_image(10), []), rows=np.zeros((10, 12), dtype=np.float32))
    new = other.submit(SCOPE, image).result()
    assert other.close(timeout_s=30)
    assert_same_state(load_image(store, load_manifest(store, SCOPE, new)), image)


def test_a_forgotten_scope_starts_over(store: MemoryStore, writer: SnapshotWriter) -> None:
    image = make_image(100)
    writer.submit(SCOPE, image).result()
    writer.forget(SCOPE)
    writer.forget(SCOPE)
    image = advance(image, [])
    ref = writer.submit(SCOPE, image).result()
    assert load_manifest(store, SCOPE, ref).parent is None
    assert_same_state(restore(store, HEADER, SCOPE, ref).image, image)


def test_a_snapshot_in_flight_when_its_scope_is_forgotten_is_no_base_later(
    store: MemoryStore, writer: SnapshotWriter
) -> None:
    store.before = gate = Gate("put")
    future = writer.submit(SCOPE, make_image(100))
    assert gate.reached.wait(10)
    writer.forget(SCOPE)
    gate.open.set()
    future.result()
    other_state = make_image(100, seed=9)
    other_state.dirty[:] = False
    ref = writer.submit(SCOPE, other_state).result()
    assert_same_state(restore(store, HEADER, SCOPE, ref).image, other_state)


def test_an_image_older_than_its_base_is_refused(writer: SnapshotWriter) -> None:
    writer.submit(SCOPE, make_image(5, offset=100)).result()
    assert writer.submit(SCOPE, make_image(5, offset=100)).result().offset == 100
    with pytest.raises(InvalidSnapshotError, match="forget"):
        writer.submit(SCOPE, make_image(5, offset=99)).result()


def test_images_that_do_not_fit_the_header_are_refused_at_once(writer: SnapshotWriter) -> None:
    image = make_image(5)
    for rows in (image.rows[:, :-1], image.rows.astype(np.float32)):
        with pytest.raises(InvalidSnapshotError):
            writer.submit(SCOPE, replace(image, rows=rows))


def test_close_waits_and_then_takes_nothing(store: MemoryStore) -> None:
    writer = SnapshotWriter(store, HEADER)
    future = writer.submit(SCOPE, make_image(500))
    assert writer.close(timeout_s=30)
    assert future.done()
    assert load_manifest(store, SCOPE, future.result()).row_count == 500
    with pytest.raises(WriterClosedError):
        writer.submit(SCOPE, make_image(1))
    with pytest.raises(WriterClosedError):
        writer.collect_garbage(SCOPE, set())


def test_close_gives_up_a_store_that_hangs_and_leaves_no_manifest(store: MemoryStore) -> None:
    writer = SnapshotWriter(store, HEADER, uploads=2)
    store.before = gate = Gate("put")
    future = writer.submit(SCOPE, make_image(500))
    assert gate.reached.wait(10)
    assert not writer.close(timeout_s=0.05)
    gate.open.set()
    with pytest.raises(WriterClosedError):
        future.result(timeout=10)
    assert store.list(SCOPE.manifest_prefix) == []


@pytest.mark.parametrize("action", ["put", "list"], ids=["a snapshot", "a collection"])
def test_close_tells_of_what_still_hangs_though_its_scope_is_forgotten(
    store: MemoryStore, action: str
) -> None:
    writer = SnapshotWriter(store, HEADER)
    store.before = gate = Gate(action)
    if action == "put":
        writer.submit(SCOPE, make_image(5))
    else:
        writer.collect_garbage(SCOPE, set())
    assert gate.reached.wait(10)
    writer.forget(SCOPE)
    assert not writer.close(timeout_s=0.05)
    gate.open.set()


def test_snapshots_do_not_wait_for_the_garbage_of_other_scopes(
    store: MemoryStore, writer: SnapshotWriter
) -> None:
    scopes = [SnapshotScope("g", "t", number) for number in range(3)]
    for offset in (100, 110, 120):
        for scope in scopes:
            writer.submit(scope, make_image(5, offset=offset, seed=offset)).result()
    store.before = gate = Gate("list")
    collected = [writer.collect_garbage(scope, set()) for scope in scopes[:2]]
    assert gate.reached.wait(10)
    assert writer.submit(scopes[2], make_image(5, offset=130)).result(10).offset == 130
    assert not any(future.done() for future in collected)
    gate.open.set()
    for future in collected:
        future.result(10)


@pytest.mark.parametrize("wrong", [{"keep": 0}, {"threads": 0}, {"uploads": 0}])
def test_settings_are_checked(store: MemoryStore, wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidSnapshotError):
        SnapshotWriter(store, HEADER, **wrong)  # type: ignore[arg-type]  # by name on purpose


STEPS = st.lists(
    st.tuples(
        st.lists(st.integers(0, 10_000), max_size=3),  # rows that change
        st.sampled_from([0, 0, 1, 40]),  # new assets
        st.sampled_from([None, None, 0, 1, 2]),  # the put that fails
        st.sampled_from(["go on", "go on", "crash and restore", "collect"]),
    ),
    max_size=12,
)


@settings(UNHURRIED, max_examples=60)
@given(STEPS)
def test_every_durable_snapshot_of_any_history_is_exact(
    steps: list[tuple[list[int], int, int | None, str]],
) -> None:
    """Random histories with failures, crashes and collections: whatever a Future returned
    restores to exactly what was submitted, as long as it is kept."""
    store = MemoryStore()
    writer = SnapshotWriter(store, HEADER, keep=2)
    image = make_image(70)
    durable = [(writer.submit(SCOPE, image).result(), image)]
    for changed, new, failing_put, then in steps:
        image = advance(image, [row % len(image.asset_ids) for row in changed], new_assets=new)
        if failing_put is not None:
            store.before = fail_at(failing_put)
        with contextlib.suppress(StoreError):
            durable.append((writer.submit(SCOPE, image).result(), image))
        store.before = lambda _action, _key: None
        if then == "collect":
            writer.collect_garbage(SCOPE, {durable[-1][0].digest}, min_age_s=-1.0).result()
        if then == "crash and restore":
            writer.close(timeout_s=30)
            writer = SnapshotWriter(store, HEADER, keep=2)
            restored = restore(store, HEADER, SCOPE, durable[-1][0])
            writer.adopt(SCOPE, restored.ref, restored.manifest)
            image = restored.image
        for ref, saved in durable[-2:]:
            assert_same_state(restore(store, HEADER, SCOPE, ref).image, saved)
    assert writer.close(timeout_s=30)
