"""Whether the journal is this fleet's alone, and belongs to what the group has committed."""

from collections.abc import Iterator, Mapping

from ops.doctor.finding import Finding
from ops.doctor.journal_gaps import journal_gaps
from ops.doctor.site import Site
from ops.fleet import Commit, JournalFollower, begins, committed, ends
from schemas import JournalRecord
from workers.config import MissingHistory
from workers.delivery.cold_commit import tells_of_answers
from workers.journal.decision_log import DecisionLog
from workers.journal.foreign import ONE_FLEET_A_JOURNAL
from workers.journal.reader import JournalTail
from workers.recovery.findings import Findings, problem_of

__all__ = ["check_answered"]


def check_answered(site: Site) -> Iterator[Finding]:
    """Another fleet in the journal; partitions with a journal and no commit, or with a commit that
    tells of more than the journal holds. A worker would go on with none of them.
    """
    config = site.config
    if not site.laid_out:
        yield Finding.skipped("journal", "not all topics exist")
        return
    with JournalFollower(config, site.partitions) as follower:
        answered = follower.poll(0.1)
    if follower.others:
        message = f"{config.topics.journal} is written by {', '.join(sorted(follower.others))} too"
        yield Finding.failed("journal", message, ONE_FLEET_A_JOURNAL)
        return
    # After the journal: a first record is committed together with an offset.
    commits = committed(config, site.partitions)
    emptied = _emptied(site, commits)
    orphans = answered.keys() - commits.keys()
    odd = sorted(orphans | emptied)
    topic, timeout_s = config.topics.ticks, config.client_timeout_s
    low = begins(site.admin, topic, odd, timeout_s)
    high = ends(site.admin, topic, odd, timeout_s)
    problems = [
        (number, problem)
        for number in odd
        if (
            problem := _problem(
                number,
                range(low[number], high[number]),
                None if number in emptied else answered[number],
                commits.get(number),
            )
        )
    ]
    problems += sorted(journal_gaps(site, commits).items())
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


def _emptied(site: Site, commits: Mapping[int, Commit]) -> set[int]:
    """Partitions whose commits tell of a journal record, and there was none ever."""
    begun = [number for number, one in commits.items() if tells_of_answers(one.metadata)]
    end = ends(site.admin, site.config.topics.journal, begun, site.config.client_timeout_s)
    return {number for number in begun if not end[number]}


def _problem(
    number: int, retained: range, newest: JournalRecord | None, commit: Commit | None
) -> str:
    """What a worker says that is given this partition; empty when it goes on."""
    records = [] if newest is None else [newest]
    seen = Findings(
        partition=number,
        committed_offset=-1 if commit is None else commit.offset,
        low=retained.start,
        high=retained.stop,
        restored=None,
        refused="",
        journal=JournalTail(records, position=0, low=0, end=len(records)),
        journal_begun=newest is None,
    )
    return problem_of(seen, DecisionLog(seen.journal.records))
