"""Dead letters of records that no letter could hold whole."""

from hashlib import sha256
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from schemas import DeadLetter, DeadLetterCodec, Rejection, SingleObjectFraming
from workers import WorkerConfig
from workers.batching.records import RecordBatch
from workers.emission.burial import Undertaker, is_cut

CONFIG = WorkerConfig("b:1", "group", "w-0", "file:///unused")
FRAMING = SingleObjectFraming()
LIMIT_BYTES = 5_000
_NAMES = st.text(max_size=20)


def buried(key: bytes | None, value: bytes | None, message: object) -> tuple[DeadLetter, int]:
    """The letter, and how large its message is."""
    records = RecordBatch(
        messages=cast(Any, [message]),
        partition=np.array([3]),
        offset=np.array([45]),
        keys=[key],
        values=[value],
    )
    undertaker = Undertaker(CONFIG, lambda _: FRAMING, lambda: LIMIT_BYTES)
    sent = undertaker.bury(records, Rejection(0, "Undecodable", "no header"))
    letter = DeadLetterCodec(FRAMING).decode(sent.value)
    assert (letter.source_partition, letter.source_offset, sent.key) == (3, 45, letter.key)
    return letter, len(sent.value) + len(sent.key or b"")


@example(None, bytes(4_956), [])
@given(
    st.none() | st.binary(max_size=50) | st.integers(0, 9_000).map(bytes),
    st.none() | st.binary(max_size=50) | st.integers(0, 9_000).map(bytes),
    st.lists(st.tuples(_NAMES, st.none() | st.integers(0, 3_000).map(bytes)), max_size=3),
)
def test_a_letter_fits_and_is_whole_or_says_what_is_missing(
    key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    letter, size = buried(key, value, SimpleNamespace(headers=lambda: headers))
    assert size <= LIMIT_BYTES
    assert is_cut(letter) == (letter.message != "no header")
    if letter.message == "no header":
        assert (letter.key, letter.value, letter.headers) == (key, value, tuple(headers))
        return
    whole = value or b""
    assert size > LIMIT_BYTES - 60 or not letter.value or len(key or b"") > 1_024 or headers
    assert whole.startswith(letter.value or b"") and (key or b"").startswith(letter.key or b"")
    assert f"{len(whole)} bytes of value with SHA-256 {sha256(whole).hexdigest()}" in letter.message
    assert f"{len(key or b'')} of key, {len(headers)} headers" in letter.message


def test_headers_that_the_client_cannot_read_are_left_out() -> None:
    def headers() -> None:
        raise SystemError("returned a result with an exception set")

    letter, _ = buried(b"A", b"bad", SimpleNamespace(headers=headers))
    assert (letter.key, letter.value, letter.headers) == (b"A", b"bad", ())
    assert "no UTF-8" in letter.message
    assert not is_cut(letter)
