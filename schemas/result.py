"""Codec of the `PredictionResult` contract."""

from typing import Any

from core import OUTPUT_ROWS
from schemas.contracts import contract
from schemas.errors import EncodingError
from schemas.framing import Framing
from schemas.record_codec import RecordCodec
from schemas.result_columns import ResultColumns, encode_results

__all__ = ["ResultCodec"]


class ResultCodec:
    """Writes framed results from columns; reads them one by one."""

    def __init__(self, framing: Framing) -> None:
        self._records = RecordCodec(framing, contract("PredictionResult"))

    def encode_batch(self, results: ResultColumns) -> list[bytes]:
        """Encode n results; n values in the same order.

        Raises:
            EncodingError: columns differ in length, or outputs are out of the contract's range.
            RegistryUnavailableError, RegistryRefusedError: at the first call, with a registry.
        """
        count = len(results.asset_id)
        columns = (
            results.source_partition,
            results.source_offset,
            results.sequence,
            results.timestamp_ns,
            results.processing_time_ns,
        )
        if {column.shape for column in columns} != {(count,)}:
            raise EncodingError(f"result columns must all have shape ({count},)")
        if results.outputs.shape != (count, OUTPUT_ROWS):
            raise EncodingError(
                f"outputs must have shape ({count}, {OUTPUT_ROWS}), not {results.outputs.shape}"
            )
        return encode_results(self._records.header, results)

    def decode(self, data: bytes) -> dict[str, Any]:
        """Decode one result as a dictionary with the contract's fields.

        Raises:
            UndecodableError: the bytes are not one whole result.
            RegistryUnavailableError, RegistryRefusedError: as its framing says.
        """
        return self._records.decode(data)
