import pytest
from hypothesis import given
from hypothesis import strategies as st

from snapshots import IntegrityError, InvalidSnapshotError, ManifestRef, SnapshotScope
from snapshots.store import check_key
from tests.snapshots.fuzz import UNHURRIED

DIGEST = "0123456789abcdef" * 4
# What survives UTF-8; up to the length whose escaped form fits a file name.
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)


def test_keys_are_the_documented_ones() -> None:
    scope = SnapshotScope("my-group", "ticks.v1", 12)
    ref = ManifestRef(4711, DIGEST)
    assert (
        scope.manifest_key(ref) == f"my-group/ticks.v1/12/manifests/00000000000000004711-{DIGEST}"
    )
    assert scope.chunk_key(DIGEST) == f"my-group/ticks.v1/12/chunks/{DIGEST}"
    assert scope.parse_manifest_key(scope.manifest_key(ref)) == ref


@UNHURRIED
@given(NAMES, NAMES, NAMES, NAMES)
def test_names_are_escaped_into_safe_and_distinct_keys(a: str, b: str, c: str, d: str) -> None:
    first, second = SnapshotScope(a, b, 0), SnapshotScope(c, d, 0)
    assert check_key(first.chunk_key(DIGEST)).count("/") == 4
    assert (first.prefix == second.prefix) == ((a, b) == (c, d))


@pytest.mark.parametrize("name", ["..", ".", "/", "../..", ".tmp", "%2E%2E", "a/b", "\0", "é"])
def test_hostile_names_stay_one_segment(name: str) -> None:
    key = SnapshotScope(name, name, 0).chunk_key(DIGEST)
    assert len(key.split("/")) == 5
    assert not any(part.startswith(".") for part in key.split("/"))


@pytest.mark.parametrize(
    ("group", "topic", "partition"),
    [("", "t", 0), ("g", "", 0), ("g", "t", -1), ("é" * 90, "t", 0)],
)
def test_scopes_that_cannot_be_stored_are_refused(group: str, topic: str, partition: int) -> None:
    with pytest.raises(InvalidSnapshotError):
        SnapshotScope(group, topic, partition)


def test_metadata_and_offset_rebuild_the_reference() -> None:
    ref = ManifestRef(7, DIGEST)
    assert len(ref.metadata) == 64
    assert ManifestRef.parse(ref.metadata, offset=7) == ref


@pytest.mark.parametrize("metadata", ["", "x" * 64, DIGEST.upper(), DIGEST[:-1], DIGEST + "\n"])
def test_foreign_metadata_is_refused(metadata: str) -> None:
    with pytest.raises(IntegrityError):
        ManifestRef.parse(metadata, offset=0)


@pytest.mark.parametrize("offset", [-1, 2**63, True, 1.0])
def test_offsets_outside_kafkas_range_are_refused(offset: int) -> None:
    with pytest.raises(IntegrityError):
        ManifestRef(offset, DIGEST)


@pytest.mark.parametrize(
    "name", ["", "notes.txt", f"1-{DIGEST}", f"{'9' * 20}-{DIGEST}", f"{'0' * 20}-{DIGEST}x"]
)
def test_foreign_keys_among_the_manifests_are_ignored(name: str) -> None:
    scope = SnapshotScope("g", "t", 0)
    assert scope.parse_manifest_key(scope.manifest_prefix + name) is None
