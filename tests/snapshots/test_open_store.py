import sys
from pathlib import Path

import pytest

from snapshots import StoreAccessError, StoreOptions, check_store_url, open_store
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


@pytest.mark.parametrize("prefix", ["a b", "ü", "a//b", ".a", "a/../b", 256 * "a"])
def test_a_prefix_that_no_key_can_have_is_refused(prefix: str) -> None:
    for refuse in (open_store, check_store_url):
        with pytest.raises(StoreAccessError, match="an S3 prefix is made of"):
            refuse(f"s3://bucket/{prefix}")


@pytest.mark.parametrize(
    "url", ["s3://bucket", "s3://bucket/", "s3://bucket/a/b_c=1/", "file:///ü"]
)
def test_a_url_is_checked_without_a_store(url: str) -> None:
    check_store_url(url)


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
