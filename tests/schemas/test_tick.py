import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from schemas import SingleObjectFraming, TickCodec, TickColumns
from schemas.errors import EncodingError, ErrorClass
from schemas.record_codec import RecordCodec
from tests.schemas import reference

CODEC = TickCodec(SingleObjectFraming())
HEADER = reference.single_object_header("Tick")
ANY_DOUBLE = st.floats(allow_nan=True, allow_infinity=True, width=64)
UTF8 = st.characters(exclude_categories=["Cs"])
ASSET_ID = st.text(UTF8, max_size=20) | st.text("aé€😀", min_size=40, max_size=90)
TICK = st.tuples(ASSET_ID, ANY_DOUBLE, st.none() | ANY_DOUBLE, st.integers(-(2**63), 2**63 - 1))
VALID_TICK = st.tuples(
    st.text(UTF8, min_size=1, max_size=70).filter(lambda text: len(text.encode()) <= 256),
    st.floats(min_value=0, exclude_min=True, allow_infinity=False),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.integers(0, 2**63 - 1),
)
Tick = tuple[str, float, float | None, int]
FIELDS = ("asset_id", "price", "target", "timestamp_ns")


def by_fastavro(tick: Tick) -> bytes:
    return reference.write("Tick", dict(zip(FIELDS, tick, strict=True)))


def encode_batch(ticks: Sequence[Tick]) -> list[bytes]:
    ids, price, target, stamp = zip(*ticks, strict=True) if ticks else ((), (), (), ())
    nan_for_null = [math.nan if one is None else one for one in target]
    return CODEC.encode_batch(
        ids, np.array(price, float), np.array(nan_for_null, float), np.array(stamp, np.int64)
    )


def rows(columns: TickColumns) -> dict[int, tuple[float, float, int]]:
    parts = (columns.index, columns.price, columns.target, columns.timestamp_ns)
    return {
        int(index): (float(price), float(target), int(stamp))
        for index, price, target, stamp in zip(*parts, strict=True)
    }


def same_bits(left: float, right: float) -> bool:
    return np.float64(left).tobytes() == np.float64(right).tobytes()


def assert_decoded_as_reference(keys: list[bytes | None], values: list[bytes | None]) -> None:
    columns, rejections = CODEC.decode(keys, values)
    got = rows(columns)
    expected = {
        index: tick
        for index, pair in enumerate(zip(keys, values, strict=True))
        if (tick := reference.tick_or_none(*pair)) is not None
    }
    assert list(got) == sorted(expected)
    for index, (price, target, stamp) in expected.items():
        assert same_bits(got[index][0], price)
        assert same_bits(got[index][1], target) or (
            math.isnan(got[index][1]) and math.isnan(target)
        )
        assert got[index][2] == stamp
    assert [rejection.index for rejection in rejections] == sorted(
        set(range(len(keys))) - set(expected)
    )
    assert all(rejection.error_class in set(ErrorClass) for rejection in rejections)
    assert all(rejection.message for rejection in rejections)


@given(st.lists(TICK, max_size=12))
def test_batches_are_written_as_fastavro_does(ticks: list[Tick]) -> None:
    null_for_nan = [
        (name, price, None if target is None or math.isnan(target) else target, stamp)
        for name, price, target, stamp in ticks
    ]
    expected = [by_fastavro(tick) for tick in null_for_nan]
    assert encode_batch(ticks) == expected
    assert [CODEC.encode(*tick) for tick in null_for_nan] == expected


@given(st.lists(VALID_TICK, max_size=12))
@example([("a" * 63, 1.0, None, 0), ("b" * 64, 1.0, None, 0), ("c" * 256, 1.0, None, 2**63 - 1)])
def test_valid_ticks_come_back_with_every_bit(ticks: list[Tick]) -> None:
    keys: list[bytes | None] = [tick[0].encode() for tick in ticks]
    values: list[bytes | None] = [*encode_batch(ticks)]
    columns, rejections = CODEC.decode(keys, values)
    assert rejections == []
    assert columns.index.tolist() == list(range(len(ticks)))
    assert_decoded_as_reference(keys, values)


@given(st.lists(TICK, max_size=12))
def test_ticks_of_any_content_are_accepted_or_refused_as_the_contract_says(
    ticks: list[Tick],
) -> None:
    keys: list[bytes | None] = [tick[0].encode() for tick in ticks]
    assert_decoded_as_reference(keys, [by_fastavro(tick) for tick in ticks])


@st.composite
def damaged(draw: st.DrawFn) -> tuple[bytes | None, bytes | None]:
    tick = draw(VALID_TICK)
    key, value = tick[0].encode(), by_fastavro(tick)
    how = draw(st.sampled_from(["no", "cut", "grow", "flip", "body", "random", "null", "key"]))
    where = draw(st.integers(0, len(value) - 1))
    match how:
        case "cut":
            return key, value[:where]
        case "grow":
            return key, value + draw(st.binary(min_size=1, max_size=12))
        case "flip":
            flipped = bytes([value[where] ^ draw(st.integers(1, 255))])
            return key, value[:where] + flipped + value[where + 1 :]
        case "body":
            return key, HEADER + draw(st.binary(max_size=60))
        case "random":
            return draw(st.binary(max_size=40)), draw(st.binary(max_size=60))
        case "null":
            return draw(st.sampled_from([(None, value), (key, None), (None, None), (b"", b"")]))
        case "key":
            return key[:-1] + draw(st.binary(min_size=1, max_size=2)), value
    return key, value


@given(st.lists(damaged(), max_size=12))
def test_damaged_records_become_rejections_and_spare_their_neighbours(
    records: list[tuple[bytes | None, bytes | None]],
) -> None:
    keys, values = [key for key, _ in records], [value for _, value in records]
    assert_decoded_as_reference(keys, values)


def test_seeded_mutations_in_bulk_agree_with_the_reference() -> None:
    rng = np.random.default_rng(20240501)
    keys: list[bytes | None] = []
    values: list[bytes | None] = []
    for number in range(3_000):
        key = f"A{number % 97}" * int(rng.integers(1, 30))
        target = None if number % 3 else float(number)
        value = bytearray(by_fastavro((key, 1.5, target, int(rng.integers(0, 2**62)))))
        if number % 2:
            value[rng.integers(10, len(value))] = rng.integers(0, 256)
        keys.append(key.encode())
        values.append(bytes(value[: rng.integers(0, len(value))] if number % 5 == 0 else value))
    assert_decoded_as_reference(keys, values)


def padded_varint(value: bytes, size: int) -> bytes:
    """The same number in more bytes than it needs."""
    more = bytes(byte | 0x80 for byte in value[-1:])
    return value[:-1] + more + b"\x80" * (size - len(value) - 1) + b"\x00"


def test_longer_than_needed_varints_are_read_as_fastavro_reads_them() -> None:
    plain = by_fastavro(("AB", 2.0, None, 5))
    stamp = plain[:-1] + padded_varint(plain[-1:], 4)
    length = plain[:10] + padded_varint(plain[10:11], 3) + plain[11:]
    columns, rejections = CODEC.decode([b"AB"] * 2, [stamp, length])
    assert rejections == []
    assert columns.timestamp_ns.tolist() == [5, 5]
    assert_decoded_as_reference([b"AB"] * 2, [stamp, length])


def test_a_bad_record_leaves_the_good_ones_on_the_columnar_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one_by_one: list[bytes] = []
    reference_decode = RecordCodec.decode

    def counted(self: RecordCodec, data: bytes) -> dict[str, object]:
        one_by_one.append(data)
        return reference_decode(self, data)

    monkeypatch.setattr(RecordCodec, "decode", counted)
    values: list[bytes | None] = [*encode_batch([("A", 1.0, None, n) for n in range(1000)])]
    values[500] = b"\xc3\x01garbage"
    values[700] = None
    columns, rejections = CODEC.decode([b"A"] * 1000, values)
    assert one_by_one == [b"\xc3\x01garbage"]
    assert columns.timestamp_ns.size == 998
    assert [rejection.index for rejection in rejections] == [500, 700]


GOOD = ("AB", 2.0, 1.0, 5)
NOT_UTF8 = HEADER + b"\x04\xff\xfe" + by_fastavro(GOOD)[13:]


@pytest.mark.parametrize(
    ("key", "value", "error_class"),
    [
        (None, by_fastavro(GOOD), ErrorClass.NULL_KEY),
        (b"AB", None, ErrorClass.TOMBSTONE),
        (b"AB", b"", ErrorClass.UNDECODABLE),
        (b"AB", HEADER, ErrorClass.UNDECODABLE),
        (b"AB", b'{"price": 1}' + bytes(30), ErrorClass.UNDECODABLE),
        (b"\xff\xfe", NOT_UTF8, ErrorClass.UNDECODABLE),
        (b"AB", b"\xc3\x01" + bytes(8) + by_fastavro(GOOD)[10:], ErrorClass.UNKNOWN_SCHEMA),
        (b"AB", by_fastavro(GOOD) + b"\x00", ErrorClass.TRAILING_BYTES),
        (b"AC", by_fastavro(GOOD), ErrorClass.KEY_MISMATCH),
        (b"ABC", by_fastavro(GOOD), ErrorClass.KEY_MISMATCH),
        (b"", by_fastavro(("", 2.0, 1.0, 5)), ErrorClass.INVALID_ASSET_ID),
        (b"A" * 257, by_fastavro(("A" * 257, 2.0, 1.0, 5)), ErrorClass.INVALID_ASSET_ID),
        (b"A", by_fastavro(("A" * 1_000_000, 2.0, 1.0, 5)), ErrorClass.INVALID_ASSET_ID),
        (b"AB", by_fastavro(("AB", math.nan, 1.0, 5)), ErrorClass.INVALID_PRICE),
        (b"AB", by_fastavro(("AB", math.inf, 1.0, 5)), ErrorClass.INVALID_PRICE),
        (b"AB", by_fastavro(("AB", 0.0, 1.0, 5)), ErrorClass.INVALID_PRICE),
        (b"AB", by_fastavro(("AB", -1.0, 1.0, 5)), ErrorClass.INVALID_PRICE),
        (b"AB", by_fastavro(("AB", 1.0, -math.inf, 5)), ErrorClass.INVALID_TARGET),
        (b"AB", by_fastavro(("AB", 1.0, None, -1)), ErrorClass.INVALID_TIMESTAMP),
    ],
)
def test_each_fault_has_its_name(
    key: bytes | None, value: bytes | None, error_class: ErrorClass
) -> None:
    columns, [rejection] = CODEC.decode([key], [value])
    assert columns.index.size == 0
    assert (rejection.index, rejection.error_class) == (0, error_class.value)
    assert len(rejection.message) < 500


def test_nonpositive_prices_pass_only_where_allowed() -> None:
    codec = TickCodec(SingleObjectFraming(), allow_nonpositive_prices=True)
    values = [by_fastavro(("A", price, None, 0)) for price in (-37.63, 0.0, math.nan)]
    columns, rejections = codec.decode([b"A"] * 3, values)
    assert columns.price.tolist() == [-37.63, 0.0]
    assert [rejection.index for rejection in rejections] == [2]


def test_a_nan_target_is_no_fault() -> None:
    columns, rejections = CODEC.decode([b"A"], [by_fastavro(("A", 1.0, math.nan, 0))])
    assert rejections == []
    assert math.isnan(columns.target[0])


def test_an_empty_batch_decodes_to_nothing() -> None:
    columns, rejections = CODEC.decode([], [])
    assert columns.index.size == columns.price.size == 0
    assert rejections == []


def test_columns_that_do_not_fit_are_refused() -> None:
    one, two = np.ones(1), np.ones(2)
    with pytest.raises(EncodingError, match="shape"):
        CODEC.encode_batch(["A"], one, two, np.ones(1, np.int64))
    with pytest.raises(EncodingError, match="UTF-8"):
        CODEC.encode_batch(["\ud800"], one, one, np.ones(1, np.int64))
    with pytest.raises(EncodingError, match="Tick"):
        CODEC.encode("A", 1.0, None, 2**63)
