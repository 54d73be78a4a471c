"""Where the snapshots of one partition live, and how one of them is named.

The commit's metadata carries a manifest's digest; together with the committed offset it rebuilds
the manifest's key, so a commit can never name a snapshot of another offset.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote

from snapshots.errors import IntegrityError, InvalidSnapshotError
from snapshots.store import check_key

__all__ = ["MAX_INT64", "ManifestRef", "SnapshotScope", "escape", "is_digest"]

MAX_INT64 = (1 << 63) - 1
# A long asset id is cut in the name of its dump; the dump itself has it whole.
_MAX_NAME = 120
_DIGEST = re.compile(r"[0-9a-f]{64}")
_MANIFEST_NAME = re.compile(r"(?P<offset>[0-9]{20})-(?P<digest>[0-9a-f]{64})")


def is_digest(value: object) -> bool:
    """Whether `value` is a SHA-256 digest in 64 lower-case hexadecimal characters."""
    return type(value) is str and _DIGEST.fullmatch(value) is not None


@dataclass(frozen=True, slots=True, order=True)
class ManifestRef:
    """One snapshot: the next input offset of its state, and the SHA-256 of its manifest."""

    offset: int
    digest: str

    def __post_init__(self) -> None:
        if type(self.offset) is not int or not 0 <= self.offset <= MAX_INT64:
            raise IntegrityError(f"snapshot offset {self.offset!r} is not a Kafka offset")
        if not is_digest(self.digest):
            raise IntegrityError(f"{self.digest!r:.80} is not a SHA-256 digest in lower-case hex")

    @property
    def metadata(self) -> str:
        """What the Kafka commit of `offset` carries as its metadata: the digest, 64 characters."""
        return self.digest

    @property
    def short_digest(self) -> str:
        """As much of the digest as tells it from others: REF of the snapshot commands."""
        return self.digest[:12]

    @property
    def name(self) -> str:
        """What people call it: the offset and the begin of the digest."""
        return f"{self.offset}-{self.short_digest}"

    @classmethod
    def parse(cls, metadata: str, *, offset: int) -> "ManifestRef":
        """The reference named by a commit of `offset` with this metadata.

        Raises `IntegrityError` when the metadata is not a digest (an offset reset by a tool
        leaves it empty).
        """
        return cls(offset=offset, digest=metadata)


@dataclass(frozen=True, slots=True)
class SnapshotScope:
    """One partition of one topic under one consumer group: the unit that is saved and restored."""

    group: str
    topic: str
    partition: int

    def __post_init__(self) -> None:
        if not self.group or not self.topic or self.partition < 0:
            raise InvalidSnapshotError(f"a scope needs a group, a topic and a partition: {self}")
        check_key(self.prefix + "chunks/" + "0" * 64)

    @property
    def prefix(self) -> str:
        """Key prefix of everything in this scope, with a trailing slash."""
        return f"{escape(self.group)}/{escape(self.topic)}/{self.partition}/"

    @property
    def manifest_prefix(self) -> str:
        return self.prefix + "manifests/"

    @property
    def chunk_prefix(self) -> str:
        return self.prefix + "chunks/"

    @property
    def dump_prefix(self) -> str:
        return self.prefix + "dumps/"

    def dump_key(self, offset: int, asset_id: str) -> str:
        """Of the dump of an asset at an input offset; keys sort by offset."""
        return f"{self.dump_prefix}{offset:020d}-{quote(asset_id, safe='')[:_MAX_NAME]}"

    def manifest_key(self, ref: ManifestRef) -> str:
        return f"{self.manifest_prefix}{ref.offset:020d}-{ref.digest}"

    def chunk_key(self, digest: str) -> str:
        return self.chunk_prefix + digest

    def parse_manifest_key(self, key: str) -> ManifestRef | None:
        """The reference that a listed key names; None for keys that are no manifest of ours."""
        match = _MANIFEST_NAME.fullmatch(key.removeprefix(self.manifest_prefix))
        if match is None or int(match["offset"]) > MAX_INT64:
            return None
        return ManifestRef(offset=int(match["offset"]), digest=match["digest"])


def escape(name: str) -> str:
    """Percent-encode a name into one key segment; injective, and never `.`, `..` or hidden."""
    escaped = quote(name, safe="")
    return "%2E" + escaped[1:] if escaped.startswith(".") else escaped
