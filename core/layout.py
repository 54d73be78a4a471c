"""Where each named field of an asset's state lies in the packed array [rows, lanes].

Nobody indexes a bare row number: components declare fields, the layout places them, the step
reads a named view. Fields of one K-block are contiguous, so that a block can be stored and
replaced alone. The invariant: placement depends on the declarations only.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType
from typing import Literal, get_args

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

__all__ = ["BLOCKS", "Block", "Field", "State", "StateLayout", "build_layout"]

Block = Literal["global", "A", "B", "C", "D"]
BLOCKS: tuple[Block, ...] = get_args(Block)

_LARGE_ROWS = 16
"""From here on a loop over a field costs more than starting it."""

State = Mapping[str, Float[Array, "rows lanes"]]
"""A named view of a tile; every field is [its rows, lanes]."""


@dataclass(frozen=True, slots=True)
class Field:
    """One named piece of state.

    Attributes:
        name: unique over all components; by convention `component.quantity`.
        block: the K-block it is stored in.
        rows: numbers per asset.
        initial: what every row of a fresh asset holds.
    """

    name: str
    block: Block
    rows: int
    initial: float

    @property
    def large(self) -> bool:
        """Stored by a loop of its own; small fields share one."""
        return self.rows >= _LARGE_ROWS


@dataclass(frozen=True, slots=True)
class StateLayout:
    """Placement of every field.

    Attributes:
        rows: numbers per asset in total.
        blocks: rows of each K-block; contiguous, in the order global, A, B, C, D, covering all.
        fields: the declarations, in order of placement.
        slices: rows of each field.
    """

    rows: int
    blocks: Mapping[str, slice]
    fields: tuple[Field, ...]
    slices: Mapping[str, slice]

    def view(self, packed: Float[Array, "rows lanes"]) -> dict[str, Float[Array, "rows lanes"]]:
        """The fields of a tile by name."""
        return {name: packed[rows] for name, rows in self.slices.items()}

    def runs(self, state: State) -> list[tuple[slice, Float[Array, "rows lanes"]]]:
        """A tile in stretches, in order: each large field alone, a block's small ones together.

        Args:
            state: exactly the layout's fields.

        Returns:
            The rows of each stretch, and what they hold.

        Raises:
            KeyError: a field is missing or was not declared.
            TypeError: a field has another shape or dtype than declared.
        """
        if state.keys() != self.slices.keys():
            odd = sorted(state.keys() ^ self.slices.keys())
            raise KeyError(f"fields declared and fields written differ: {odd}")
        for field in self.fields:
            self._check(field, state[field.name], state)
        runs = []
        for _, run in groupby(self.fields, key=_stretch):
            names = [field.name for field in run]
            rows = slice(self.slices[names[0]].start, self.slices[names[-1]].stop)
            runs.append((rows, jnp.concatenate([state[name] for name in names])))
        return runs

    def pack(self, state: State) -> Float[Array, "rows lanes"]:
        """Inverse of `view`."""
        return jnp.concatenate([run for _, run in self.runs(state)])

    def _check(self, field: Field, rows: Array, state: State) -> None:
        """Under x64 one float64 constant would silently widen a float32 state."""
        model = state[self.fields[0].name]
        expected = (field.rows, model.shape[1]), model.dtype
        if (rows.shape, rows.dtype) != expected:
            found = (rows.shape, rows.dtype)
            raise TypeError(f"field {field.name!r} must be {expected}, was written as {found}")

    def fresh(self, dtype: str, width: int) -> Shaped[np.ndarray, "rows lanes"]:
        """A tile of assets that have not seen a tick."""
        column = np.repeat([f.initial for f in self.fields], [f.rows for f in self.fields])
        return np.repeat(column[:, np.newaxis], width, axis=1).astype(dtype)


def build_layout(fields: Iterable[Field]) -> StateLayout:
    """Place fields block by block, within a block the large ones first, else in the order given.

    Raises:
        ValueError: two fields have the same name.
    """
    given = tuple(fields)
    # A stable sort: neither placement depends on anything but the declarations.
    placed = tuple(sorted(given, key=lambda f: (BLOCKS.index(f.block), not f.large)))
    slices: dict[str, slice] = {}
    row = 0
    for field in placed:
        if field.name in slices:
            raise ValueError(f"two components declare the field {field.name!r}; rename one")
        slices[field.name] = slice(row, row + field.rows)
        row += field.rows
    return StateLayout(
        rows=row,
        blocks=MappingProxyType(_block_slices(placed)),
        fields=placed,
        slices=MappingProxyType(slices),
    )


def _stretch(field: Field) -> tuple[str, str]:
    """What the fields of a stretch have in common."""
    return field.block, field.name if field.large else ""


def _block_slices(placed: tuple[Field, ...]) -> dict[str, slice]:
    slices: dict[str, slice] = {}
    row = 0
    for block in BLOCKS:
        height = sum(f.rows for f in placed if f.block == block)
        slices[block] = slice(row, row + height)
        row += height
    return slices
