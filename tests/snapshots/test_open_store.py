import sys
from pathlib import Path

import pytest

from snapshots import StoreAccessError, StoreOptions, open_store
from snapshots.file_store import FileStore


def test_file_urls_open_the_folder_they_name(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path}/with%20space")
    assert isinstance(store, FileStore)
    store.put("a", b"x")
    assert (tmp_path / "with space" / "a").read_bytes() == b"x"


@pytest.mark.parametrize(
    "url",
    ["", "/plain/path", "file://host/path", "file:", "s3://", "s3:///prefix", "gs://bucket/x"],
)
def test_other_urls_are_refused_with_the_two_forms(url: str) -> None:
    with pytest.raises(StoreAccessError, match="s3://bucket/prefix"):
        open_store(url)


@pytest.mark.parametrize(
    "url", ["s3://key:secret@bucket/x", "s3://bucket/x?secret=1", "s3://b/#secret"]
)
def test_secrets_in_urls_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(StoreAccessError) as caught:
        open_store(url)
    assert "secret" not in str(caught.value)


def test_without_boto3_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "snapshots.s3_store", raising=False)
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(StoreAccessError, match=r"tickfleet\[s3\]"):
        open_store("s3://bucket/prefix")


def test_options_validate_themselves() -> None:
    with pytest.raises(StoreAccessError):
        StoreOptions(read_timeout_s=0.0)
    with pytest.raises(StoreAccessError):
        StoreOptions(max_attempts=0)
