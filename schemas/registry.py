"""Confluent wire format: a zero byte, then the schema's registry id as a big-endian int32.

Only what the registry itself says about an id counts against a record. That the registry
cannot be asked is never the record's fault: it is an error of the call, to be retried.

The registry's client is imported where it is needed: with its HTTP and OAuth libraries it takes a
tenth of a worker's start, and a fleet without a registry never needs it.
"""

import struct
import threading
import time
from collections.abc import Callable, Mapping, Set
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

from schemas.contracts import Contract
from schemas.errors import ErrorClass, RegistryUnavailableError, UndecodableError
from schemas.registry_answer import NO_SUCH_SCHEMA, NO_SUCH_VERSION, NotFoundError, answer
from schemas.writer_schema import parse_writer_schema

if TYPE_CHECKING:
    from confluent_kafka.schema_registry import Schema, SchemaRegistryClient

__all__ = ["ConfluentFraming", "registry_client"]

_T = TypeVar("_T")
_HEADER = struct.Struct(">bi")
_MAGIC = 0
_LARGEST_ID = 2**31 - 1
_MOST_REFERENCES = 64
"""Each is a question to the registry."""
# The client's own defaults wait without a time limit and retry for up to a minute.
_CLIENT_DEFAULTS: dict[str, Any] = {
    "timeout": 5,
    "max.retries": 2,
    "retries.wait.ms": 100,
    "retries.max.wait.ms": 1000,
}


def registry_client(url: str, options: Mapping[str, Any] | None = None) -> "SchemaRegistryClient":
    """A registry client whose calls end within about 15 s; `options` are confluent_kafka's."""
    from confluent_kafka.schema_registry import SchemaRegistryClient  # noqa: PLC0415

    return SchemaRegistryClient({**_CLIENT_DEFAULTS, **(options or {}), "url": url})


class ConfluentFraming:
    """Records of one topic framed by registry ids, under the subject `<topic>-value`."""

    header_size = _HEADER.size

    def __init__(
        self,
        client: "SchemaRegistryClient",
        topic: str,
        *,
        auto_register: bool = True,
        unknown_ttl_s: float = 30.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Frame records of `topic`.

        Args:
            client: see `registry_client`.
            topic: names the subject under which our schema is registered or looked up.
            auto_register: False where an operator registers schemas; then ours must be there.
            unknown_ttl_s: how long the registry is not asked again about an id it does not know.
            monotonic: clock in seconds, for `unknown_ttl_s`.
        """
        self._client = client
        self._subject = f"{topic}-value"
        self._auto_register = auto_register
        self._unknown = _ExpiringSet(unknown_ttl_s, monotonic)

    def header(self, ours: Contract) -> bytes:
        from confluent_kafka.schema_registry import Schema  # noqa: PLC0415

        schema = Schema(ours.text, "AVRO")
        schema_id = self._ask(f"subject {self._subject}", lambda: self._id(schema))
        return _HEADER.pack(_MAGIC, schema_id)

    def writer_schema(self, header: bytes) -> Any:
        magic, schema_id = _HEADER.unpack(header)
        if magic != _MAGIC:
            raise UndecodableError(
                ErrorClass.UNDECODABLE,
                f"the value starts with byte {header[0]}, not 0: let the producer use the schema "
                "registry's serialiser",
            )
        unknown = UndecodableError(
            ErrorClass.UNKNOWN_SCHEMA,
            f"the registry knows no schema {schema_id}, or not what it refers to: check which "
            "registry the producer uses",
        )
        if schema_id < 0 or schema_id in self._unknown:
            raise unknown
        try:
            schema = self._ask(f"schema id {schema_id}", lambda: self._schema(schema_id))
            references = self._references(schema, seen=set())
        except NotFoundError:
            self._unknown.add(schema_id)
            raise unknown from None
        if schema.schema_type not in (None, "AVRO"):
            raise UndecodableError(
                ErrorClass.UNSUPPORTED_SCHEMA,
                f"schema {schema_id} is {schema.schema_type}, not AVRO: let the producer use Avro",
            )
        return parse_writer_schema(cast("str", schema.schema_str), references)

    def _id(self, schema: "Schema") -> int:
        """What the client finds under `id` of any JSON object."""
        if self._auto_register:
            found: object = self._client.register_schema(self._subject, schema)
        else:
            found = self._client.lookup_schema(self._subject, schema).schema_id
        if not isinstance(found, int) or not 0 <= found <= _LARGEST_ID:
            raise ValueError(f"the answer has the id {found!r:.50}")
        return found

    def _schema(self, schema_id: int) -> "Schema":
        return _with_text(self._client.get_schema(schema_id))

    def _references(self, schema: "Schema", seen: set[tuple[str, int]]) -> list[str]:
        """Texts of the schemas that one refers to, each after those that it refers to itself."""
        texts: list[str] = []
        for reference in schema.references or ():
            named = cast("str", reference.subject), cast("int", reference.version)
            if named in seen:
                continue
            seen.add(named)
            if len(seen) > _MOST_REFERENCES:
                raise UndecodableError(
                    ErrorClass.UNSUPPORTED_SCHEMA,
                    f"the writer's schema refers to more than {_MOST_REFERENCES} others: let the "
                    "producer use the published one",
                )
            version = partial(self._version, *named)
            what = "version {1} of subject {0}".format(*named)
            referred = self._ask(what, version, absent=NO_SUCH_VERSION)
            texts += [*self._references(referred, seen), cast("str", referred.schema_str)]
        return texts

    def _version(self, subject: str, version: int) -> "Schema":
        """Also one that was deleted since: what refers to it may still be in the log."""
        return _with_text(self._client.get_version(subject, version, deleted=True).schema)

    def _ask(self, what: str, call: Callable[[], _T], absent: Set[int] = NO_SUCH_SCHEMA) -> _T:
        """Run one registry call; what the client keeps of an answer that is none is dropped."""
        try:
            return answer(what, call, absent)
        except RegistryUnavailableError:
            self._client.clear_caches()  # type: ignore[no-untyped-call]
            raise


def _with_text(schema: "Schema") -> "Schema":
    """What the client makes of any JSON object; only a registry's has a schema's text."""
    if not isinstance(schema.schema_str, str) or not schema.schema_str:
        raise ValueError("the answer has no schema")
    for reference in schema.references or ():
        if not isinstance(reference.subject, str) or not isinstance(reference.version, int):
            raise ValueError(f"the answer refers to {reference!r:.100}")  # noqa: TRY004
    return schema


class _ExpiringSet:
    """Members for a fixed time, at most `limit` of them; the oldest leave first."""

    def __init__(self, ttl_s: float, monotonic: Callable[[], float], limit: int = 1024) -> None:
        self._ttl_s = ttl_s
        self._monotonic = monotonic
        self._limit = limit
        self._expiry: dict[int, float] = {}
        self._lock = threading.Lock()

    def __contains__(self, member: int) -> bool:
        with self._lock:
            return self._expiry.get(member, float("-inf")) > self._monotonic()

    def add(self, member: int) -> None:
        with self._lock:
            self._expiry.pop(member, None)
            self._expiry[member] = self._monotonic() + self._ttl_s
            if len(self._expiry) > self._limit:
                del self._expiry[next(iter(self._expiry))]
