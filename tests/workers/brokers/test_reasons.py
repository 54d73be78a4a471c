"""Of what a client says while nobody answers, the one thing to tell."""

from collections.abc import Callable, Sequence

import pytest
from confluent_kafka import KafkaError, KafkaException

from workers.brokers.reasons import Reasons

_AWAY = KafkaError(KafkaError._TRANSPORT, "connection refused")
_NOT_LET_IN = KafkaError(KafkaError._AUTHENTICATION, "wrong password")
_ALL = KafkaError(KafkaError._ALL_BROKERS_DOWN, "2/2 brokers are down")


class Client:
    """Calls back as it is polled, and not before."""

    def __init__(self, says: Sequence[KafkaError], hears: Callable[[KafkaError], None]) -> None:
        self._says = says
        self._hears = hears

    def poll(self, timeout: float, /) -> None:
        assert timeout == 0.0
        for error in self._says:
            self._hears(error)


@pytest.mark.parametrize(
    ("says", "told"),
    [
        ([_AWAY, _ALL], "connection refused"),
        ([_NOT_LET_IN, _ALL, _AWAY], "wrong password"),
        ([_AWAY, _NOT_LET_IN], "wrong password"),
        ([_ALL], "time is up"),
    ],
)
def test_who_was_reached_and_lets_nobody_in_says_most(
    says: Sequence[KafkaError], told: str
) -> None:
    reasons = Reasons()
    client = Client(says, reasons.options["error_cb"])
    failure = KafkaException(KafkaError(KafkaError._TIMED_OUT, "time is up"))
    assert reasons.why(client, failure) == told


def test_a_time_limit_says_nothing_itself() -> None:
    reasons = Reasons()
    assert reasons.why(Client([], reasons.options["error_cb"]), TimeoutError()) == (
        "no answer in time"
    )
