"""Journal records of another group, which tell nothing of what this one answered, and of another
configuration: replayed under ours, their ticks would not lead to the state that was answered from.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from schemas import JournalRecord
from workers.config import WorkerConfig

__all__ = ["ONE_GROUP_A_JOURNAL", "Foreign", "another_groups", "first_foreign"]

ONE_GROUP_A_JOURNAL: Final = (
    "give each group a journal topic of its own (docs/upgrades.md, two groups with one journal)"
)


def another_groups(config: WorkerConfig, records: Iterable[JournalRecord]) -> JournalRecord | None:
    """The first of the records that another group wrote, as far as they tell."""
    return next((one for one in records if one.group not in (None, config.group_id)), None)


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
