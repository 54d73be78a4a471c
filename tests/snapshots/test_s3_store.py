import base64
import hashlib

import boto3
import pytest
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends

from snapshots import ObjectStore, StoreAccessError, StoreError, StoreOptions, open_store
from snapshots.s3_store import S3Store
from tests.snapshots.store_contract import StoreContract

pytestmark = pytest.mark.s3


def _options(endpoint: str) -> StoreOptions:
    return StoreOptions(endpoint_url=endpoint, region="us-east-1", addressing_style="path")


class TestS3Store(StoreContract):
    @pytest.fixture
    def store(self, s3_endpoint: str, bucket: str) -> ObjectStore:
        return S3Store(bucket, "some/prefix", _options(s3_endpoint))


class TestS3StoreWithoutChecksums(StoreContract):
    """As for servers that refuse the checksum headers; the prefix is empty."""

    @pytest.fixture
    def store(self, s3_endpoint: str, bucket: str) -> ObjectStore:
        options = StoreOptions(
            endpoint_url=s3_endpoint,
            region="us-east-1",
            addressing_style="path",
            checksum="none",
            retry_mode="adaptive",
        )
        return open_store(f"s3://{bucket}", options)


def test_objects_lie_under_the_prefix_with_the_stores_sha256(s3_endpoint: str, bucket: str) -> None:
    open_store(f"s3://{bucket}/a/b/", _options(s3_endpoint)).put("c/d", b"data")
    client = boto3.client("s3", endpoint_url=s3_endpoint, region_name="us-east-1")
    head = client.head_object(Bucket=bucket, Key="a/b/c/d", ChecksumMode="ENABLED")
    expected = base64.b64encode(hashlib.sha256(b"data").digest()).decode()
    assert head["ChecksumSHA256"] == expected


def test_lists_more_keys_than_a_page(s3_endpoint: str, bucket: str) -> None:
    keys = [f"many/{number:04d}" for number in range(1005)]
    for key in keys:
        # Past the HTTP interface of the server in this process: a thousand requests are slow.
        s3_backends[DEFAULT_ACCOUNT_ID]["aws"].put_object(bucket, key, b"")
    assert open_store(f"s3://{bucket}", _options(s3_endpoint)).list("many/") == keys


def test_a_missing_bucket_is_fatal_for_every_call(s3_endpoint: str, s3_credentials: None) -> None:
    store = S3Store("no-such-bucket", "", _options(s3_endpoint))
    for call in (
        lambda: store.put("a", b""),
        lambda: store.get("a"),
        lambda: store.list(""),
        lambda: store.delete("a"),
    ):
        with pytest.raises(StoreAccessError, match="no-such-bucket"):
            call()


def test_no_credentials_is_fatal_and_says_where_they_come_from(
    s3_endpoint: str, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(StoreAccessError, match="environment"):
        S3Store(bucket, "", _options(s3_endpoint)).get("a")


def test_nobody_listening_is_retryable(s3_credentials: None) -> None:
    options = StoreOptions(endpoint_url="http://127.0.0.1:9", region="us-east-1", max_attempts=1)
    with pytest.raises(StoreError):
        S3Store("bucket", "", options).get("a")
