"""Settings of an object store. Credentials are no setting: they come from the environment."""

import re
from dataclasses import dataclass
from typing import Final, Literal

from snapshots.errors import StoreAccessError

__all__ = ["StoreOptions"]

_LONGEST_S: Final = 3_600
_MOST_ATTEMPTS: Final = 100


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """How to reach an S3-compatible store; a `file://` store needs none of it.

    `endpoint_url`: other than AWS, e.g. "http://minio:9000". `addressing_style`: "path" for most
    servers that are not AWS. A call is tried `max_attempts` times with bounded back-off, each with
    these timeouts. Reading one object takes at most `body_timeout_s`, however slowly it trickles;
    the clock is looked at after each 4 KiB. Of a listing, only each piece that arrives has a
    timeout.
    `checksum`: "sha256" sends and verifies the store's own SHA-256 as well; "none" for servers
    that refuse the header (our own SHA-256 inside the object is checked either way).
    """

    endpoint_url: str | None = None
    region: str | None = None
    addressing_style: Literal["auto", "path", "virtual"] = "auto"
    connect_timeout_s: float = 2.0
    read_timeout_s: float = 5.0
    body_timeout_s: float = 30.0
    max_attempts: int = 3
    retry_mode: Literal["standard", "adaptive"] = "standard"
    checksum: Literal["sha256", "none"] = "sha256"

    def __post_init__(self) -> None:
        for name in ("connect_timeout_s", "read_timeout_s", "body_timeout_s"):
            if not 0 < getattr(self, name) <= _LONGEST_S:
                raise StoreAccessError(
                    f"store_options.{name} must be above 0 and at most {_LONGEST_S}"
                )
        if not 1 <= self.max_attempts <= _MOST_ATTEMPTS:
            raise StoreAccessError(f"store_options.max_attempts must lie in [1, {_MOST_ATTEMPTS}]")
        if self.endpoint_url is not None and not re.match(r"https?://[^/]", self.endpoint_url):
            raise StoreAccessError("store_options.endpoint_url must begin with http:// or https://")
