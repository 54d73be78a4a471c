"""Ticks run asset by asset, apart from their tiles: one call advances an asset by all it has."""

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from core import OUTPUT_ROWS, LoneRun
from workers.compute.batch import Batch
from workers.compute.networks import Networks
from workers.compute.tiles import Tiles

__all__ = ["step_apart"]


def step_apart(
    tiles: Tiles, networks: Networks, run: LoneRun, batch: Batch
) -> Float64[ndarray, "ticks outputs"]:
    """Advance rows by their ticks, whose ranks ascend from anywhere."""
    made = np.empty((batch.rows.size, OUTPUT_ROWS))
    by_row = np.argsort(batch.rows, kind="stable")
    begins = np.flatnonzero(np.diff(batch.rows[by_row], prepend=-1))
    rows = batch.rows[by_row[begins]]
    # In this order: copying a network trains it first, from its tile's state.
    trained = networks.copy(rows)
    states = tiles.read(rows)
    for at, picked in enumerate(np.split(by_row, begins[1:])):
        elapsed_ns = batch.elapsed_ns[picked]
        elapsed_ns[0] += batch.behind.take(int(rows[at]))
        states[at], trained[at], made[picked] = run(
            states[at], trained[at], batch.columns[:, picked].T, batch.due[picked], elapsed_ns
        )
    tiles.put(rows, states)
    networks.put(rows, trained)
    return made
