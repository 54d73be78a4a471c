"""Who has the seat: this worker's own past, or another."""

import pytest
from confluent_kafka import KafkaError

from workers.group.seat import SeatDispute, Verdict

FENCED = KafkaError(KafkaError.FENCED_INSTANCE_ID, "replaced", True)
UNRELEASED = KafkaError(KafkaError._FATAL, KafkaError(KafkaError.UNRELEASED_INSTANCE_ID).str())
OUT_OF_REACH = KafkaError(KafkaError._TRANSPORT)


def test_in_calm_a_fenced_member_leaves_at_once() -> None:
    dispute = SeatDispute(session_timeout_s=6.0)
    assert dispute.judge(FENCED, 10.0) is Verdict.LEAVE


@pytest.mark.parametrize(
    "code", [KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT]
)
def test_each_way_a_broker_is_out_of_reach_is_an_outage(code: int) -> None:
    dispute = SeatDispute(session_timeout_s=6.0)
    dispute.observe(KafkaError(code), 10.0)
    assert dispute.judge(FENCED, 11.0) is Verdict.REJOIN


def test_after_an_outage_it_takes_its_seat_again() -> None:
    dispute = SeatDispute(session_timeout_s=6.0)
    dispute.observe(OUT_OF_REACH, 10.0)
    assert dispute.judge(FENCED, 39.0) is Verdict.REJOIN
    assert dispute.judge(FENCED, 41.0) is Verdict.LEAVE


def test_a_twin_that_insists_is_left_the_seat_even_during_an_outage() -> None:
    dispute = SeatDispute(session_timeout_s=6.0)
    verdicts = []
    for now_s in range(5):
        dispute.observe(OUT_OF_REACH, float(now_s))
        verdicts.append(dispute.judge(FENCED, float(now_s)))
    assert verdicts == [Verdict.REJOIN] * 3 + [Verdict.LEAVE] * 2
    dispute.observe(OUT_OF_REACH, 100.0)
    assert dispute.judge(FENCED, 100.0) is Verdict.REJOIN


def test_a_seat_the_broker_still_holds_is_waited_for() -> None:
    assert SeatDispute(session_timeout_s=6.0).judge(UNRELEASED, 0.0) is Verdict.WAIT


def test_any_other_fatal_error_ends_the_worker() -> None:
    dispute = SeatDispute(session_timeout_s=6.0)
    dispute.observe(OUT_OF_REACH, 0.0)
    fatal = KafkaError(KafkaError._FATAL, "Broker: Group authorization failed")
    assert dispute.judge(fatal, 0.0) is Verdict.LEAVE
