"""Whether the journal reaches from each commit to its end: no other topic, none made anew."""

from collections.abc import Mapping
from typing import NamedTuple

from confluent_kafka import Consumer

from core.errors import TickFleetError
from ops.doctor.site import Site
from ops.fleet import Commit, begins, ends, without_records
from snapshots import SnapshotScope, load_manifest
from snapshots.manifest import is_foreign
from workers.brokers.client_config import reader_settings
from workers.brokers.topic_identity import TopicIdentity
from workers.delivery.cold_commit import noted_position, noted_topic
from workers.emission.framing import framing_by_topic
from workers.journal.reader import JournalReader, JournalTail
from workers.recovery.journal_gap import journal_gap

__all__ = ["journal_gaps"]


class _Start(NamedTuple):
    """Where recovery begins. `position`: in the journal. `offset`: the snapshot's, None without
    one. `topic_id`: the ticks topic that was answered, as far as it is told."""

    position: int
    offset: int | None
    topic_id: str | None


def journal_gaps(site: Site, commits: Mapping[int, Commit]) -> dict[int, str]:
    """What a worker would say of the journal behind each commit; none where it goes on. Blocks.

    Commits whose snapshot cannot be used, or is of another topic, are left out: other checks tell.

    Raises:
        TickFleetError: the brokers do not answer, or a transaction stays open.
        KafkaException: the same.
    """
    starts = _starts(site, commits)
    # After the commits: a journal only grows behind what they name.
    journal, timeout_s = site.config.topics.journal, site.config.client_timeout_s
    low = begins(site.admin, journal, starts, timeout_s)
    end = ends(site.admin, journal, starts, timeout_s)
    odd = {
        number: start
        for number, start in starts.items()
        if not low[number] <= start.position <= end[number]
    }
    if not odd:
        return {}
    tails = _tails(site, odd)
    high = _ends_of_input(site, odd)
    gaps = {
        number: journal_gap(tails[number], start=start.offset, high=high[number])
        for number, start in odd.items()
    }
    return {number: gap for number, gap in gaps.items() if gap}


def _starts(site: Site, commits: Mapping[int, Commit]) -> dict[int, _Start]:
    ours = TopicIdentity(site.config).ask() if commits else None
    starts = {number: _start(site, number, commit) for number, commit in commits.items()}
    return {
        number: start
        for number, start in starts.items()
        if start is not None and not is_foreign(start.topic_id, ours)
    }


def _start(site: Site, number: int, commit: Commit) -> _Start | None:
    position = noted_position(commit.metadata)
    if position is not None:
        return _Start(position, None, noted_topic(commit.metadata))
    if commit.ref is None or site.store is None:
        return None
    scope = SnapshotScope(site.config.group_id, site.config.topics.ticks, number)
    try:
        manifest = load_manifest(site.store, scope, commit.ref)
    except TickFleetError:
        return None
    return _Start(manifest.journal_position, manifest.offset, manifest.topic_id)


def _tails(site: Site, odd: Mapping[int, _Start]) -> dict[int, JournalTail]:
    """As recovery reads them: of a topic that ends too early, nothing."""
    config = site.config
    journal = JournalReader(config, framing_by_topic(config)(config.topics.journal))
    reader = Consumer(reader_settings(config))
    try:
        return {number: journal.read(reader, number, at.position) for number, at in odd.items()}
    finally:
        reader.close()


def _ends_of_input(site: Site, odd: Mapping[int, _Start]) -> dict[int, int]:
    """Where only markers are left behind a snapshot, its offset."""
    config, topic = site.config, site.config.topics.ticks
    high = ends(site.admin, topic, odd, config.client_timeout_s)
    behind = {
        number: range(start.offset, high[number])
        for number, start in odd.items()
        if start.offset is not None
    }
    empty = without_records(config, topic, behind)
    return high | {number: behind[number].start for number in empty}
