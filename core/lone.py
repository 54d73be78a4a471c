"""Many ticks of one asset in one call.

A call of the tile's step costs the same for one active lane as for 64. Here the ticks follow one
another inside the program, without the 63 others and without a call between them. The bits are
those of the tile.
"""

import functools
from typing import Final

import numpy as np
from jaxtyping import Bool, Float, Float64, Int64
from numpy import ndarray

from core.compiled import checked, facts
from core.config import PredictorConfig
from core.executables import executable, is_kept
from core.packed import INPUT_ROWS, OUTPUT_ROWS
from core.programs import ZERO, trace_run

__all__ = ["LoneRun", "compile_run", "run_is_kept"]

_TICKS: Final = 512
"""Of one call: a call costs as much as a dozen ticks."""


class LoneRun:
    """One compiled run of an asset's ticks, its network trained where that is due."""

    __slots__ = ("_executable",)

    def __init__(self, config: PredictorConfig, dtype: str) -> None:
        self._executable = executable(
            _facts(config, dtype), lambda: trace_run(config, dtype, _TICKS)
        )

    def __call__(
        self,
        column: Float[ndarray, " rows"],
        network: Float[ndarray, " network"],
        inputs: Float64[ndarray, "ticks inputs"],
        due: Bool[ndarray, " ticks"],
        elapsed_ns: Int64[ndarray, " ticks"],
    ) -> tuple[
        Float[ndarray, " rows"], Float[ndarray, " network"], Float64[ndarray, "ticks outputs"]
    ]:
        """The state and network after all ticks, and the outputs of each.

        Args:
            column: the asset's lane of a tile.
            network: after all training that was due before.
            inputs: columns of `Input` rows, a row a tick, all active; `DT_S` is computed here.
            due: after which ticks the network trains.
            elapsed_ns: since the tick before, and for the first since the last accepted one; that
                of a refused tick counts for the next one besides.
        """
        behind_ns = 0
        state, net = column[:, np.newaxis], network[np.newaxis]
        made = np.empty((len(inputs), OUTPUT_ROWS))
        for start in range(0, len(inputs), _TICKS):
            part = inputs[start : start + _TICKS]
            given, training = np.zeros((_TICKS, INPUT_ROWS)), np.zeros(_TICKS, dtype=bool)
            given[: len(part)], training[: len(part)] = part, due[start : start + _TICKS]
            passed_ns = np.zeros(_TICKS, dtype=np.int64)
            passed_ns[: len(part)] = elapsed_ns[start : start + _TICKS]
            passed_ns[0] += behind_ns
            state, net, outputs, behind = self._executable(
                ZERO, state, net, given, training, passed_ns
            )
            behind_ns = int(behind)
            made[start : start + _TICKS] = np.asarray(outputs)[: len(part)]
        return np.asarray(state)[:, 0], np.asarray(net)[0], made


def _facts(config: PredictorConfig, dtype: str) -> dict[str, str]:
    return facts("run", config, dtype, width=1)


def run_is_kept(config: PredictorConfig, dtype: str) -> bool:
    """Whether `compile_run` would load it, in a fraction of a second."""
    return is_kept(_facts(config, checked(dtype)))


@functools.cache
def compile_run(config: PredictorConfig, dtype: str = "float64") -> LoneRun:
    """Compile the run, or return the executable compiled before for equal arguments.

    Raises:
        ValueError: `dtype` is neither `float32` nor `float64`.
    """
    return LoneRun(config, checked(dtype))
