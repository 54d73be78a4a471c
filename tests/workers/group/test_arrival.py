"""A member has arrived when the group has said what it gets, even if that is nothing."""

import pytest

from workers.config import GroupProtocol
from workers.group.arrival import Arrival


def _metadata(generation: int) -> bytes:
    return b"CGMDv2:" + generation.to_bytes(4, "little", signed=True) + b"group\0member\0\1"


def _nobody_asks() -> bytes:
    raise AssertionError("the client is asked for what is not needed")


def _between_groups() -> bytes:
    raise RuntimeError("Consumer group metadata not available")


@pytest.mark.parametrize("protocol", GroupProtocol)
def test_a_member_told_of_its_partitions_has_arrived_until_it_joins_again(
    protocol: GroupProtocol,
) -> None:
    arrival = Arrival(protocol)
    assert not arrival.complete(lambda: _metadata(-1), 0.0)
    arrival.tell()
    assert arrival.complete(_nobody_asks, 0.0)
    arrival.begin()
    assert not arrival.complete(lambda: _metadata(-1), 0.0)


def test_the_classic_protocol_always_tells() -> None:
    arrival = Arrival(GroupProtocol.CLASSIC)
    assert not any(arrival.complete(_nobody_asks, now_s) for now_s in (0.0, 3600.0))


def test_a_spare_member_of_kip_848_has_arrived_a_heartbeat_after_it_was_let_in() -> None:
    arrival = Arrival(GroupProtocol.CONSUMER)
    for now_s in (0.0, 100.0):
        assert not arrival.complete(lambda: _metadata(-1), now_s)
    assert not arrival.complete(lambda: _metadata(3), 101.0)
    assert not arrival.complete(_between_groups, 102.0)  # fenced meanwhile: it starts over
    answers = [arrival.complete(lambda: _metadata(5), now_s) for now_s in (103.0, 107.9, 108.0)]
    assert answers == [False, False, True]
