"""A running fleet seen from outside: its group, its commits, its journal, its offsets.

Everything but `adopt` only reads, and nothing joins the group: looking never disturbs a fleet.
"""

from ops.fleet.adopt import adopt
from ops.fleet.commits import Commit, committed
from ops.fleet.empty import GroupBusyError, wait_until_empty
from ops.fleet.errors import FleetUnreadableError
from ops.fleet.group import describe_group
from ops.fleet.journal_follower import JournalFollower
from ops.fleet.journal_gaps import JournalStart, gaps_behind
from ops.fleet.offsets import begins, ends
from ops.fleet.stored import StoredSnapshot, stored_partitions, stored_snapshots
from ops.fleet.unread import UnreadRecords, without_records

__all__ = [
    "Commit",
    "FleetUnreadableError",
    "GroupBusyError",
    "JournalFollower",
    "JournalStart",
    "StoredSnapshot",
    "UnreadRecords",
    "adopt",
    "begins",
    "committed",
    "describe_group",
    "ends",
    "gaps_behind",
    "stored_partitions",
    "stored_snapshots",
    "wait_until_empty",
    "without_records",
]
