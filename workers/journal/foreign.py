"""Journal records of another fleet, which tell nothing of what this one answered, and of another
configuration: replayed under ours, their ticks would not lead to the state that was answered from.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from schemas import JournalRecord
from workers.config import WorkerConfig

__all__ = ["ONE_FLEET_A_JOURNAL", "Foreign", "another_fleets", "first_foreign", "whose"]

ONE_FLEET_A_JOURNAL: Final = (
    "give each fleet a group_id and a topics.journal of its own (docs/upgrades.md, two fleets)"
)


def another_fleets(config: WorkerConfig, records: Iterable[JournalRecord]) -> JournalRecord | None:
    """The first of the records that another fleet wrote, as far as they tell."""
    return next((one for one in records if whose(config, one)), None)


def whose(config: WorkerConfig, record: JournalRecord) -> str:
    """Which other fleet wrote a record: of another group, or of this one with other ticks. Empty
    for this fleet's own, and where the record does not tell.
    """
    if record.group not in (None, config.group_id):
        return f"the group {record.group}"
    if record.source_topic not in (None, config.topics.ticks):
        return f"a fleet of this group that answers {record.source_topic}"
    return ""


@dataclass(frozen=True, slots=True)
class Foreign:
    """Attributes:
    record: what was answered under another configuration.
    key: the setting that differs.
    name: what is told of it.
    theirs: the record's.
    ours: this configuration's.
    """

    record: JournalRecord
    key: str
    name: str
    theirs: str
    ours: str


def first_foreign(config: WorkerConfig, records: Iterable[JournalRecord]) -> Foreign | None:
    """The first of the records that is not of this configuration, as far as it tells."""
    ours = config.predictor.fingerprint()
    for record in records:
        if record.config_fingerprint != ours:
            return Foreign(record, "[predictor]", "fingerprint", record.config_fingerprint, ours)
        if record.dtype is not None and record.dtype != config.dtype:
            return Foreign(record, "dtype", "dtype", record.dtype, config.dtype)
    return None
