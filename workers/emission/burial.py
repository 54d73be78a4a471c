"""Refused records as dead letters, whatever is wrong with them.

Invariant: a letter can be encoded, and is taken by client and topic. What does not fit is cut, and
the letter says so: the whole record stays where it is.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Final

from confluent_kafka import Message

from schemas import DeadLetter, DeadLetterCodec, Framing, Rejection
from workers.batching.records import RecordBatch
from workers.config import WorkerConfig
from workers.emission.out_message import OutMessage

__all__ = ["LETTER_LIMIT_BYTES", "Undertaker", "is_cut"]

LETTER_LIMIT_BYTES: Final = 1_000_000
"""What every topic takes that was not told otherwise, less the overhead of a batch."""
_KEPT_KEY_BYTES: Final = 1_024
_LENGTH_BYTES: Final = 10
"""By which the message's own length may take more room."""
_UNREADABLE: Final = " (its headers are left out: a name among them is no UTF-8)"
_CUT: Final = re.compile(
    r" \(cut: the record has \d+ bytes of value with SHA-256 [0-9a-f]{64}, "
    r"\d+ of key, \d+ headers\)$"
)


def is_cut(letter: DeadLetter) -> bool:
    """Whether a letter holds only a part of its record."""
    return _CUT.search(letter.message) is not None


class Undertaker:
    """Makes dead letters.

    Args:
        config: topics.
        framing_of: schema framing by topic.
        limit_bytes: of a letter, its key included; asked for each, as topics change.
    """

    def __init__(
        self,
        config: WorkerConfig,
        framing_of: Callable[[str], Framing],
        limit_bytes: Callable[[], int],
    ) -> None:
        self._topics = config.topics
        self._codec = DeadLetterCodec(framing_of(config.topics.dead_letters))
        self._limit_bytes = limit_bytes

    def bury(self, records: RecordBatch, rejection: Rejection) -> OutMessage:
        """The letter of a record."""
        i = rejection.index
        headers = _headers(records.messages[i])
        letter = DeadLetter(
            value=records.values[i],
            key=records.keys[i],
            headers=headers or (),
            source_topic=self._topics.ticks,
            source_partition=int(records.partition[i]),
            source_offset=int(records.offset[i]),
            error_class=rejection.error_class,
            message=rejection.message + (_UNREADABLE if headers is None else ""),
        )
        message = self._message(letter)
        excess = _size(message) - self._limit_bytes()
        return message if excess <= 0 else self._message(_cut(letter, excess))

    def _message(self, letter: DeadLetter) -> OutMessage:
        return OutMessage(self._topics.dead_letters, letter.key, self._codec.encode(letter))


def _size(message: OutMessage) -> int:
    return len(message.value) + len(message.key or b"")


def _cut(letter: DeadLetter, excess_bytes: int) -> DeadLetter:
    """Without headers, the rest of a long key, and as much of the value's end as is too much."""
    value, key = letter.value or b"", letter.key
    told = (
        f"{letter.message} (cut: the record has {len(value)} bytes of value with SHA-256 "
        f"{sha256(value).hexdigest()}, {len(key or b'')} of key, {len(letter.headers)} headers)"
    )
    excess_bytes += len(told) - len(letter.message) + _LENGTH_BYTES
    return replace(
        letter,
        key=None if key is None else key[:_KEPT_KEY_BYTES],
        value=value[: max(len(value) - excess_bytes, 0)],
        headers=(),
        message=told,
    )


def _headers(message: Message) -> tuple[tuple[str, bytes | None], ...] | None:
    """A record's headers; None where the client cannot read a name."""
    try:
        headers = message.headers() or []
    except (SystemError, UnicodeDecodeError):  # a name that is no UTF-8: the client raises both
        return None
    pairs = headers.items() if isinstance(headers, dict) else headers
    return tuple(
        (name, value.encode() if isinstance(value, str) else value) for name, value in pairs
    )
