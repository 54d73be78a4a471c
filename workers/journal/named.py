"""Which offsets of the input the journal names: there was a record at each, and it was answered.

Of the offsets between them it tells nothing: a transaction's marker takes one, too, and an aborted
transaction any number.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

from schemas import JournalRecord
from schemas.journal import MOST_REJECTED

__all__ = ["named_offsets"]


def named_offsets(records: Iterable[JournalRecord]) -> Int64[ndarray, " offsets"]:
    """The offsets that journal records name, ascending, each once."""
    named = (offset for record in records for offset in _named_by(record))
    return np.unique(np.fromiter(named, dtype=np.int64))


def _named_by(record: JournalRecord) -> Iterator[int]:
    rejected = record.rejected or ()
    yield record.from_offset
    yield from (record.from_offset + one for one in rejected)
    # One that is full may end where the next begins, and not where a record was.
    if len(rejected) < MOST_REJECTED:
        yield record.to_offset
