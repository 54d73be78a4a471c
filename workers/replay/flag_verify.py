"""Replayed flag events against the published ones, by their identity.

The flags topic has an order per asset only, so the events are compared as a set: a digest each is
held. Whether a worker that takes over says again that it sheds load depends on what it found in
the journal; so LoadShedding events are checked where they are, and not missed where they are not.
"""

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence

from schemas import FlagEvent, FlagEventCodec, JournalRecord
from workers.batching.decisions import Decision
from workers.batching.spans import JournalSpan
from workers.emission.flag_events import shedding_event
from workers.partition import Partition
from workers.replay.difference import Difference
from workers.replay.published import PublishedRecord

__all__ = ["FlagComparison"]


class FlagComparison:
    """Collects what the replay expects, then reads what was published.

    Args:
        codec: of the flags topic.
        published: all records of the flags topic; read once, at the end.
        journal: which micro-batches were answered, by partition.
        begin: the first offset that is compared, by partition.
        source_topic: the ticks topic.
        max_depth: `log_sig_depth`.
        repeats_allowed: whether delivery was at least once.
    """

    def __init__(
        self,
        codec: FlagEventCodec,
        published: Callable[[], Iterable[PublishedRecord]],
        journal: Mapping[int, Sequence[JournalRecord]],
        begin: Mapping[int, int],
        *,
        source_topic: str,
        max_depth: int,
        repeats_allowed: bool,
    ) -> None:
        self._codec = codec
        self._published = published
        self._journal = journal
        self._begin = begin
        self._source_topic = source_topic
        self._repeats_allowed = repeats_allowed
        self._expected: dict[str, bytes] = {}
        self._allowed: dict[str, bytes] = {}
        self._allow_shedding(max_depth)

    def expect(self, event_id: str, value: bytes) -> None:
        """The replay made this event."""
        self._expected[event_id] = _digest(value)

    def finish(self) -> tuple[int, list[Difference]]:
        """How many events were compared, and what differs."""
        differences, compared, seen = [], 0, set()
        for record in self._published():
            event = self._codec.decode(record.value)
            if not self._answered(event):
                continue
            wanted = self._expected.get(event.event_id) or self._allowed.get(event.event_id)
            repeated = event.event_id in seen
            if wanted is None:
                differences.append(_difference(event, "live raised an event more"))
            elif repeated and not self._repeats_allowed:
                differences.append(_difference(event, "live published the event twice"))
            elif wanted != _digest(record.value):
                differences.append(_difference(event, "the event's bytes differ"))
            compared += not repeated
            seen.add(event.event_id)
        missing = [event_id for event_id in self._expected if event_id not in seen]
        differences.extend(
            Difference(-1, -1, "", f"live published no event {event_id}", "records were deleted")
            for event_id in missing
        )
        return compared, differences

    def _answered(self, event: FlagEvent) -> bool:
        records = self._journal.get(event.source_partition)
        if event.source_topic != self._source_topic or not records:
            return False
        begin = self._begin[event.source_partition]
        return begin <= event.source_offset <= records[-1].to_offset

    def _allow_shedding(self, max_depth: int) -> None:
        for number, records in self._journal.items():
            before: Decision | None = None
            owner = Partition(number, 0.0)
            for record in records:
                now = Decision(record.processing_time_ns, record.depth, record.kernel_mask)
                for known in (before, None):
                    span = JournalSpan(owner, record.from_offset, record.to_offset, now, known)
                    event = shedding_event(span, self._source_topic, max_depth)
                    if event is not None:
                        self._allowed[event.event_id] = _digest(self._codec.encode(event))
                before = now


def _difference(event: FlagEvent, what: str) -> Difference:
    return Difference(
        event.source_partition,
        event.source_offset,
        event.asset_id,
        f"{event.type} {event.state}: {what}",
        "see the results of the same offset",
    )


def _digest(value: bytes) -> bytes:
    return hashlib.blake2b(value, digest_size=16).digest()
