"""What every object store must do; a mixin run against each implementation."""

import threading
from abc import ABC, abstractmethod

import pytest

from snapshots import IntegrityError, InvalidSnapshotError, ObjectNotFoundError, ObjectStore

UNSAFE_KEYS = [
    "",
    "/etc/passwd",
    "../outside",
    "a/../../outside",
    "a/./b",
    "a//b",
    "a/",
    ".tmp/x",
    "a/.hidden",
    "a\\b",
    "a b",
    "a\0b",
    "a\nb",
    "ключ",
    "a/" * 600 + "b",
    "x" * 256,
]


class StoreContract(ABC):
    @pytest.fixture
    @abstractmethod
    def store(self) -> ObjectStore:
        """A fresh, empty store."""

    @pytest.mark.parametrize("data", [b"", b"x", bytes(range(256)) * 4096])
    def test_get_returns_what_was_put(self, store: ObjectStore, data: bytes) -> None:
        store.put("a/b%2Fc/d", data)
        assert store.get("a/b%2Fc/d") == data

    def test_put_replaces(self, store: ObjectStore) -> None:
        store.put("a/b", b"first, and longer")
        store.put("a/b", b"second")
        assert store.get("a/b") == b"second"

    def test_get_of_an_absent_key(self, store: ObjectStore) -> None:
        store.put("a/b", b"x")
        for key in ("a/c", "a", "a/b/c"):
            with pytest.raises(ObjectNotFoundError):
                store.get(key)

    def test_get_refuses_more_than_it_was_asked_for(self, store: ObjectStore) -> None:
        store.put("a/b", b"12345")
        assert store.get("a/b", max_bytes=5) == b"12345"
        with pytest.raises(IntegrityError):
            store.get("a/b", max_bytes=4)

    def test_list_is_sorted_and_takes_a_string_prefix(self, store: ObjectStore) -> None:
        keys = ["p/10", "p/9", "p/sub/1", "p-2/x", "q/p/1", "p/%41", "p/~"]
        for key in keys:
            store.put(key, b"x")
        assert store.list("") == sorted(keys)
        assert store.list("p/") == sorted(key for key in keys if key.startswith("p/"))
        assert store.list("p") == sorted(key for key in keys if key.startswith("p"))
        assert store.list("p/s") == ["p/sub/1"]
        assert store.list("absent/") == []

    def test_entries_tell_size_and_order_of_time(self, store: ObjectStore) -> None:
        store.put("a/1", b"123")
        (entry,) = store.entries("a/")
        assert (entry.key, entry.size_bytes) == ("a/1", 3)
        assert entry.modified_s > 0

    def test_delete_is_idempotent(self, store: ObjectStore) -> None:
        store.put("a/b", b"x")
        store.put("a/c", b"y")
        for _ in range(2):
            store.delete("a/b")
        assert store.list("") == ["a/c"]
        with pytest.raises(ObjectNotFoundError):
            store.get("a/b")

    def test_delete_all_takes_away_those_and_no_others(self, store: ObjectStore) -> None:
        for key in ("a/1", "a/2", "a/%2F3", "a/4"):
            store.put(key, b"x")
        for _ in range(2):
            store.delete_all(["a/4", "a/1", "a/%2F3", "absent"])
        assert store.list("") == ["a/2"]
        store.delete_all([])
        assert store.list("") == ["a/2"]

    def test_unsafe_keys_are_refused(self, store: ObjectStore) -> None:
        for key in UNSAFE_KEYS:
            with pytest.raises(InvalidSnapshotError):
                store.put(key, b"x")
            with pytest.raises(InvalidSnapshotError):
                store.get(key)
            with pytest.raises(InvalidSnapshotError):
                store.delete(key)
            with pytest.raises(InvalidSnapshotError):
                store.delete_all(["a/b", key])
        assert store.list("") == []

    def test_readers_see_whole_objects_while_it_is_replaced(self, store: ObjectStore) -> None:
        versions = [bytes([number]) * 50_000 for number in range(8)]
        store.put("a/b", versions[0])
        done = threading.Event()

        def write() -> None:
            for data in versions:
                store.put("a/b", data)
            done.set()

        writer = threading.Thread(target=write)
        writer.start()
        while not done.is_set():
            assert store.get("a/b") in versions
        writer.join()
