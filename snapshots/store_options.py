"""Settings of an object store. Credentials are no setting: they come from the environment."""

from dataclasses import dataclass
from typing import Literal

from snapshots.errors import StoreAccessError

__all__ = ["StoreOptions"]


@dataclass(frozen=True, slots=True)
class StoreOptions:
    """How to reach an S3-compatible store; a `file://` store needs none of it.

    `endpoint_url`: other than AWS, e.g. "http://minio:9000". `addressing_style`: "path" for most
    servers that are not AWS. A call is tried `max_attempts` times with bounded back-off, each with
    these timeouts; reading one body takes at most `body_timeout_s`, however slowly it trickles.
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
        timeouts = (self.connect_timeout_s, self.read_timeout_s, self.body_timeout_s)
        if min(timeouts) <= 0 or self.max_attempts < 1:
            raise StoreAccessError("store timeouts must be positive, max_attempts at least 1")
