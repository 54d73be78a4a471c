"""Ticks run in rounds over the tiles: 64 assets advance in one call of the step."""

from typing import Final

import jax
import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from core import INPUT_ROWS, OUTPUT_ROWS, TILE_WIDTH, Input, Output
from workers.compute.batch import Batch
from workers.compute.behind import refused
from workers.compute.networks import Networks
from workers.compute.rounds import RoundPlan, plan_rounds
from workers.compute.tiles import Tiles

__all__ = ["step_together"]

_MOST_CALLS: Final = 4_096
"""Of the step, whose inputs and outputs are held at a time: 110 MB, however few assets tick."""


def step_together(
    tiles: Tiles, networks: Networks, batch: Batch
) -> tuple[Float64[ndarray, "ticks outputs"], int]:
    """Advance tiles by their ticks; returns the results and how many calls of the step it took."""
    made = np.empty((batch.rows.size, OUTPUT_ROWS))
    plan = plan_rounds(batch.rank, batch.place)
    for rounds in plan.stretches(_MOST_CALLS):
        made[plan.ticks_of(rounds)] = _run(tiles, networks, batch, plan, rounds)
    return made, plan.tile_of_slot.size


def _run(
    tiles: Tiles, networks: Networks, batch: Batch, plan: RoundPlan, rounds: range
) -> Float64[ndarray, "ours outputs"]:
    """Some rounds of a plan; the results of their ticks."""
    bounds = plan.first_slot[rounds.start : rounds.stop + 1].tolist()
    begin, end = bounds[0], bounds[-1]
    ours = plan.ticks_of(rounds)
    slot, lane = plan.slot[ours] - begin, plan.lane[ours]
    inputs = np.zeros((end - begin, INPUT_ROWS, TILE_WIDTH))
    inputs[slot, :, lane] = batch.columns[:, ours].T
    tile_of_slot = plan.tile_of_slot[begin:end].tolist()
    outputs: list[jax.Array] = []
    for now, until in zip(rounds, bounds[1:], strict=True):
        here = plan.by_round[plan.first_tick[now] : plan.first_tick[now + 1]]
        networks.settle(batch.rows[here])
        for tick in here[batch.behind.at(batch.rows[here])].tolist():
            batch.elapsed_ns[tick] += batch.behind.take(int(batch.rows[tick]))
            passed_s = batch.elapsed_ns[tick] * 1e-9
            inputs[plan.slot[tick] - begin, Input.DT_S, plan.lane[tick]] = passed_s
        for at in range(len(outputs), until - begin):
            tile = tile_of_slot[at]
            outputs.append(tiles.step(tile, inputs[at], networks.surfaces(tile)))
        networks.owe(batch.rows[here[batch.due[here]]])
        first = int(plan.first_slot[now]) - begin
        flags = [np.asarray(output)[Output.FLAGS] for output in outputs[first:]]
        # Of idle lanes, too, which may hold no numbers: hardly ever is there more to do.
        with np.errstate(invalid="ignore"):
            any_refused = any(refused(lanes).any() for lanes in flags)
        if any_refused:
            of_ticks = np.stack(flags)[plan.slot[here] - begin - first, plan.lane[here]]
            lost = here[refused(of_ticks)]
            batch.behind.remember(batch.rows[lost], batch.elapsed_ns[lost])
    stacked = np.stack([np.asarray(output) for output in outputs])
    made: Float64[ndarray, "ours outputs"] = stacked[slot, :, lane]
    return made
