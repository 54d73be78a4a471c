"""Codec of the `Tick` contract: whole batches by column, unclear records one by one."""

from collections.abc import Sequence
from copy import copy
from typing import Self

import numpy as np
import numpy.typing as npt

from schemas.contracts import contract
from schemas.errors import EncodingError, ErrorClass, UndecodableError
from schemas.framing import Framing
from schemas.record_codec import RecordCodec
from schemas.tick_columns import DecodedTicks, TickBatch, TickColumns, decode_ticks, gather
from schemas.tick_encoder import encode_ticks
from schemas.tick_rules import Rejection, checked_tick
from schemas.windows import starts_with

__all__ = ["TickCodec"]

_LAYOUT = ("asset_id", "string"), ("price", "double"), ("target", ["null", "double"])


class TickCodec:
    """Reads and writes framed ticks.

    Records of the published layout are decoded in numpy, whichever registry id they carry.
    Records of other known writer schemas (extra or reordered fields) are resolved by fastavro,
    ten times slower, without slowing the rest of their batch.
    """

    def __init__(self, framing: Framing, *, allow_nonpositive_prices: bool = False) -> None:
        self._header_size = framing.header_size
        self._allow_nonpositive_prices = allow_nonpositive_prices
        self._records = RecordCodec(framing, contract("Tick"))
        self._our_headers: list[bytes] = []

    def for_any_price(self) -> Self:
        """The same codec, what it has learnt included, with every finite price allowed."""
        other = copy(self)
        other._allow_nonpositive_prices = True
        return other

    def decode(
        self, keys: Sequence[bytes | None], values: Sequence[bytes | None]
    ) -> tuple[TickColumns, list[Rejection]]:
        """Decode one batch; every record ends up as a tick or as a rejection, in input order.

        Args:
            keys: Kafka keys, one a record.
            values: framed Kafka values, one a record.

        Raises:
            RegistryUnavailableError, RegistryRefusedError: a writer's schema is not cached and
                the registry cannot give it; nothing was decided, decode the same batch again.
        """
        batch = gather(keys, values, header_size=self._header_size)
        decoded = decode_ticks(
            batch,
            self._has_our_layout(batch, values),
            header_size=self._header_size,
            allow_nonpositive_prices=self._allow_nonpositive_prices,
        )
        rejections: list[Rejection] = []
        if not decoded.accepted.all():
            for index in np.flatnonzero(~decoded.accepted).tolist():
                self._decode_unclear(index, keys[index], values[index], decoded, rejections)
        return _columns(decoded), rejections

    def encode(self, asset_id: str, price: float, target: float | None, timestamp_ns: int) -> bytes:
        """Encode one tick; its Kafka key is `asset_id.encode()`."""
        return self._records.encode(
            {"asset_id": asset_id, "price": price, "target": target, "timestamp_ns": timestamp_ns}
        )

    def encode_batch(
        self,
        asset_ids: Sequence[str],
        price: npt.NDArray[np.float64],
        target: npt.NDArray[np.float64],
        timestamp_ns: npt.NDArray[np.int64],
    ) -> list[bytes]:
        """Encode n ticks from columns [n]; a NaN target is written as null.

        Raises:
            EncodingError: the columns differ in length, or an id is not encodable as UTF-8.
        """
        columns = (
            np.ascontiguousarray(price, np.float64),
            np.ascontiguousarray(target, np.float64),
            np.ascontiguousarray(timestamp_ns, np.int64),
        )
        if {column.shape for column in columns} != {(len(asset_ids),)}:
            raise EncodingError(f"tick columns must all have shape ({len(asset_ids)},)")
        try:
            ids = [asset_id.encode() for asset_id in asset_ids]
        except UnicodeEncodeError as error:
            raise EncodingError(f"an asset id is not encodable as UTF-8: {error}") from error
        return encode_ticks(self._records.header, ids, *columns)

    def _has_our_layout(
        self, batch: TickBatch, values: Sequence[bytes | None]
    ) -> npt.NDArray[np.bool_]:
        """Which records carry a header whose schema has the published layout, bool[n]."""
        data, start, size = batch.values
        framed = size > self._header_size
        at = np.where(framed, start, 0)
        known = np.zeros(size.size, np.bool_)
        for header in self._our_headers:
            known |= starts_with(data, at, header)
            if known.all():
                return known & framed
        for index in np.flatnonzero(framed & ~known).tolist():
            header = (values[index] or b"")[: self._header_size]
            known[index] = header in self._our_headers or self._learn(header)
        return known & framed

    def _learn(self, header: bytes) -> bool:
        """Ask for the schema behind a header; remember the header if the layout is ours."""
        try:
            schema = self._records.writer_schema(header)
        except UndecodableError:
            return False
        fields = [(field["name"], field["type"]) for field in schema["fields"]]
        if fields != [*_LAYOUT, ("timestamp_ns", "long")]:
            return False
        self._our_headers.append(header)
        return True

    def _decode_unclear(
        self,
        index: int,
        key: bytes | None,
        value: bytes | None,
        decoded: DecodedTicks,
        rejections: list[Rejection],
    ) -> None:
        try:
            tick = self._decode_one(key, value)
        except UndecodableError as error:
            rejections.append(Rejection(index, error.error_class.value, str(error)))
            return
        decoded.accepted[index] = True
        decoded.price[index], decoded.target[index], decoded.timestamp_ns[index] = tick

    def _decode_one(self, key: bytes | None, value: bytes | None) -> tuple[float, float, int]:
        if key is None:
            raise UndecodableError(
                ErrorClass.NULL_KEY, "the record has no key: send the asset id in UTF-8 as key"
            )
        if value is None:
            raise UndecodableError(
                ErrorClass.TOMBSTONE,
                "the record is a tombstone: ticks cannot be deleted, do not compact their topic",
            )
        record = self._records.decode(value)
        return checked_tick(key, record, allow_nonpositive_prices=self._allow_nonpositive_prices)


def _columns(decoded: DecodedTicks) -> TickColumns:
    index = np.flatnonzero(decoded.accepted)
    if index.size == decoded.accepted.size:
        return TickColumns(index, decoded.price, decoded.target, decoded.timestamp_ns)
    return TickColumns(
        index, decoded.price[index], decoded.target[index], decoded.timestamp_ns[index]
    )
