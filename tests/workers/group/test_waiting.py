"""A member that gets no seat says so, and what to do; one without partitions has a seat."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from confluent_kafka import KafkaError
from structlog.testing import capture_logs

from ops.local.process import free_port
from tests.workers.telemetry.test_gauges import SteppedClock
from workers import NullTelemetry, WorkerConfig
from workers.config import GroupProtocol
from workers.group.membership import Membership
from workers.group.waiting import Waiting


def _config(protocol: GroupProtocol, bootstrap: str = "127.0.0.1:1") -> WorkerConfig:
    return WorkerConfig(bootstrap, "group", "w", "file:///unused", group_protocol=protocol)


def _warned_at(waiting: Waiting, until_s: int, *, joined: bool = False) -> Iterator[int]:
    for now_s in range(until_s):
        with capture_logs() as lines:
            waiting.look(float(now_s), joined=joined)
        yield from (now_s for _ in lines)


@pytest.mark.parametrize(
    ("protocol", "remedy"),
    [
        (GroupProtocol.CONSUMER, 'group_protocol = "classic"'),
        (GroupProtocol.CLASSIC, "coordinator"),
    ],
)
def test_who_has_no_seat_for_a_minute_says_so_each_minute(
    protocol: GroupProtocol, remedy: str
) -> None:
    assert list(_warned_at(Waiting(_config(protocol)), 200)) == [60, 120, 180]
    waiting = Waiting(_config(protocol))
    with capture_logs() as lines:
        for now_s in (0.0, 60.0):
            waiting.look(now_s, joined=False)
    assert [line["event"] for line in lines] == ["no_seat"]
    assert remedy in lines[0]["remedy"]


def test_who_has_one_is_not_waiting_and_is_given_as_long_again_once_it_is_lost() -> None:
    waiting = Waiting(_config(GroupProtocol.CLASSIC))
    assert not list(_warned_at(waiting, 200, joined=True))
    assert list(_warned_at(waiting, 100)) == [60]


def test_who_may_not_be_in_the_group_is_told_which_right_is_lacking() -> None:
    waiting = Waiting(_config(GroupProtocol.CLASSIC))
    assert waiting.hear(KafkaError(KafkaError._TRANSPORT)) is None
    assert "READ on the group group" in (
        waiting.hear(KafkaError(KafkaError.GROUP_AUTHORIZATION_FAILED)) or ""
    )
    with capture_logs() as lines:
        for now_s, joined in ((0.0, False), (60.0, False), (70.0, True), (80.0, False)):
            waiting.look(now_s, joined=joined)
        waiting.look(140.0, joined=False)
    assert ["READ on the group" in line["remedy"] for line in lines] == [True, False]


def test_a_member_looks_whenever_it_fetches() -> None:
    clock = SteppedClock()
    config = _config(GroupProtocol.CONSUMER, f"127.0.0.1:{free_port()}")
    member = Membership(config, SimpleNamespace(), NullTelemetry(), clock)
    with capture_logs() as lines:
        for clock.now_s in (0.0, 59.0, 61.0):
            member.fetch(1, 0.0)
    member.close()
    assert [line["seconds"] for line in lines if line["event"] == "no_seat"] == [61]
