"""Whether outputs have been committed: asked by whoever must not run ahead of them."""

from dataclasses import dataclass

__all__ = ["Receipt"]


@dataclass(slots=True, eq=False)
class Receipt:
    """Of all that is produced between the beginnings of two commits, which the second one covers.

    Attributes:
        committed: that commit has succeeded. One that failed, or of which nobody knows, leaves it
            false for ever: its outputs are made again, under a receipt of their own.
    """

    committed: bool = False
