"""One class of dead letters, each sent once.

Progress is kept for each error class under a group of its own, so a second run sends what has come
since, and one class can be replayed before another. Invariant: progress goes with the copies of
what it passes.
"""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Final, TypeAlias

from confluent_kafka import KafkaException, Message

from ops.dead_letters.copies import Copies, origin, size_bytes
from ops.dead_letters.errors import HopelessReplayError, ReplayError
from ops.dead_letters.unsent import reader_of, unsent
from schemas import DeadLetter, ErrorClass
from workers.brokers.reasons import Reasons
from workers.brokers.rights import not_allowed
from workers.config import WorkerConfig
from workers.emission.burial import is_cut

__all__ = ["HOPELESS", "ReplayReport", "replay_dead_letters"]

HOPELESS: Final = frozenset({ErrorClass.NULL_KEY, ErrorClass.TOMBSTONE})
"""Records of these classes can never become ticks."""
_BATCH: Final = 500
_BATCH_BYTES: Final = 4_000_000
"""A slow line, too, must carry a batch within transaction_timeout_ms."""
_Letters: TypeAlias = Iterator[tuple[Message, DeadLetter]]


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What became of one class's dead letters that were not sent before.

    Attributes:
        sent: copies written.
        unsent: those that another run would send.
        cut: topic/partition/offset of records of which the letter holds only a part: never sent.
        too_large: the same of records that the ticks topic no longer takes: never sent.
    """

    sent: int
    unsent: int
    cut: tuple[str, ...]
    too_large: tuple[str, ...] = ()


def replay_dead_letters(
    config: WorkerConfig, error_class: str, *, dry_run: bool, limit: int | None = None
) -> ReplayReport:
    """Send every dead letter of one class that was not sent before.

    Args:
        config: names the cluster, the group and the topics.
        error_class: which; see the dead letters' `error_class`.
        dry_run: only count.
        limit: send at most so many.

    Raises:
        ConfigurationError: a producer's setting is refused.
        HopelessReplayError: such a record can never be a tick.
        LetterTooLargeError: a producer's setting, or the ticks topic's, must be raised first.
        NoSuchTopicError: there is no topic of dead letters.
        NotAllowedError: this user lacks a right.
        RegistryUnavailableError, RegistryRefusedError: letters cannot be read; with a registry.
        ReplayError: the brokers failed, or did not answer.
    """
    if error_class in HOPELESS:
        raise HopelessReplayError(
            f"a record refused as {error_class} can never be a tick: have its producer send it "
            "anew with a key and a value"
        )
    # Of the group that keeps a class's progress, and of the transactions that move it.
    name = f"{config.group_id}.dead-letters.{error_class}"
    reasons = Reasons()
    try:
        with closing(reader_of(config, name, reasons)) as reader:
            letters = unsent(config, reader, reasons)
            if dry_run:
                return _count(letters, error_class)
            return _send_all(Copies(config, name, reader), letters, error_class, limit=limit)
    except KafkaException as error:
        needed = {
            "topic": f"READ on {config.topics.dead_letters}, WRITE on {config.topics.ticks}",
            "group": f"READ on {name}",
            "transactional id": f"WRITE on {name}",
        }
        raise (
            not_allowed(error.args[0], needed)
            or ReplayError(f"dead letters: {error.args[0].str()}; run the command again")
        ) from error


def _count(letters: _Letters, error_class: str) -> ReplayReport:
    whole, cut = 0, list[str]()
    for _, letter in letters:
        if letter.error_class == error_class:
            if is_cut(letter):
                cut.append(origin(letter))
            else:
                whole += 1
    return ReplayReport(0, whole, tuple(cut))


def _send_all(
    copies: Copies, letters: _Letters, error_class: str, *, limit: int | None
) -> ReplayReport:
    taken, left, cut, too_large = 0, 0, list[str](), list[str]()
    batch, batch_bytes, passed = list[DeadLetter](), 0, dict[int, int]()
    for message, letter in letters:
        if letter.error_class == error_class:
            if is_cut(letter):
                cut.append(origin(letter))
            elif taken == limit:
                left += 1
            else:
                batch.append(letter)
                batch_bytes += size_bytes(letter)
                taken += 1
        passed[message.partition() or 0] = (message.offset() or 0) + 1
        full = len(batch) >= _BATCH or batch_bytes >= _BATCH_BYTES
        if batch and (full or taken == limit):
            too_large += map(origin, copies.send(batch, passed))
            batch, batch_bytes = [], 0
    if batch:
        too_large += map(origin, copies.send(batch, passed))
    return ReplayReport(taken - len(too_large), left, tuple(cut), tuple(too_large))
