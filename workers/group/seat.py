"""What a refused seat in the consumer group means: wait, take it again, or leave it to another."""

from enum import Enum
from typing import Final

from confluent_kafka import KafkaError

__all__ = ["SeatDispute", "Verdict"]

_OUT_OF_REACH: Final = frozenset(
    {KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT}
)
_DISTURBANCE_SESSIONS: Final = 5
"""For how many session timeouts after the last failed connection a request may still surface."""
_MOST_REJOINS: Final = 3
_REJOIN_WINDOW_S: Final = 60.0


class Verdict(Enum):
    """What to do about the seat."""

    WAIT = "the broker still holds it for this worker's previous life"
    REJOIN = "our own request from before an outage may have taken it"
    LEAVE = "another live worker has it"


class SeatDispute:
    """Tells a worker that displaced itself from one displaced by another.

    A client that loses its connection while it joins asks again, and when both requests arrive
    the broker takes the later one for a new life of the same static member and fences the earlier
    one. To the client this looks as if another worker used its id. So after a disturbance a fenced
    member takes its seat again; a real twin fences it again at once, and that ends it.

    Args:
        session_timeout_s: of the group; in its unit the effects of an outage are counted.
    """

    def __init__(self, session_timeout_s: float) -> None:
        self._disturbed_for_s = _DISTURBANCE_SESSIONS * session_timeout_s
        self._disturbed_s = float("-inf")
        self._rejoins_s: list[float] = []

    def observe(self, error: KafkaError, now_s: float) -> None:
        """Remember an error that may come from a broker out of reach."""
        if error.code() in _OUT_OF_REACH:
            self._disturbed_s = now_s

    def judge(self, error: KafkaError, now_s: float) -> Verdict:
        """What a fatal error of the group member means."""
        if _is(error, KafkaError.UNRELEASED_INSTANCE_ID):
            return Verdict.WAIT
        if not _is(error, KafkaError.FENCED_INSTANCE_ID):
            return Verdict.LEAVE
        self._rejoins_s = [at_s for at_s in self._rejoins_s if now_s - at_s < _REJOIN_WINDOW_S]
        disturbed = now_s - self._disturbed_s < self._disturbed_for_s
        if not disturbed or len(self._rejoins_s) >= _MOST_REJOINS:
            return Verdict.LEAVE
        self._rejoins_s.append(now_s)
        return Verdict.REJOIN


def _is(error: KafkaError, code: int) -> bool:
    """Inside a consumer's message a fatal error has no code of its own, only the text of one."""
    return error.code() == code or KafkaError(code).str() in error.str()
