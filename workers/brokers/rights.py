"""What the brokers do not let this user do, in words: the right that is to be granted."""

from collections.abc import Collection, Mapping
from typing import Final

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation, AdminClient

from workers.errors import NotAllowedError, TopicLayoutError

__all__ = ["lacking_on_topics", "lacks", "no_matter", "not_allowed"]

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
    return NotAllowedError(f"{kind.capitalize()} authorization failed: {lacks(needed[kind])}")


def lacks(what: str) -> str:
    """What is lacking, as "READ on ticks", and how to give it."""
    return (
        f"this user lacks {what}. Grant it with kafka-acls.sh --add; docs/security.md has the "
        "rights by command"
    )


def lacking_on_topics(
    admin: AdminClient, needed: Mapping[str, Collection[AclOperation]], timeout_s: float
) -> list[str] | None:
    """What is needed on topics and not allowed, as ["READ on ticks"]; None where brokers do not
    tell. Blocks.

    Raises:
        TopicLayoutError: a topic is missing.
        KafkaException, TimeoutError: the brokers do not answer.
    """
    asked = admin.describe_topics(
        TopicCollection(list(needed)),
        include_authorized_operations=True,
        request_timeout=timeout_s,
    )
    lacking = []
    for topic, answer in asked.items():
        try:
            allowed = answer.result(timeout_s).authorized_operations
        except KafkaException as error:
            code = error.args[0].code()
            if code == KafkaError.UNKNOWN_TOPIC_OR_PART:
                raise TopicLayoutError(
                    f"the topic {topic} is missing: create it with `tickfleet topics create`"
                ) from error
            if code != KafkaError.TOPIC_AUTHORIZATION_FAILED:
                raise
            allowed = ()
        if allowed is None:
            return None
        names = sorted(one.name for one in set(needed[topic]) - set(allowed))
        lacking += [f"{name} on {topic}" for name in names]
    return sorted(lacking)
