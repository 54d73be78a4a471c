"""Whether the group has dealt with a member that asked to join.

A worker without partitions looks like one that has all of its partitions restored: until the group
has said what it gets, if anything, it must not pass for ready.
"""

import sys
from collections.abc import Callable
from typing import Final

from workers.config import GroupProtocol

__all__ = ["Arrival"]

_NOTHING_FOR_US_S: Final = 5.0
"""KIP-848's heartbeat interval: what a member is given comes with the answer to one."""
_MAGIC: Final = b"CGMDv2:"


class Arrival:
    """Follows one member from its request to join to the group's answer.

    The classic protocol tells every member of its partitions, also of none. Under KIP-848 the
    client calls nobody where there is none: then a member is let in and stays without.

    Args:
        protocol: of the group.
    """

    def __init__(self, protocol: GroupProtocol) -> None:
        self._told_of_nothing = protocol is GroupProtocol.CLASSIC
        self._told = False
        self._admitted_s: float | None = None

    def begin(self) -> None:
        """The member asks to join, for the first time or again."""
        self._told, self._admitted_s = False, None

    def tell(self) -> None:
        """The member was told of its partitions."""
        self._told = True

    def complete(self, metadata: Callable[[], bytes], now_s: float) -> bool:
        """Whether the group has answered.

        Args:
            metadata: the client's group metadata; asked only while it is needed.
            now_s: monotonic.
        """
        if self._told or self._told_of_nothing:
            return self._told
        if _generation(metadata) <= 0:
            self._admitted_s = None
        elif self._admitted_s is None:
            self._admitted_s = now_s
        elif now_s - self._admitted_s >= _NOTHING_FOR_US_S:
            self._told = True
        return self._told


def _generation(metadata: Callable[[], bytes]) -> int:
    """The generation in what `rd_kafka_consumer_group_metadata_write` writes; -1 outside one."""
    try:
        written = metadata()
    except RuntimeError:
        return -1
    if not written.startswith(_MAGIC):
        return -1
    return int.from_bytes(written[len(_MAGIC) :][:4], sys.byteorder, signed=True)
