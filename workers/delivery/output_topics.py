"""Whether the output topics take what is to be written: asked whenever outputs restart.

A transaction that meets one that does not names neither the topic nor what is lacking.
"""

from typing import Final

from confluent_kafka import KafkaException
from confluent_kafka.admin import AclOperation, AdminClient

from workers.brokers.rights import lacking_on_topics, lacks
from workers.config import Topics
from workers.errors import OutputTopicsError, TopicLayoutError

__all__ = ["check_output_topics"]

_NEEDED: Final = (AclOperation.WRITE, AclOperation.DESCRIBE)


def check_output_topics(admin: AdminClient, topics: Topics, timeout_s: float) -> None:
    """Ask the brokers; blocks up to the timeout, and no answer is no objection.

    Raises:
        OutputTopicsError: a topic is missing or may not be written; names it and what to do.
    """
    needed = dict.fromkeys(topics.outputs(), _NEEDED)
    try:
        lacking = lacking_on_topics(admin, needed, timeout_s)
    except TopicLayoutError as error:
        raise OutputTopicsError(str(error)) from error
    except (KafkaException, TimeoutError):
        return
    if lacking:
        raise OutputTopicsError(lacks(", ".join(lacking)))
