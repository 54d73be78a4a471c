"""Decisions: what a tick's outputs depend on besides the ticks themselves.

They are taken once per micro-batch and partition, journaled with the outputs, and read back
in recovery and as-recorded replay. Nothing else may enter the step from outside.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from core import AVAILABLE_KERNELS, INPUT_ROWS, Input, Kernel, PredictorConfig
from schemas import EVENT_TIME

__all__ = ["Decision", "DecisionColumns", "full_decision", "pack_inputs", "spread"]


@dataclass(frozen=True, slots=True)
class Decision:
    """One micro-batch's decision.

    Attributes:
        processing_time_ns: Unix time the batch was decided at; `schemas.EVENT_TIME` under the
            event clock, where each tick's own timestamp takes its place.
        depth: signature depth the load shedder allows.
        kernel_mask: `core.Kernel` bits that may run.
    """

    processing_time_ns: int
    depth: int
    kernel_mask: int


def full_decision(config: PredictorConfig) -> Decision:
    """Event time and nothing shed: what warms a state up, and what an undisturbed replay takes."""
    return Decision(EVENT_TIME, config.log_sig_depth, int(AVAILABLE_KERNELS))


@dataclass(frozen=True, slots=True)
class DecisionColumns:
    """Decisions spread over ticks, one entry a tick."""

    processing_time_ns: Int64[ndarray, " ticks"]
    depth: Int64[ndarray, " ticks"]
    kernel_mask: Int64[ndarray, " ticks"]

    def at(self, where: ndarray) -> "DecisionColumns":
        """The columns at some positions."""
        return DecisionColumns(
            self.processing_time_ns[where], self.depth[where], self.kernel_mask[where]
        )


def spread(decision: Decision, ticks: int) -> DecisionColumns:
    """The same decision for every tick."""
    return DecisionColumns(
        np.full(ticks, decision.processing_time_ns, dtype=np.int64),
        np.full(ticks, decision.depth, dtype=np.int64),
        np.full(ticks, decision.kernel_mask, dtype=np.int64),
    )


def pack_inputs(
    *,
    price: Float64[ndarray, " ticks"],
    target: Float64[ndarray, " ticks"],
    timestamp_ns: Int64[ndarray, " ticks"],
    elapsed_ns: Int64[ndarray, " ticks"],
    decisions: DecisionColumns,
    staleness_ttl_ns: int,
) -> Float64[ndarray, "inputs ticks"]:
    """The packed inputs of the step, one column a tick.

    Integer nanoseconds are subtracted here, as integers: 1.7e18 does not fit a double.
    """
    age_ns = decisions.processing_time_ns - timestamp_ns
    age_ns[decisions.processing_time_ns == EVENT_TIME] = 0
    columns = np.empty((INPUT_ROWS, price.size))
    columns[Input.ACTIVE] = 1.0
    columns[Input.PRICE] = price
    columns[Input.TARGET] = target
    columns[Input.DT_S] = elapsed_ns * 1e-9
    columns[Input.AGE_RATIO] = age_ns / staleness_ttl_ns
    columns[Input.DEPTH] = decisions.depth
    for row, kernel in (
        (Input.MASK_A, Kernel.A),
        (Input.MASK_B, Kernel.B),
        (Input.MASK_C, Kernel.C),
        (Input.MASK_D, Kernel.D),
    ):
        columns[row] = (decisions.kernel_mask & kernel) != 0
    return columns
