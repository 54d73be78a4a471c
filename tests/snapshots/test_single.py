"""The snapshot of one asset: what goes in comes out, and nothing else does."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import PredictorConfig, asset_layout
from snapshots import (
    IntegrityError,
    SingleSnapshot,
    SnapshotMismatchError,
    current_header,
    decode_single,
    encode_single,
)

CONFIG = PredictorConfig()
HEADER = current_header(CONFIG)
ROWS = np.random.default_rng(1).standard_normal((asset_layout(CONFIG).features,))
SNAPSHOT = SingleSnapshot(ROWS, 17, 5, 42, {"kurtosis": 3.5}, {"emergency_mode": True})
DATA = encode_single(HEADER, SNAPSHOT)


@pytest.mark.parametrize("last", [None, 1_700_000_000_000_000_001])
def test_round_trip_is_exact(last: int | None) -> None:
    loaded = decode_single(encode_single(HEADER, replace(SNAPSHOT, last_timestamp_ns=last)), HEADER)
    assert loaded.rows.tobytes() == ROWS.tobytes()
    assert loaded.rows.flags.writeable
    assert (loaded.last_timestamp_ns, loaded.sequence, loaded.created_ns) == (last, 5, 42)
    assert (loaded.telemetry, loaded.flags) == (SNAPSHOT.telemetry, SNAPSHOT.flags)


@given(st.data())
def test_damaged_bytes_raise_integrity_error_and_nothing_else(data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(DATA) - 1))
    bit = 1 << data.draw(st.integers(0, 7))
    damaged = bytearray(DATA)
    damaged[position] ^= bit
    with pytest.raises(IntegrityError):
        decode_single(bytes(damaged), HEADER)
    with pytest.raises(IntegrityError):
        decode_single(DATA[:position], HEADER)


def test_another_configuration_is_named() -> None:
    other = current_header(PredictorConfig(cusum_h=7.0, schema_version="1.1"))
    with pytest.raises(SnapshotMismatchError) as caught:
        decode_single(DATA, other)
    assert set(caught.value.differing) == {"cusum_h", "schema_version"}
    single = current_header(CONFIG, "float32")
    with pytest.raises(SnapshotMismatchError, match="dtype"):
        decode_single(DATA, single)
