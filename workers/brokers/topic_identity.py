"""Which topic goes by the ticks topic's name.

Kafka gives each topic that is created an id of its own, whatever its name and its cluster. Offsets
mean ticks of one such topic alone: of another one, the same offsets are other ticks.
"""

import time
from collections.abc import Iterable
from typing import Final

import structlog
from confluent_kafka import KafkaError, KafkaException, TopicCollection, Uuid
from confluent_kafka.admin import AdminClient

from workers.brokers.client_config import admin_settings
from workers.config import WorkerConfig
from workers.errors import StalledClientError

__all__ = ["TopicIdentity"]

_log = structlog.get_logger()
_NONE: Final = str(Uuid(0, 0))
"""What the client makes of a broker's answer without ids."""
_PASSING: Final = frozenset(
    {
        KafkaError._TIMED_OUT,
        KafkaError._TRANSPORT,
        KafkaError._ALL_BROKERS_DOWN,
        KafkaError._RESOLVE,
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NETWORK_EXCEPTION,
        KafkaError.REQUEST_TIMED_OUT,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
    }
)
_ANSWERS: Final = 3
_PAUSE_S: Final = 1.0


class TopicIdentity:
    """Asks the brokers for the topic's id. Any thread may call.

    Args:
        config: names the cluster and the topic.
    """

    def __init__(self, config: WorkerConfig) -> None:
        self._topic = config.topics.ticks
        self._timeout_s = config.client_timeout_s
        self._admin = AdminClient(admin_settings(config))
        self._refused = False

    @property
    def admin(self) -> AdminClient:
        """The client that asks, for other questions about the topic."""
        return self._admin

    def ask(self) -> str | None:
        """The id as Kafka's own tools show it, None where the brokers do not tell any; blocks.

        Raises:
            StalledClientError: no answer, or there is no such topic now.
        """
        asked = self._admin.describe_topics(
            TopicCollection([self._topic]), request_timeout=self._timeout_s
        )
        try:
            found = str(asked[self._topic].result(self._timeout_s).topic_id)
        except TimeoutError as error:
            raise StalledClientError(f"{self._topic}: its id was not told in time") from error
        except KafkaException as error:
            if error.args[0].code() in _PASSING:
                raise StalledClientError(f"{self._topic}: its id was not told: {error}") from error
            self._say_once(str(error))
            return None
        if found == _NONE:
            self._say_once("the brokers know none")
            return None
        return found.replace("+", "-").replace("/", "_")

    def replaced(self, known: Iterable[str]) -> set[str]:
        """Which of the ids known are not the topic's any more; blocks.

        A broker may be behind the others for a moment: one that tells another id is asked again.

        Raises:
            StalledClientError: as `ask`.
        """
        others = set(known)
        for number in range(_ANSWERS):
            if number:
                time.sleep(_PAUSE_S)
            found = self.ask()
            others = set() if found is None else others - {found}
            if not others:
                break
        return others

    def _say_once(self, reason: str) -> None:
        if not self._refused:
            _log.warning("topic_id_unknown", topic=self._topic, reason=reason)
        self._refused = True
