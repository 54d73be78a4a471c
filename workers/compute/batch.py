"""The ticks of a batch as the programs see them, with what has been found out of each."""

from typing import NamedTuple

from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from workers.compute.behind import Behind

__all__ = ["Batch"]


class Batch(NamedTuple):
    """One entry a tick, in processing order.

    Attributes:
        rows: of the asset.
        rank: among the ticks of its row.
        place: of its row; place `p` is lane `p % 64` of tile `p // 64`.
        due: whether the asset's network trains after it.
        columns: packed inputs (`core.Input` rows).
        elapsed_ns: since its asset's tick before; where the batch holds none, since the asset's
            last accepted one.
        behind: the rows of which that is not all; one for the whole batch.
    """

    rows: Int64[ndarray, " ticks"]
    rank: Int64[ndarray, " ticks"]
    place: Int64[ndarray, " ticks"]
    due: Bool[ndarray, " ticks"]
    columns: Float64[ndarray, "inputs ticks"]
    elapsed_ns: Int64[ndarray, " ticks"]
    behind: Behind

    def only(self, picked: Int64[ndarray, " picked"]) -> "Batch":
        """Some of the ticks."""
        return Batch(
            self.rows[picked],
            self.rank[picked],
            self.place[picked],
            self.due[picked],
            self.columns[:, picked],
            self.elapsed_ns[picked],
            self.behind,
        )
