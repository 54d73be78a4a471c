"""Prediction results from columns: whole batches of `PredictionResult` records, in numpy.

Body of a record: the cause, asset id and times, whose sizes vary, then a tail of fixed size.
The tail's order is the contract's field order; the tests compare every byte with fastavro.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core import RESULT_FLAGS, Output
from schemas.errors import EncodingError
from schemas.varint import encode_varint, encode_varints
from schemas.windows import PADDING, copy_ragged, join, lengths, split, windows

__all__ = ["ResultColumns", "encode_results"]

_TELEMETRY = (
    Output.PREDICTED_NEXT,
    Output.PREDICTED_PRICE,
    Output.LOCATION,
    Output.SCALE,
    Output.HOLDER_EXPONENT,
    Output.CUSUM_DRIFT,
    Output.DISTANCE_TO_COLLAPSE,
    Output.FREE_ENERGY,
    Output.KURTOSIS,
    Output.DGM_ENTROPY,
    Output.ADAPTIVE_THRESHOLD,
)
_WEIGHTS = (Output.WEIGHT_A, Output.WEIGHT_B, Output.WEIGHT_C, Output.WEIGHT_D)
_FORECASTS = (Output.FORECAST_A, Output.FORECAST_B, Output.FORECAST_C, Output.FORECAST_D)
# Written as one byte each: a zig-zag varint of 0..63.
_SMALL_INTS = (Output.MODE, Output.SIGNATURE_DEPTH, Output.KERNEL_MASK)
_SMALL_INT_LIMIT = 64

_BITS = np.array([flag.value for flag in RESULT_FLAGS.values()], np.int64)
# An Avro array is written as one block: item count, items, and a zero that ends it.
_FOUR, _END = 4 << 1, 0
_TAIL = np.dtype(
    [
        ("telemetry", "<f8", len(_TELEMETRY)),
        ("weights_count", "u1"),
        ("weights", "<f8", 4),
        ("weights_end", "u1"),
        ("forecasts_count", "u1"),
        ("forecasts", "<f8", 4),
        ("forecasts_end", "u1"),
        ("flags", "u1", len(RESULT_FLAGS)),
        ("small_ints", "u1", len(_SMALL_INTS)),
    ]
)

_TAIL_BYTES = np.dtype(f"V{_TAIL.itemsize}")
# Varints around the asset id (whose own length comes right before it), in wire order.
_BEFORE_ID = ("source_partition", "source_offset", "sequence")
_AFTER_ID = ("timestamp_ns", "processing_time_ns")
# Rows encoded at once: many enough to hide the cost of a numpy call, few enough that the
# scratch arrays are re-used by the allocator instead of being paged in anew.
_BLOCK = 1024


@dataclass(frozen=True, slots=True)
class ResultColumns:
    """Results of n ticks of one topic, in the order in which they are to be written.

    Attributes:
        source_topic: topic of the ticks.
        source_partition: int32[n].
        source_offset: int64[n].
        sequence: int64[n], ticks that the asset's state has seen, each itself included.
        asset_id: n ids in UTF-8.
        timestamp_ns: int64[n], nanoseconds since the Unix epoch.
        processing_time_ns: int64[n], nanoseconds since the Unix epoch.
        outputs: float64[n, core.OUTPUT_ROWS]; columns are `core.Output`.
    """

    source_topic: str
    source_partition: npt.NDArray[np.int32]
    source_offset: npt.NDArray[np.int64]
    sequence: npt.NDArray[np.int64]
    asset_id: Sequence[bytes]
    timestamp_ns: npt.NDArray[np.int64]
    processing_time_ns: npt.NDArray[np.int64]
    outputs: npt.NDArray[np.float64]


def encode_results(header: bytes, results: ResultColumns) -> list[bytes]:
    """Encode a batch, byte for byte as fastavro does.

    Raises:
        EncodingError: a mode, depth or kernel mask is out of the contract's range.
    """
    topic = results.source_topic.encode()
    prefix = header + encode_varint(len(topic)) + topic
    count = len(results.asset_id)
    return [
        value
        for first in range(0, count, _BLOCK)
        for value in _encode_block(prefix, results, slice(first, min(first + _BLOCK, count)))
    ]


def _encode_block(prefix: bytes, results: ResultColumns, rows: slice) -> list[bytes]:
    """Encode some rows.

    The parts are scattered from left to right: the filler behind a varint or an id is covered
    by what follows, and the tail, longer than any filler, comes last.
    """
    asset_id = results.asset_id[rows]
    ids = join(asset_id, lengths(asset_id))
    integers = np.empty((len(_BEFORE_ID) + 1 + len(_AFTER_ID), len(asset_id)), np.int64)
    for row, name in enumerate((*_BEFORE_ID, "", *_AFTER_ID)):
        integers[row] = getattr(results, name)[rows] if name else ids.size
    packed, varint_size = encode_varints(integers)
    fixed_size = len(prefix) + _TAIL.itemsize
    size = varint_size.sum(axis=0) + ids.size + fixed_size
    end = np.cumsum(size)
    out = np.empty(int(end[-1]) + PADDING, np.uint8)
    at = end - size
    windows(out, f"V{len(prefix)}")[at] = np.void(prefix)
    at += len(prefix)
    slots = windows(out, packed.dtype)
    for row in range(len(integers)):
        slots[at] = packed[row]
        at += varint_size[row]
        if row == len(_BEFORE_ID):
            copy_ragged(ids, out, at)
            at += ids.size
    windows(out, _TAIL_BYTES)[at] = _tail(results.outputs[rows]).view(_TAIL_BYTES)
    return split(out.tobytes(), end)


def _tail(outputs: npt.NDArray[np.float64]) -> npt.NDArray[np.void]:
    """The fixed-size part of every record, as packed structs [n]."""
    small = outputs[:, _SMALL_INTS]
    if not ((small >= 0) & (small < _SMALL_INT_LIMIT)).all():
        raise EncodingError(
            f"mode, signature depth and kernel mask must lie in 0..{_SMALL_INT_LIMIT - 1}: "
            "the outputs do not come from this build's step"
        )
    tail = np.empty(len(outputs), _TAIL)
    tail["telemetry"] = outputs[:, _TELEMETRY]
    tail["weights_count"] = tail["forecasts_count"] = _FOUR
    tail["weights_end"] = tail["forecasts_end"] = _END
    tail["weights"] = outputs[:, _WEIGHTS]
    tail["forecasts"] = outputs[:, _FORECASTS]
    bits = outputs[:, Output.FLAGS].astype(np.int64)
    tail["flags"] = (bits[:, None] & _BITS) != 0
    tail["small_ints"] = small.astype(np.uint8) << 1
    return tail
