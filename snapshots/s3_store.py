"""Objects in an S3-compatible bucket, through boto3 (the extra `s3`).

A call to a store that is silent ends in bounded time: connect and read timeouts, and a bounded
number of attempts. So does a `get` of a body that trickles, by a deadline; the answers to other
calls, a thousand keys of a listing at most, are read by boto as long as they trickle. A `put` whose
reply was lost is simply put again: keys name content, so writing twice is writing once.
"""

import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Literal

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, FlexibleChecksumError

from core.errors import TickFleetError
from snapshots.errors import IntegrityError, StoreError
from snapshots.s3_errors import BOTO_ERRORS, BotoError, needs_credentials, translate
from snapshots.store import MAX_OBJECT_BYTES, ObjectEntry, check_key
from snapshots.store_options import StoreOptions

if TYPE_CHECKING:
    from botocore.response import StreamingBody
    from mypy_boto3_s3.client import S3Client
    from mypy_boto3_s3.type_defs import (
        GetObjectRequestTypeDef,
        ObjectIdentifierTypeDef,
        PutObjectRequestTypeDef,
    )

__all__ = ["S3Store"]

_READ_BYTES = 1 << 12
"""Between two looks at the clock: boto returns only once so many are there, however slow they are.
A mebibyte takes a millisecond more than in pieces of 256 KiB."""
_READ_ANEW_S = 10.0
"""How long a client is kept whose credentials are not taken: a new one takes a moment to make."""
_CONNECTIONS = 16
_DELETED_AT_ONCE = 1000  # the limit of S3
# Of servers that speak most of S3: no such method, or another checksum wanted.
_NOT_UNDERSTOOD = frozenset({400, 405, 411, 415, 501})
_CHECKSUM_WHEN: dict[str, Literal["when_supported", "when_required"]] = {
    "sha256": "when_supported",
    "none": "when_required",
}


class S3Store:
    """An `ObjectStore` in one bucket under one key prefix. Safe for threads."""

    def __init__(self, bucket: str, prefix: str, options: StoreOptions) -> None:
        """No request is made here. `prefix`: without slashes at its ends, may be empty."""
        self._bucket = bucket
        self._prefix = f"{check_key(prefix)}/" if prefix else ""
        self._options = options
        self._client = _client(options)
        self._made_s = time.monotonic()
        self._renewing = threading.Lock()

    def put(self, key: str, data: bytes) -> None:
        request: PutObjectRequestTypeDef = {
            "Bucket": self._bucket,
            "Key": self._prefix + check_key(key),
            "Body": data,
        }
        if self._options.checksum == "sha256":
            request["ChecksumAlgorithm"] = "SHA256"
        try:
            self._client.put_object(**request)
        except BOTO_ERRORS as error:
            raise self._failed(error, "put", self._name(key)) from error

    def get(self, key: str, *, max_bytes: int = MAX_OBJECT_BYTES) -> bytes:
        # boto repeats requests, not bodies that break off or fail their checksum on the way.
        for attempt in range(1, self._options.max_attempts + 1):
            body = self._open_body(key)
            try:
                return self._read_body(body, key, max_bytes)
            except FlexibleChecksumError as error:
                if attempt == self._options.max_attempts:
                    raise IntegrityError(
                        f"{self._name(key)} fails the store's own checksum: {error}"
                    ) from error
            except BotoCoreError as error:
                if attempt == self._options.max_attempts:
                    raise self._failed(error, "get", self._name(key)) from error
        raise AssertionError("unreachable: the last attempt returns or raises")

    def list(self, prefix: str) -> list[str]:
        return [entry.key for entry in self.entries(prefix)]

    def entries(self, prefix: str) -> Sequence[ObjectEntry]:
        pages = self._client.get_paginator("list_objects_v2")
        found = []
        try:
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix + prefix):
                for item in page.get("Contents", []):
                    key = item["Key"].removeprefix(self._prefix)
                    found.append(ObjectEntry(key, item["Size"], item["LastModified"].timestamp()))
        except BOTO_ERRORS as error:
            raise self._failed(error, "list", self._name(prefix)) from error
        return sorted(found, key=lambda entry: entry.key)

    def delete(self, key: str) -> None:
        try:
            self._client.delete_object(Bucket=self._bucket, Key=self._prefix + check_key(key))
        except BOTO_ERRORS as error:
            raise self._failed(error, "delete", self._name(key)) from error

    def delete_all(self, keys: Sequence[str]) -> None:
        names = [self._prefix + check_key(key) for key in keys]
        for start in range(0, len(names), _DELETED_AT_ONCE):
            if not self._delete_some(names[start : start + _DELETED_AT_ONCE]):
                for key in keys[start:]:
                    self.delete(key)
                return

    def _delete_some(self, names: Sequence[str]) -> bool:
        """False where the server does not know the request for several, or not in this form."""
        objects: list[ObjectIdentifierTypeDef] = [{"Key": name} for name in names]
        try:
            answer = self._client.delete_objects(
                Bucket=self._bucket, Delete={"Objects": objects, "Quiet": True}
            )
        except ClientError as error:
            if error.response["ResponseMetadata"]["HTTPStatusCode"] in _NOT_UNDERSTOOD:
                return False
            raise self._failed(error, "delete", f"s3://{self._bucket}/{names[0]}") from error
        except (BotoCoreError, RecursionError) as error:
            raise self._failed(error, "delete", f"s3://{self._bucket}/{names[0]}") from error
        for refused in answer.get("Errors", []):
            refusal = ClientError({"Error": refused}, "DeleteObjects")
            raise self._failed(refusal, "delete", f"s3://{self._bucket}/{refused.get('Key')}")
        return True

    def _open_body(self, key: str) -> "StreamingBody":
        request: GetObjectRequestTypeDef = {
            "Bucket": self._bucket,
            "Key": self._prefix + check_key(key),
        }
        if self._options.checksum == "sha256":
            request["ChecksumMode"] = "ENABLED"
        try:
            return self._client.get_object(**request)["Body"]
        except BOTO_ERRORS as error:
            raise self._failed(error, "get", self._name(key)) from error

    def _read_body(self, body: "StreamingBody", key: str, max_bytes: int) -> bytes:
        deadline_s = time.monotonic() + self._options.body_timeout_s
        parts, size = [], 0
        with body:
            while part := body.read(_READ_BYTES):
                parts.append(part)
                size += len(part)
                if size > max_bytes:
                    raise IntegrityError(f"{self._name(key)} is larger than {max_bytes} bytes")
                if time.monotonic() > deadline_s:
                    raise StoreError(
                        f"reading {self._name(key)} took over {self._options.body_timeout_s} s; "
                        "the store is too slow, try again later"
                    )
        return b"".join(parts)

    def _failed(self, error: BotoError, action: str, where: str) -> TickFleetError:
        """Where credentials are not taken, calls from now on are made with what is read anew.

        boto reads those of a file once in a client's life; whoever rotates them writes the file.
        """
        if needs_credentials(error):
            with self._renewing:
                if time.monotonic() - self._made_s >= _READ_ANEW_S:
                    with suppress(BotoCoreError):  # the file is being written
                        self._client = _client(self._options)
                    self._made_s = time.monotonic()
        return translate(error, action, where)

    def _name(self, key: str) -> str:
        return f"s3://{self._bucket}/{self._prefix}{key}"


def _client(options: StoreOptions) -> "S3Client":
    config = Config(
        connect_timeout=options.connect_timeout_s,
        read_timeout=options.read_timeout_s,
        retries={"mode": options.retry_mode, "total_max_attempts": options.max_attempts},
        s3={"addressing_style": options.addressing_style},
        max_pool_connections=_CONNECTIONS,
        request_checksum_calculation=_CHECKSUM_WHEN[options.checksum],
        response_checksum_validation=_CHECKSUM_WHEN[options.checksum],
    )
    return boto3.session.Session().client(
        "s3", endpoint_url=options.endpoint_url, region_name=options.region, config=config
    )
