"""One record at a time through fastavro: the reference codec, and the path of unusual writers.

Used for everything off the hot path, and by the columnar tick codec for each record that its
vectorised checks did not accept.
"""

from io import BytesIO
from typing import Any, cast

from fastavro import schemaless_reader, schemaless_writer

from schemas.contracts import Contract
from schemas.errors import EncodingError, ErrorClass, UndecodableError
from schemas.framing import Framing

__all__ = ["RecordCodec"]


class RecordCodec:
    """Framed Avro records of one contract as dictionaries; reads every known writer schema."""

    def __init__(self, framing: Framing, ours: Contract) -> None:
        self._framing = framing
        self._contract = ours
        self._writers: dict[bytes, Any] = {}
        self._header: bytes | None = None

    @property
    def header(self) -> bytes:
        """Header of the records we write; the first use may block on a registry."""
        if self._header is None:
            self._header = self._framing.header(self._contract)
        return self._header

    def encode(self, record: dict[str, Any]) -> bytes:
        """Frame and encode one record.

        Raises:
            EncodingError: a value does not fit the contract.
        """
        body = BytesIO()
        body.write(self.header)
        try:
            schemaless_writer(body, self._contract.parsed, record)
        except Exception as error:
            raise EncodingError(
                f"{self._contract.name} cannot be written: {type(error).__name__}: {error}"
            ) from error
        return body.getvalue()

    def decode(self, data: bytes) -> dict[str, Any]:
        """Decode one record with its writer's schema, resolved to the current contract.

        Raises:
            UndecodableError: the bytes are not one whole record of this contract.
            RegistryUnavailableError, RegistryRefusedError: the writer's schema is not cached and
                the registry cannot give it.
        """
        writer = self.writer_schema(data)
        body = BytesIO(data)
        body.seek(self._framing.header_size)
        try:
            record = schemaless_reader(body, writer, self._contract.parsed)
        except Exception as error:
            # Whatever bytes can provoke in the decoder (EOF, UTF-8, union index, resolution,
            # overflow) is one thing to a caller: these bytes are no record.
            raise UndecodableError(
                ErrorClass.UNDECODABLE,
                f"the value is no {self._contract.name} ({type(error).__name__}: {error!s:.200}): "
                "check the producer's serialiser",
            ) from error
        if body.tell() != len(data):
            raise UndecodableError(
                ErrorClass.TRAILING_BYTES,
                f"{len(data) - body.tell()} bytes follow the record: send one record a message, "
                "framed with the schema that wrote it",
            )
        return cast("dict[str, Any]", record)

    def writer_schema(self, data: bytes) -> Any:
        """Schema that wrote `data`, cached by header; raises as `decode` does."""
        size = self._framing.header_size
        header = data[:size]
        schema = self._writers.get(header)
        if schema is None:
            if len(header) < size:
                raise UndecodableError(
                    ErrorClass.UNDECODABLE,
                    f"the value has {len(data)} bytes, its schema header alone needs {size}: "
                    "check the producer's serialiser",
                )
            schema = self._framing.writer_schema(header)
            self._writers[header] = schema
        return schema
