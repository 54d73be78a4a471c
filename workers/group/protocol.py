"""Whether brokers and group take the group protocol that is set, told from what the client reports.

A fatal error of the client hides its code in a text, and which text depends on where it was found
out: the broker refuses the request, or has never heard of it.
"""

from typing import Final

from confluent_kafka import KafkaError

from workers.config import GroupProtocol

__all__ = [
    "CLASSIC_MEMBERS_REMEDY",
    "GROUP_PROTOCOL_REMEDY",
    "meets_classic_members",
    "no_seat_remedy",
    "refuses_group_protocol",
]

GROUP_PROTOCOL_REMEDY: Final = (
    'set group_protocol = "classic", or let the brokers offer the other one: Kafka 4.0 or newer, '
    "feature group.version 1 or newer (kafka-features.sh describe), and `consumer` in "
    "group.coordinator.rebalance.protocols"
)
CLASSIC_MEMBERS_REMEDY: Final = (
    "stop them all, wait session_timeout_ms, which is how long the group knows a member that is "
    "gone, and start all with the new one (docs/upgrades.md)"
)
_COORDINATOR_REMEDY: Final = "look for the group coordinator in the brokers' logs"
_CODES: Final = (KafkaError.UNSUPPORTED_VERSION, KafkaError._UNSUPPORTED_FEATURE)


def refuses_group_protocol(error: KafkaError) -> bool:
    """Whether a consumer failed for good because the brokers lack its group protocol."""
    return error.code() in _CODES or any(KafkaError(code).str() in error.str() for code in _CODES)


def meets_classic_members(error: KafkaError) -> bool:
    """Whether a member with the newer protocol was refused because the group has older ones.

    Brokers convert a group in use only where no member's assignor keeps a note with the group, as
    cooperative-sticky does; else they answer as if there was no such group.
    """
    return KafkaError(KafkaError.GROUP_ID_NOT_FOUND).str() in error.str()


def no_seat_remedy(protocol: GroupProtocol) -> str:
    """What to do about a member that the group neither lets in nor refuses.

    Brokers before Kafka 4.0 that know KIP-848 in part are the commonest of the newer one's reasons.
    """
    if protocol is GroupProtocol.CLASSIC:
        return _COORDINATOR_REMEDY
    return f"{GROUP_PROTOCOL_REMEDY}. If they do, {_COORDINATOR_REMEDY}"
