"""How a record says which schema wrote it: a short header before the Avro body.

What lives here is the contract and the framing that needs no registry; the Confluent wire
format is in `registry`. Invariant: within one framing every header has the same size.
"""

from collections.abc import Iterable
from typing import Any, Protocol

from schemas.contracts import CONTRACT_NAMES, Contract, contract, released_contracts
from schemas.errors import ErrorClass, UndecodableError
from schemas.fingerprint import FINGERPRINT_SIZE
from schemas.writer_schema import parse_writer_schema

__all__ = ["Framing", "SingleObjectFraming"]


class Framing(Protocol):
    """Header of a record and the writer schema behind it."""

    @property
    def header_size(self) -> int:
        """Bytes before the Avro body."""
        ...

    def header(self, ours: Contract) -> bytes:
        """Header of records we write.

        May block on a registry at the first call for a contract.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: with a registry only.
        """
        ...

    def writer_schema(self, header: bytes) -> Any:
        """Parsed writer schema of a record that starts with `header`.

        May block on a registry the first time a header is seen.

        Raises:
            UndecodableError: the header is malformed, its schema unknown or unsupported.
            RegistryUnavailableError, RegistryRefusedError: with a registry only.
        """
        ...


class SingleObjectFraming:
    """Avro single-object encoding: C3 01, then the writer schema's CRC-64-AVRO fingerprint.

    Without a registry the known schemas are a closed set: by default the contracts of this
    package in every released version.
    """

    _MAGIC = b"\xc3\x01"
    header_size = len(_MAGIC) + FINGERPRINT_SIZE

    def __init__(self, known: Iterable[Contract] | None = None) -> None:
        current = (contract(name) for name in CONTRACT_NAMES)
        shipped = (*released_contracts(), *current) if known is None else known
        self._known = {self._MAGIC + one.fingerprint: one for one in shipped}

    def header(self, ours: Contract) -> bytes:
        return self._MAGIC + ours.fingerprint

    def writer_schema(self, header: bytes) -> Any:
        if not header.startswith(self._MAGIC):
            raise UndecodableError(
                ErrorClass.UNDECODABLE,
                "the value does not start with C3 01: let the producer use Avro single-object "
                "encoding, or configure the schema registry it uses",
            )
        if header not in self._known:
            raise UndecodableError(
                ErrorClass.UNKNOWN_SCHEMA,
                f"no known schema has the fingerprint {header[len(self._MAGIC) :].hex()}: let the "
                "producer use a released contract, or configure a schema registry",
            )
        return parse_writer_schema(self._known[header].text)
