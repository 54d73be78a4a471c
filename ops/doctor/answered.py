"""Whether the journal is this group's alone, and belongs to what the group has committed."""

from collections.abc import Iterator

from ops.doctor.finding import Finding
from ops.doctor.site import Site
from ops.fleet import JournalFollower, begins, committed, ends
from schemas import JournalRecord
from workers.config import MissingHistory
from workers.journal.decision_log import DecisionLog
from workers.journal.foreign import ONE_GROUP_A_JOURNAL
from workers.journal.reader import JournalTail
from workers.recovery.findings import Findings, problem_of

__all__ = ["check_answered"]


def check_answered(site: Site) -> Iterator[Finding]:
    """Another group in the journal; partitions with a journal and no commit. A worker would go on
    with neither.
    """
    config = site.config
    if not site.laid_out:
        yield Finding.skipped("journal", "not all topics exist")
        return
    with JournalFollower(config, site.partitions) as follower:
        answered = follower.poll(0.1)
    if others := follower.groups - {config.group_id}:
        message = f"{config.topics.journal} is written by the group {', '.join(sorted(others))} too"
        yield Finding.failed("journal", message, ONE_GROUP_A_JOURNAL)
        return
    # After the journal: a first record is committed together with an offset.
    orphans = sorted(answered.keys() - committed(config, site.partitions).keys())
    topic, timeout_s = config.topics.ticks, config.client_timeout_s
    low = begins(site.admin, topic, orphans, timeout_s)
    high = ends(site.admin, topic, orphans, timeout_s)
    problems = [
        (number, problem)
        for number in orphans
        if (problem := _problem(number, answered[number], range(low[number], high[number])))
    ]
    if not problems:
        yield Finding.ok("journal", "tells of no ticks that could be another group's or topic's")
    stops = config.missing_history is MissingHistory.STOP
    for number, problem in problems:
        message = f"{topic}[{number}]: {problem}"
        if stops:
            remedy = "then restart the workers: they do not try a stopped partition again"
            yield Finding.failed("journal", message, remedy)
        else:
            remedy = "nothing, if you want it to go on with empty state: missing_history says so"
            yield Finding.warning("journal", message, remedy)


def _problem(number: int, newest: JournalRecord, retained: range) -> str:
    """What a worker says that is given this partition; empty when it goes on."""
    seen = Findings(
        partition=number,
        committed_offset=-1,
        low=retained.start,
        high=retained.stop,
        restored=None,
        refused="",
        journal=JournalTail([newest], position=0, low=0, end=1),
    )
    return problem_of(seen, DecisionLog(seen.journal.records))
