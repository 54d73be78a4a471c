"""Whether the brokers offer the group protocol that is set, told from what the client reports.

A fatal error of the client hides its code in a text, and which text depends on where it was found
out: the broker refuses the request, or has never heard of it.
"""

from typing import Final

from confluent_kafka import KafkaError

__all__ = ["GROUP_PROTOCOL_REMEDY", "refuses_group_protocol"]

GROUP_PROTOCOL_REMEDY: Final = (
    'set group_protocol = "classic", or let the brokers offer the other one: Kafka 4.0 or newer, '
    "feature group.version 1 or newer (kafka-features.sh describe), and `consumer` in "
    "group.coordinator.rebalance.protocols"
)
_CODES: Final = (KafkaError.UNSUPPORTED_VERSION, KafkaError._UNSUPPORTED_FEATURE)


def refuses_group_protocol(error: KafkaError) -> bool:
    """Whether a consumer failed for good because the brokers lack its group protocol."""
    return error.code() in _CODES or any(KafkaError(code).str() in error.str() for code in _CODES)
