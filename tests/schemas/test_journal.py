from dataclasses import asdict

from hypothesis import given
from hypothesis import strategies as st

from schemas import EVENT_TIME, JournalCodec, JournalRecord, SingleObjectFraming
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
)


@given(RECORDS)
def test_decisions_come_back_whole_and_are_written_as_fastavro_does(record: JournalRecord) -> None:
    data = CODEC.encode(record)
    assert CODEC.decode(data) == record
    assert data == reference.write("JournalRecord", asdict(record))
