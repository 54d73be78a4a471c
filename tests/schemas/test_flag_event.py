import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import (
    EncodingError,
    FlagEvent,
    FlagEventCodec,
    FlagState,
    FlagType,
    Severity,
    SingleObjectFraming,
    UndecodableError,
    flag_event_id,
)
from tests.schemas import reference

CODEC = FlagEventCodec(SingleObjectFraming())
LONG = st.integers(-(2**63), 2**63 - 1)
EVENTS = st.builds(
    FlagEvent,
    event_id=st.text(),
    type=st.sampled_from(FlagType),
    state=st.sampled_from(FlagState),
    severity=st.sampled_from(Severity),
    source_topic=st.text(),
    source_partition=st.integers(-(2**31), 2**31 - 1),
    source_offset=LONG,
    asset_id=st.text(),
    timestamp_ns=LONG,
    processing_time_ns=LONG,
    values=st.dictionaries(st.text(), st.floats(allow_nan=False), max_size=4),
)
EVENT = FlagEvent(
    event_id="ticks-3-42-EmergencyMode-raised",
    type=FlagType.EMERGENCY_MODE,
    state=FlagState.RAISED,
    severity=Severity.CRITICAL,
    source_topic="ticks",
    source_partition=3,
    source_offset=42,
    asset_id="AB",
    timestamp_ns=1_700_000_000_000_000_001,
    processing_time_ns=1_700_000_000_500_000_000,
    values={"holder_exponent": 0.2},
)


@given(EVENTS)
def test_events_come_back_whole_and_are_written_as_fastavro_does(event: FlagEvent) -> None:
    data = CODEC.encode(event)
    assert CODEC.decode(data) == event
    plain = {name: getattr(event, name) for name in FlagEvent.__slots__}
    plain |= {name: str(plain[name].value) for name in ("type", "state", "severity")}
    assert data == reference.write("FlagEvent", plain)


def test_enumerations_are_those_of_the_contract() -> None:
    kinds = {field["name"]: field["type"] for field in reference.document("FlagEvent")["fields"]}
    for name, enum in (("type", FlagType), ("state", FlagState), ("severity", Severity)):
        assert kinds[name]["symbols"] == [member.value for member in enum]
    assert kinds["type"]["default"] == FlagType.UNKNOWN.value


def test_the_identity_follows_from_cause_type_and_edge() -> None:
    made = flag_event_id("ticks", 3, 42, type=FlagType.EMERGENCY_MODE, state=FlagState.RAISED)
    assert made == EVENT.event_id


def test_cloudevents_attributes_travel_as_kafka_headers() -> None:
    assert CODEC.cloudevent_headers(EVENT) == [
        ("ce_specversion", b"1.0"),
        ("ce_id", b"ticks-3-42-EmergencyMode-raised"),
        ("ce_source", b"/tickfleet/ticks/3"),
        ("ce_type", b"tickfleet.EmergencyMode.raised"),
        ("ce_time", b"2023-11-14T22:13:20.000000001Z"),
        ("content-type", b"application/avro"),
    ]


def test_values_that_do_not_fit_are_refused() -> None:
    bad = FlagEvent(**{name: getattr(EVENT, name) for name in FlagEvent.__slots__} | {"values": 3})
    with pytest.raises(EncodingError, match="FlagEvent"):
        CODEC.encode(bad)


@given(st.binary(max_size=80), st.integers(0, 80))
def test_damaged_bytes_are_refused_by_one_error_type(noise: bytes, keep: int) -> None:
    data = CODEC.encode(EVENT)[:keep] + noise
    try:
        event = CODEC.decode(data)
    except UndecodableError:
        return
    assert reference.read("FlagEvent", data)["event_id"] == event.event_id
