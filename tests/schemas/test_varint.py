import io

import fastavro
import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from schemas.varint import MAX_SIZE, decode_varints, encode_varint, encode_varints
from schemas.windows import PADDING

INT64 = st.integers(-(2**63), 2**63 - 1)
EDGES = [sign * (2**bits + off) for bits in range(63) for off in (-1, 0, 1) for sign in (1, -1)]
EXTREMES = [2**63 - 1, -(2**63)]


def fastavro_long(value: int) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, "long", value)
    return out.getvalue()


def encoded(values: list[int]) -> list[bytes]:
    packed, size = encode_varints(np.array(values, np.int64))
    return [row.tobytes()[:n] for row, n in zip(packed, size, strict=True)]


def decoded(texts: list[bytes]) -> tuple[list[int], list[bool]]:
    data = np.frombuffer(b"".join(texts) + bytes(PADDING), np.uint8)
    size = np.array([len(text) for text in texts], np.int64)
    values, valid = decode_varints(data, np.cumsum(size) - size, size)
    return values.tolist(), valid.tolist()


def test_every_power_of_two_and_its_neighbours_are_written_as_fastavro_does() -> None:
    values = EDGES + EXTREMES
    assert encoded(values) == [fastavro_long(value) for value in values]
    assert decoded(encoded(values)) == (values, [True] * len(values))


@given(st.lists(INT64, min_size=1, max_size=20))
def test_columns_are_written_as_fastavro_does_and_read_back(values: list[int]) -> None:
    texts = encoded(values)
    assert texts == [fastavro_long(value) for value in values]
    assert texts == [encode_varint(value) for value in values]
    assert decoded(texts) == (values, [True] * len(values))


@given(hnp.arrays(np.int64, (3, 4), elements=INT64))
def test_shape_is_kept(values: np.ndarray[tuple[int, int], np.dtype[np.int64]]) -> None:
    packed, size = encode_varints(values)
    assert packed.shape == size.shape == values.shape
    assert packed[1, 2].tobytes()[: size[1, 2]] == fastavro_long(int(values[1, 2]))


@given(st.binary(min_size=0, max_size=MAX_SIZE))
@example(b"\xff" * 9 + b"\x01")
@example(b"\x80" * 9 + b"\x02")  # what chance never finds: ten bytes of more than 64 bits
def test_only_one_whole_encoding_is_valid(text: bytes) -> None:
    whole = bool(text) and all(byte & 0x80 for byte in text[:-1]) and not text[-1] & 0x80
    fits = len(text) < MAX_SIZE or text[-1] <= 1
    values, valid = decoded([b"\xff" * 3, text, b"\xff" * 3])
    assert valid == [False, whole and fits, False]
    if valid[1]:
        assert values[1] == fastavro.schemaless_reader(io.BytesIO(text), "long", None)
