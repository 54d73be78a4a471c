"""What the brokers do not let this user do, in words: the right that is to be granted."""

from collections.abc import Mapping
from typing import Final

from confluent_kafka import KafkaError

from workers.errors import NotAllowedError

__all__ = ["no_matter", "not_allowed"]

_KIND: Final = {
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "topic",
    KafkaError.GROUP_AUTHORIZATION_FAILED: "group",
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: "transactional id",
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: "cluster",
}


def no_matter(error: KafkaError) -> bool:
    """Whether a reader that is in no group, and says itself where it begins, may pass it over.

    The client asks for its group's coordinator all the same; that takes a right of its own.
    """
    return error.code() == KafkaError.GROUP_AUTHORIZATION_FAILED


def not_allowed(error: KafkaError | None, needed: Mapping[str, str]) -> NotAllowedError | None:
    """The error for one of the client's that says that a right is lacking; None for any other.

    Args:
        error: the client's; it seldom names what it is about.
        needed: what is needed on each kind of resource, as {"topic": "READ on ticks"}.
    """
    kind = None if error is None else _KIND.get(error.code())
    if kind is None or kind not in needed:
        return None
    return NotAllowedError(
        f"{kind.capitalize()} authorization failed: this user lacks {needed[kind]}. Grant it with "
        "kafka-acls.sh --add; docs/security.md has the rights by command"
    )
