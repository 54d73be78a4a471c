"""Keys of many records of which few differ: each distinct one once. Pure."""

from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np
from jaxtyping import Int64
from numpy import ndarray

__all__ = ["CodedKeys", "joined", "taken"]


class CodedKeys(Sequence[bytes | None]):
    """Reads like the list of keys.

    Attributes:
        names: the distinct keys; some may be no record's.
        codes: of each record, where its key stands among them.
    """

    __slots__ = ("codes", "names")

    def __init__(self, names: list[bytes | None], codes: Int64[ndarray, " n"]) -> None:
        self.names = names
        self.codes = codes

    @classmethod
    def of(cls, keys: Sequence[bytes | None]) -> "CodedKeys":
        """Any keys; these as they are."""
        if isinstance(keys, CodedKeys):
            return keys
        code_of = {key: code for code, key in enumerate(dict.fromkeys(keys))}
        return cls(list(code_of), np.array([code_of[key] for key in keys], dtype=np.int64))

    def __len__(self) -> int:
        return self.codes.size

    @overload
    def __getitem__(self, at: int) -> bytes | None: ...
    @overload
    def __getitem__(self, at: slice) -> list[bytes | None]: ...
    def __getitem__(self, at: int | slice) -> bytes | list[bytes | None] | None:
        if isinstance(at, slice):
            return [self.names[code] for code in self.codes[at].tolist()]
        return self.names[int(self.codes[at])]

    def __iter__(self) -> Iterator[bytes | None]:
        return map(self.names.__getitem__, self.codes.tolist())

    def take(self, index: Int64[ndarray, " m"]) -> "CodedKeys":
        """Those of some records, in that order."""
        return CodedKeys(self.names, self.codes[index])

    def distinct(self) -> Int64[ndarray, " distinct"]:
        """The codes that occur, in the order of their first records."""
        count = self.codes.size
        first = np.full(len(self.names), count)
        first[self.codes[::-1]] = np.arange(count - 1, -1, -1)  # the last assignment stands
        found = np.flatnonzero(first < count)
        return found[np.argsort(first[found])]


def taken(keys: Sequence[bytes | None], index: Int64[ndarray, " m"]) -> Sequence[bytes | None]:
    """The keys of some records, in that order."""
    if isinstance(keys, CodedKeys):
        return keys.take(index)
    return [keys[i] for i in index.tolist()]


def joined(parts: Sequence[Sequence[bytes | None]]) -> Sequence[bytes | None]:
    """One after the other; coded if all of them are."""
    coded = [part for part in parts if isinstance(part, CodedKeys)]
    if len(coded) < len(parts):
        return [key for part in parts for key in part]
    code_of: dict[bytes | None, int] = {}
    codes = [
        np.array([code_of.setdefault(name, len(code_of)) for name in part.names], dtype=np.int64)
        for part in coded
    ]
    return CodedKeys(
        list(code_of),
        np.concatenate([own[part.codes] for own, part in zip(codes, coded, strict=True)]),
    )
