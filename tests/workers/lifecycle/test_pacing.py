"""Beginnings that do not last come ever later; one that lasts is forgotten."""

from workers.clock import Clock
from workers.lifecycle.pacing import Pacing


class _Hand(Clock):
    """Shows what it is set to."""

    def __init__(self) -> None:
        self.at_s = 100.0

    def now_ns(self) -> int:
        return int(self.at_s * 1e9)

    def monotonic_s(self) -> float:
        return self.at_s


def _waits(pacing: Pacing, clock: _Hand, count: int) -> list[float]:
    """How long each of some beginnings was put off, when the one before failed at once."""
    waits = []
    for _ in range(count):
        begun_s = clock.at_s
        while not pacing.due:
            clock.at_s += 0.25
        waits.append(clock.at_s - begun_s)
        pacing.begin()
    return waits


def test_pauses_double_up_to_a_limit() -> None:
    clock = _Hand()
    assert _waits(Pacing(clock), clock, 9) == [0, 0, 0.25, 0.5, 1, 2, 4, 5, 5]


def test_a_beginning_that_lasted_is_followed_at_once() -> None:
    clock = _Hand()
    pacing = Pacing(clock)
    _waits(pacing, clock, 8)
    clock.at_s += 31.0
    assert _waits(pacing, clock, 3) == [0, 0, 0.25]
