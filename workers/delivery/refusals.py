"""What brokers refuse, and what mends it."""

from typing import Final

from confluent_kafka import KafkaError, KafkaException

__all__ = ["in_words", "remedy"]

_MAY_NOT: Final = (
    "grant it to the worker's user (docs/security.md), `tickfleet doctor` tells what is missing"
)
_REMEDIES: Final = {
    KafkaError.INVALID_TRANSACTION_TIMEOUT: "lower transaction_timeout_ms, or raise the brokers' "
    "transaction.max.timeout.ms",
    KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED: _MAY_NOT,
    KafkaError.CLUSTER_AUTHORIZATION_FAILED: _MAY_NOT,
}
_ADVICE: Final = {
    KafkaError.MSG_SIZE_TOO_LARGE: "what follows is made to fit if the topic's max.message.bytes "
    "may be asked for; where this comes again, raise that, or grant DESCRIBE_CONFIGS on the topic",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: "a right on a topic is lacking: `outputs_refused` or "
    "`ticks_not_readable` tells which, and so does `tickfleet doctor`",
    KafkaError.INVALID_RECORD: "a compacted topic takes no record without a key: kafka-configs.sh "
    "--alter --topic TOPIC --add-config cleanup.policy=delete",
}


def remedy(error: KafkaException) -> str | None:
    """What must be done before any producer can begin; None where a new one may."""
    return _REMEDIES.get(error.args[0].code())


def in_words(error: KafkaException | KafkaError | BufferError) -> str:
    """The client's words, and what to do where they leave that open."""
    cause = error.args[0] if isinstance(error, KafkaException) else error
    advice = _ADVICE.get(cause.code()) if isinstance(cause, KafkaError) else None
    return f"{error}: {advice}" if advice else str(error)
