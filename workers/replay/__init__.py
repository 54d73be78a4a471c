"""Replay and backtest: the past through the live step, from files, tables and topics.

What does not live here: commands, progress bars and reports (`ops`). The one invariant: a tick
is stepped by the workers' own `Stepper` on the workers' own state table, under decisions that are
given; so its result is what a worker would have published, byte for byte.
"""

from workers.replay import _arrow  # noqa: F401  (first: says what to install)
from workers.replay.api import backtest
from workers.replay.branch import (
    Begin,
    begin_at_end_of,
    begin_at_snapshots,
    snapshots_named,
)
from workers.replay.decisions import EventTime, Recorded
from workers.replay.errors import (
    BadTicksError,
    DifferentRunError,
    NoRoomError,
    ReplayError,
    TakenRunIdError,
    TicksWarning,
)
from workers.replay.files.file_source import FileSource
from workers.replay.files.layout import BadQuotes, Layout, Repeats, TimeUnit
from workers.replay.from_topic import plan_as_recorded, plan_topic
from workers.replay.output.export import export_ticks
from workers.replay.output.folder import begun, read_run
from workers.replay.output.record_columns import Headers, RecordColumns
from workers.replay.output.room import no_room
from workers.replay.run import RunPlan, run_backtest
from workers.replay.sliced.parallel import run_in_processes
from workers.replay.sliced.processes import ProcessDiedError
from workers.replay.source import TickSource
from workers.replay.to_topic.publish import RUN_ID_HEADER
from workers.replay.to_topic.publishing import Publishing
from workers.replay.topics.history import History
from workers.replay.topics.topic_range import Bound, TopicRange, capture_range
from workers.replay.topics.topic_source import TopicSource
from workers.replay.verifying.comparing import verifying
from workers.replay.verifying.verify import Verification

__all__ = [
    "RUN_ID_HEADER",
    "BadQuotes",
    "BadTicksError",
    "Begin",
    "Bound",
    "DifferentRunError",
    "EventTime",
    "FileSource",
    "Headers",
    "History",
    "Layout",
    "NoRoomError",
    "ProcessDiedError",
    "Publishing",
    "RecordColumns",
    "Recorded",
    "Repeats",
    "ReplayError",
    "RunPlan",
    "TakenRunIdError",
    "TickSource",
    "TicksWarning",
    "TimeUnit",
    "TopicRange",
    "TopicSource",
    "Verification",
    "backtest",
    "begin_at_end_of",
    "begin_at_snapshots",
    "begun",
    "capture_range",
    "export_ticks",
    "no_room",
    "plan_as_recorded",
    "plan_topic",
    "read_run",
    "run_backtest",
    "run_in_processes",
    "snapshots_named",
    "verifying",
]
