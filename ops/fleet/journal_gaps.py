"""Whether the journal reaches from where recovery begins to its end: not another topic, not made
anew, nothing removed that a worker needs.
"""

from collections.abc import Mapping
from typing import NamedTuple

from confluent_kafka import Consumer, KafkaException
from confluent_kafka.admin import AdminClient

from ops.fleet.errors import FleetUnreadableError
from ops.fleet.offsets import begins, ends
from ops.fleet.unread import without_records
from workers.brokers.client_config import reader_settings
from workers.config import WorkerConfig
from workers.emission.framing import framing_by_topic
from workers.journal.reader import JournalReader, JournalTail
from workers.recovery.journal_gap import journal_gap

__all__ = ["JournalStart", "gaps_behind"]


class JournalStart(NamedTuple):
    """Where recovery begins. `position`: in the journal. `offset`: the snapshot's, None without
    one."""

    position: int
    offset: int | None


def gaps_behind(
    config: WorkerConfig, admin: AdminClient, starts: Mapping[int, JournalStart]
) -> dict[int, str]:
    """What a worker would say of the journal behind each start; none where it goes on. Blocks.

    Args:
        config: names the topics.
        admin: a client of the cluster.
        starts: by partition.

    Raises:
        TickFleetError: the brokers do not answer, or a transaction stays open.
    """
    journal, timeout_s = config.topics.journal, config.client_timeout_s
    low = begins(admin, journal, starts, timeout_s)
    end = ends(admin, journal, starts, timeout_s)
    odd = {
        number: start
        for number, start in starts.items()
        if not low[number] <= start.position <= end[number]
    }
    if not odd:
        return {}
    tails = _tails(config, odd)
    high = _ends_of_input(config, admin, odd)
    gaps = {
        number: journal_gap(tails[number], start=start.offset, high=high[number])
        for number, start in odd.items()
    }
    return {number: gap for number, gap in gaps.items() if gap}


def _tails(config: WorkerConfig, odd: Mapping[int, JournalStart]) -> dict[int, JournalTail]:
    """As recovery reads them: of a topic that ends too early, nothing."""
    journal = JournalReader(config, framing_by_topic(config)(config.topics.journal))
    reader = Consumer(reader_settings(config))
    try:
        return {number: journal.read(reader, number, at.position) for number, at in odd.items()}
    except KafkaException as error:
        raise FleetUnreadableError(
            f"{config.topics.journal} cannot be read ({error}): check the brokers, and the READ "
            "permission on it"
        ) from error
    finally:
        reader.close()


def _ends_of_input(
    config: WorkerConfig, admin: AdminClient, odd: Mapping[int, JournalStart]
) -> dict[int, int]:
    """Where only markers are left behind a snapshot, its offset."""
    topic = config.topics.ticks
    high = ends(admin, topic, odd, config.client_timeout_s, committed=True)
    behind = {
        number: range(start.offset, high[number])
        for number, start in odd.items()
        if start.offset is not None
    }
    empty = without_records(config, topic, behind)
    return high | {number: behind[number].start for number in empty}
