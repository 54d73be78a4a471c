"""The tables of a whole run, merged from its slices': on the way as far as all have come, and the
rest at the end.

What was merged on the way is removed from the slices, so that little lies on the disk twice. Parts
begin where slices have closed theirs, whoever was faster.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Self

from workers.replay.beside import Beside
from workers.replay.output.folder import RunFolder
from workers.replay.output.parts import ParquetParts
from workers.replay.output.run_tables import complete_tables, open_tables
from workers.replay.sliced.merge_tables import merge_tables, place_ranges
from workers.replay.sliced.processes import SliceProcesses
from workers.replay.sliced.slice_tables import PlaceRange, Slice, last_place, remove_before

__all__ = ["WholeTables"]

_NOTHING: dict[str, Any] = {"rounds": 0, "begin": PlaceRange().first, "parts": {}}


class WholeTables:
    """A context, in which they grow.

    Args:
        slices: of the run.
        folder: of the run; its checkpoint remembers which rounds are merged.
    """

    def __init__(self, slices: Sequence[Slice], folder: RunFolder) -> None:
        self._slices, self._folder = slices, folder
        self._tables = [one.tables for one in slices]
        saved = (folder.checkpoint or {}).get("merged", _NOTHING)
        self._rounds, self._begin = saved["rounds"], saved["begin"]
        self._kept_from = PlaceRange().first
        self._writers = open_tables(folder.path, saved["parts"])
        self._merging = Beside("merge-tables")
        self._coming = deque[PlaceRange]()
        self._finishing = self._ended = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._ended = True
        self._merging.__exit__(*error)
        for writer in self._writers.values():
            writer.abandon()

    def advance(self) -> None:
        """Begin to merge the next round, if no other is under way and all slices have passed it.

        Raises:
            OSError: the round before could not be written.
        """
        if not self._merging.idle:
            return
        self._merging.wait()
        if self._kept_from < self._begin:
            for slice_ in self._tables:
                remove_before(slice_, self._begin)
            self._kept_from = self._begin
        if (places := self._round(self._rounds, self._begin)) is not None:
            self._rounds, self._begin = self._rounds + 1, places.last + 1
            self._coming.extend(self._ranges(places))
            self._merging.do(partial(self._merge, self._rounds, self._begin))

    def finish(self, working: SliceProcesses) -> None:
        """Have all the rest merged by the slices' processes; every slice is finished.

        Raises:
            OSError: a round could not be written.
            ProcessDiedError: a process was killed.
            NoRoomError: the disk takes no more.
        """
        if self._merging.idle:
            self._merging.wait()
        self._finishing = True
        rounds, begin, rest = self._rounds, self._begin, self._last_pieces()
        while (places := self._round(rounds, begin)) is not None:
            rest += self._ranges(places)
            rounds, begin = rounds + 1, places.last + 1
        rest += self._ranges(PlaceRange(first=begin))
        ranges = self._folder.path / "ranges"
        jobs = [(ranges / str(number), places) for number, places in enumerate(rest)]
        working.merge(self._tables, jobs)
        self._merging.wait()
        for name, writer in self._writers.items():
            table = self._folder.path / name
            parts = [part for out, _ in jobs for part in sorted((out / name).glob("part-*"))]
            for number, part in enumerate(parts, writer.parts):
                table.mkdir(exist_ok=True)
                part.rename(table / ParquetParts.name(number))
        complete_tables(self._folder.path)

    def _round(self, number: int, begin: int) -> PlaceRange | None:
        """The places that the slices' parts up to this number have reached.

        None while a slice has to write its part yet, and where no slice has one: the rest, if there
        is one, is one round more.
        """
        ends = []
        for one in self._slices:
            finished = one.run.exists()  # asked first, so that all its parts are there
            if (end := last_place(one.tables / "results", number)) is not None:
                ends.append(end)
            elif not finished:
                return None
        # At its last place another row may stand in the next part.
        return PlaceRange(begin, max(begin, min(ends)) - 1) if ends else None

    def _ranges(self, places: PlaceRange) -> list[PlaceRange]:
        """A round in as many pieces as there are processes, which merge it if it is late."""
        return place_ranges(self._tables, len(self._slices), places)

    def _first_pieces(self) -> Iterator[PlaceRange]:
        """Of the round that is under way, one after the other."""
        with suppress(IndexError):  # the others are merged by all
            while True:
                yield self._coming.popleft()

    def _last_pieces(self) -> list[PlaceRange]:
        """Those that are not begun, taken from the end: what is merged on the way stays in one."""
        pieces = deque[PlaceRange]()
        with suppress(IndexError):
            while True:
                pieces.appendleft(self._coming.pop())
        return list(pieces)

    def _merge(self, rounds: int, begin: int) -> None:
        for places in self._first_pieces():
            merge_tables(self._tables, self._writers, places, ended=lambda: self._ended)
        if self._ended or self._finishing:  # it is not whole
            return
        parts = {name: writer.parts for name, writer in self._writers.items()}
        merged = {"rounds": rounds, "begin": begin, "parts": parts}
        self._folder.save_checkpoint({**(self._folder.checkpoint or {}), "merged": merged})
