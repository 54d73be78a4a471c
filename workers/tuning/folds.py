"""Folds of a history, in order of arrival: the earlier ones choose, the later ones judge.

`cuts` are row numbers: fold i holds rows `cuts[i]` to `cuts[i + 1]`, the last one excluded. Round r
chooses on all folds before its held-out fold, and that fold judges the choice. Nothing that a
round chooses, searches or prunes by comes from its held-out fold or from behind it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from workers.replay import TickSource
from workers.replay.chunk import TickChunk
from workers.tuning.errors import TuningError

__all__ = ["Folds", "count_rows", "pieces"]


@dataclass(frozen=True, slots=True)
class Folds:
    """Attributes:
    cuts: row numbers, one more than folds.
    held_out: how many of the last folds judge.
    """

    cuts: tuple[int, ...]
    held_out: int

    @classmethod
    def of(cls, rows: int, *, folds: int, held_out: int) -> "Folds":
        """Folds of equally many rows.

        Raises:
            TuningError: no fold would be left to choose on, or there are too few rows.
        """
        if not 1 <= held_out < folds:
            raise TuningError(
                f"{held_out} held-out folds of {folds}: at least one must judge and one choose"
            )
        if rows < folds:
            raise TuningError(f"{rows} rows do not fill {folds} folds: give more ticks")
        cuts = tuple(round(rows * number / folds) for number in range(folds + 1))
        return cls(cuts, held_out)

    @property
    def count(self) -> int:
        """All folds."""
        return len(self.cuts) - 1

    @property
    def rounds(self) -> range:
        """The held-out fold of each round, ascending."""
        return range(self.count - self.held_out, self.count)


def count_rows(source: TickSource) -> int:
    """Read a source to its end: the row number behind the last one.

    Raises:
        BadTicksError: it cannot be used.
    """
    last = -1
    for chunk in source.chunks({}):
        last = int(chunk.offset[-1])
    return last + 1


def pieces(source: TickSource, cuts: Sequence[int]) -> Iterator[tuple[int, TickChunk]]:
    """Chunks that each lie in one fold, with its number; stops at the last cut."""
    for chunk in source.chunks({}):
        fold_of = np.searchsorted(cuts, chunk.offset, side="right") - 1
        for fold in np.unique(fold_of).tolist():
            if fold >= len(cuts) - 1:
                return
            here = np.flatnonzero(fold_of == fold)
            yield fold, chunk if here.size == len(chunk) else chunk.take(here)
