from dataclasses import asdict
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas import EVENT_TIME, JournalCodec, JournalRecord, SingleObjectFraming
from schemas.contracts import released_contracts
from schemas.record_codec import RecordCodec
from tests.schemas import reference

CODEC = JournalCodec(SingleObjectFraming())
OFFSET = st.integers(0, 2**63 - 1)
RECORDS = st.builds(
    JournalRecord,
    from_offset=OFFSET,
    to_offset=OFFSET,
    processing_time_ns=st.just(EVENT_TIME) | OFFSET,
    depth=st.sampled_from([2, 3, 5]),
    kernel_mask=st.integers(0, 15),
    config_fingerprint=st.text("0123456789abcdef", min_size=16, max_size=16),
    worker=st.text(),
    rejected=st.none() | st.lists(OFFSET, max_size=5).map(tuple),
    dtype=st.none() | st.sampled_from(["float64", "float32"]),
    group=st.none() | st.text(),
    source_topic=st.none() | st.text(),
)


@given(RECORDS)
def test_decisions_come_back_whole_and_are_written_as_fastavro_does(record: JournalRecord) -> None:
    data = CODEC.encode(record)
    assert CODEC.decode(data) == record
    plain = {"rejected": None if record.rejected is None else list(record.rejected)}
    assert data == reference.write("JournalRecord", asdict(record) | plain)


def test_what_was_written_before_them_says_nothing_of_rejected_records_and_whose_they_are() -> None:
    [first, *_] = (one for one in released_contracts() if one.name == "JournalRecord")
    old: dict[str, Any] = {
        "from_offset": 3,
        "to_offset": 9,
        "processing_time_ns": EVENT_TIME,
        "depth": 5,
    }
    old |= {"kernel_mask": 15, "config_fingerprint": "f" * 16, "worker": "w-0"}
    record = CODEC.decode(RecordCodec(SingleObjectFraming(), first).encode(old))
    assert (record.to_offset, record.rejected, record.dtype) == (9, None, None)
    assert (record.group, record.source_topic) == (None, None)


def test_the_rest_of_a_record_names_the_same_rejected_offsets() -> None:
    record = JournalRecord(10, 19, 0, 5, 15, "f" * 16, "w-0", (0, 4, 9))
    assert record.since(14) == JournalRecord(14, 19, 0, 5, 15, "f" * 16, "w-0", (0, 5))
    assert record.since(15).rejected == (4,)
    assert JournalRecord(10, 19, 0, 5, 15, "f" * 16, "w-0").since(12).rejected is None
