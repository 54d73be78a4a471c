import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import DeadLetter, DeadLetterCodec, ErrorClass, SingleObjectFraming, UndecodableError
from tests.schemas import reference

CODEC = DeadLetterCodec(SingleObjectFraming())
BYTES = st.none() | st.binary()
LETTERS = st.builds(
    DeadLetter,
    source_topic=st.text(),
    source_partition=st.integers(0, 2**31 - 1),
    source_offset=st.integers(0, 2**63 - 1),
    key=BYTES,
    value=BYTES,
    headers=st.lists(st.tuples(st.text(), BYTES), max_size=4).map(tuple),
    error_class=st.text(),
    message=st.text(),
)


@given(LETTERS)
def test_letters_keep_every_byte_of_the_record(letter: DeadLetter) -> None:
    data = CODEC.encode(letter)
    assert CODEC.decode(data) == letter
    record = reference.read("DeadLetter", data)
    assert (record["key"], record["value"]) == (letter.key, letter.value)
    assert [(one["key"], one["value"]) for one in record["headers"]] == list(letter.headers)


def test_repeated_headers_and_a_megabyte_survive() -> None:
    headers = (("a", b"1"), ("a", None), ("", b""))
    letter = DeadLetter("t", 0, 1, None, b"\x00" * 1_000_000, headers, "Undecodable", "why")
    assert CODEC.decode(CODEC.encode(letter)) == letter


def test_bytes_after_the_record_are_refused() -> None:
    letter = DeadLetter("t", 0, 1, None, None, (), "Tombstone", "why")
    with pytest.raises(UndecodableError) as refused:
        CODEC.decode(CODEC.encode(letter) + b"\x00")
    assert refused.value.error_class is ErrorClass.TRAILING_BYTES
