"""From a URL to an object store."""

from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from snapshots.errors import InvalidSnapshotError, StoreAccessError
from snapshots.file_store import FileStore
from snapshots.store import ObjectStore, check_key
from snapshots.store_options import StoreOptions

__all__ = ["check_store_url", "open_existing", "open_store"]

_PREFIX: Final = (
    "an S3 prefix is made of letters, digits and ._~%=- in parts between single slashes, none of "
    "which begins with a dot or is longer than 255: choose another"
)


def open_store(url: str, options: StoreOptions | None = None) -> ObjectStore:
    """The store at `file:///absolute/folder`, which is made if need be, or `s3://bucket/prefix`.

    Raises `StoreAccessError` for any other URL, for credentials or parameters inside it, for a
    prefix that keys cannot have, for a folder that cannot be used, and for `s3://` without the
    extra `s3`.
    """
    return _open(url, options, existing=False)


def open_existing(url: str, options: StoreOptions | None = None) -> ObjectStore:
    """As `open_store`, to look: a folder must be there, and need not be one that may be written.

    Looking makes nothing: a folder made where a volume is to be mounted is taken for a store.
    """
    return _open(url, options, existing=True)


def check_store_url(url: str) -> None:
    """Refuse a URL that names no store, without opening one; raises `StoreAccessError`."""
    _parts(url)


def _open(url: str, options: StoreOptions | None, *, existing: bool) -> ObjectStore:
    parts = _parts(url)
    if parts.scheme == "file":
        return FileStore(Path(unquote(parts.path)), existing=existing)
    return _open_s3(parts.netloc, _prefix(parts), options or StoreOptions())


def _parts(url: str) -> SplitResult:
    parts = urlsplit(url)
    if parts.query or parts.fragment or "@" in parts.netloc:
        # The URL is not repeated: it may hold a secret.
        raise StoreAccessError(
            "a snapshot URL takes no parameters and no credentials: set options in the settings "
            "and credentials in the environment"
        )
    if parts.scheme == "file" and parts.netloc in {"", "localhost"} and parts.path != "":
        return parts
    if parts.scheme == "s3" and parts.netloc:
        if prefix := _prefix(parts):
            _check_prefix(prefix)
        return parts
    raise StoreAccessError(
        f"{url!r} is no snapshot URL: use file:///absolute/folder or s3://bucket/prefix"
    )


def _prefix(parts: SplitResult) -> str:
    return parts.path.strip("/")


def _check_prefix(prefix: str) -> None:
    try:
        check_key(prefix)
    except InvalidSnapshotError:
        raise StoreAccessError(_PREFIX) from None


def _open_s3(bucket: str, prefix: str, options: StoreOptions) -> ObjectStore:
    try:
        from snapshots.s3_store import S3Store  # noqa: PLC0415 - boto3 is an optional extra
    except ImportError as error:
        raise StoreAccessError(
            'snapshots in s3:// need boto3: install it with pip install "tickfleet[s3]"'
        ) from error
    return S3Store(bucket, prefix, options)
