"""Folds of a history, in order of arrival: the earlier ones choose, the later ones judge.

`cuts` are row numbers: fold i holds rows `cuts[i]` to `cuts[i + 1]`, the last one excluded. Round r
chooses on all folds before its held-out fold, and that fold judges the choice. Nothing that a
round chooses, searches or prunes by comes from its held-out fold or from behind it.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from workers.batching.keys import CodedKeys
from workers.replay import TickSource
from workers.replay.chunk import TickChunk
from workers.tuning.errors import TuningError

__all__ = ["Folds", "check_embargo", "count_rows", "pieces"]


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


def check_embargo(source: TickSource, folds: Folds, embargo: int) -> None:
    """Read a source to its end: something must be left to judge in each held-out fold.

    Raises:
        TuningError: no asset has a forecast there that was made behind the embargo.
    """
    counts: dict[int, Counter[bytes | None]] = {fold: Counter() for fold in folds.rounds}
    for fold, chunk in pieces(source, folds.cuts):
        if fold in counts:
            keys = CodedKeys.of(chunk.keys)
            found = np.bincount(keys.codes[chunk.accepted], minlength=len(keys.names))
            counts[fold].update(dict(zip(keys.names, found.tolist(), strict=True)))
    for fold, ticks in counts.items():
        longest = max(ticks.values(), default=0)
        # The last tick's forecast is judged by none.
        if longest <= embargo + 1:
            raise TuningError(
                f"fold {fold} judges nothing: no asset has more than {longest} ticks there, and "
                f"the embargo takes the first {embargo}. Use fewer folds, more ticks or a smaller "
                "embargo"
            )


def pieces(source: TickSource, cuts: Sequence[int]) -> Iterator[tuple[int, TickChunk]]:
    """Chunks that each lie in one fold, with its number; stops at the last cut."""
    for chunk in source.chunks({}):
        fold_of = np.searchsorted(cuts, chunk.offset, side="right") - 1
        for fold in np.unique(fold_of).tolist():
            if fold >= len(cuts) - 1:
                return
            here = np.flatnonzero(fold_of == fold)
            yield fold, chunk if here.size == len(chunk) else chunk.take(here)
