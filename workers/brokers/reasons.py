"""Why brokers do not answer: a client tells its callback; whoever asked hears that time is up."""

from typing import Any, Final, Protocol

from confluent_kafka import KafkaError, KafkaException

__all__ = ["Reasons"]

_DECISIVE: Final = frozenset({KafkaError._AUTHENTICATION, KafkaError._SSL})
"""Some broker was reached, and did not let us in."""


class _Client(Protocol):
    def poll(self, timeout: float, /) -> object: ...


class Reasons:
    """Listens to one client: its settings have `options`, and `why` is asked after a failure."""

    def __init__(self) -> None:
        self._heard: KafkaError | None = None

    @property
    def options(self) -> dict[str, Any]:
        """Settings of the client."""
        return {"error_cb": self._hear}

    def why(self, client: _Client, error: Exception) -> str:
        """What was heard; else what the failure itself says, which may be little.

        Args:
            client: the one that has failed; nothing is assigned to it, if it is a consumer.
            error: what it raised.
        """
        client.poll(0.0)  # it calls back in here alone
        told = error.args[0] if isinstance(error, KafkaException) else None
        reason = self._heard or told
        return str(error) or "no answer in time" if reason is None else str(reason.str())

    def told(self, client: _Client, error: Exception) -> str:
        """`why`, and what to look at."""
        return (
            f"{self.why(client, error)}. Check bootstrap_servers, [kafka] security options, and "
            "that the brokers are up"
        )

    def _hear(self, error: KafkaError) -> None:
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            return
        if self._heard is None or self._heard.code() not in _DECISIVE:
            self._heard = error
