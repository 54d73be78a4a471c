"""From a URL to an object store."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

from snapshots.errors import StoreAccessError
from snapshots.file_store import FileStore
from snapshots.store import ObjectStore
from snapshots.store_options import StoreOptions

__all__ = ["open_store"]


def open_store(url: str, options: StoreOptions | None = None) -> ObjectStore:
    """The store at `file:///absolute/folder` or `s3://bucket/prefix`.

    Raises `StoreAccessError` for any other URL, for credentials or parameters inside it, for a
    folder that cannot be used, and for `s3://` without the extra `s3`.
    """
    parts = urlsplit(url)
    if parts.query or parts.fragment or "@" in parts.netloc:
        # The URL is not repeated: it may hold a secret.
        raise StoreAccessError(
            "a snapshot URL takes no parameters and no credentials: set options in the settings "
            "and credentials in the environment"
        )
    if parts.scheme == "file" and parts.netloc in {"", "localhost"} and parts.path != "":
        return FileStore(Path(unquote(parts.path)))
    if parts.scheme == "s3" and parts.netloc:
        return _open_s3(parts.netloc, parts.path.strip("/"), options or StoreOptions())
    raise StoreAccessError(
        f"{url!r} is no snapshot URL: use file:///absolute/folder or s3://bucket/prefix"
    )


def _open_s3(bucket: str, prefix: str, options: StoreOptions) -> ObjectStore:
    try:
        from snapshots.s3_store import S3Store  # noqa: PLC0415 - boto3 is an optional extra
    except ImportError as error:
        raise StoreAccessError(
            'snapshots in s3:// need boto3: install it with pip install "tickfleet[s3]"'
        ) from error
    return S3Store(bucket, prefix, options)
