"""A stand-in for the predictor: a state that remembers every bit of every tick it was given.

Its outputs are a hash of the asset's whole history, decisions included, so that one tick lost,
doubled, reordered or stepped under another decision changes every later result. It costs
microseconds, which is what makes a thousand schedules affordable.
"""

import zlib
from typing import Final

import numpy as np
from jaxtyping import Float64, Int64
from numpy import ndarray

from core import OUTPUT_ROWS, PredictorConfig
from core.packed import Output
from workers.compute.rounds import RowOrder

__all__ = ["STATE_ROWS", "SimTable"]

STATE_ROWS: Final = 2
_MODULUS: Final = 2**40


class SimTable:
    """The interface of `workers.compute.state_table.StateTable`."""

    def __init__(self, _config: PredictorConfig, _dtype: str) -> None:
        self._states = np.zeros((4_096, STATE_ROWS))
        self._free = list(range(4_095, -1, -1))
        self.last_timestamp_ns: Int64[ndarray, " capacity"] = np.zeros(4_096, dtype=np.int64)
        self.sequence: Int64[ndarray, " capacity"] = np.zeros(4_096, dtype=np.int64)
        self.dirty = np.zeros(4_096, dtype=bool)

    @property
    def assets(self) -> int:
        return 4_096 - len(self._free)

    @property
    def calls(self) -> int:
        return 0

    @property
    def ticks_alone(self) -> int:
        return 0

    @property
    def state_rows(self) -> int:
        return STATE_ROWS

    def allocate(self, count: int) -> Int64[ndarray, " count"]:
        nothing = np.zeros(count, dtype=np.int64)
        rows = self.restore(np.zeros((count, STATE_ROWS)), nothing, nothing)
        self.dirty[rows] = True
        return rows

    def restore(
        self,
        states: Float64[ndarray, "count features"],
        last_timestamp_ns: Int64[ndarray, " count"],
        sequence: Int64[ndarray, " count"],
    ) -> Int64[ndarray, " count"]:
        rows = np.array([self._free.pop() for _ in range(len(states))], dtype=np.int64)
        self._states[rows] = states
        self.last_timestamp_ns[rows] = last_timestamp_ns
        self.sequence[rows] = sequence
        self.dirty[rows] = False
        return rows

    def release(self, rows: Int64[ndarray, " count"]) -> None:
        self._free.extend(rows.tolist())

    def copy(self, rows: Int64[ndarray, " count"]) -> Float64[ndarray, "count features"]:
        copied: Float64[ndarray, "count features"] = self._states[rows].copy()
        return copied

    def step(
        self,
        ticks: RowOrder,
        columns: Float64[ndarray, "inputs ticks"],
        _elapsed_ns: Int64[ndarray, " ticks"],
    ) -> Float64[ndarray, "ticks outputs"]:
        outputs = np.zeros((ticks.rows.size, OUTPUT_ROWS))
        for tick, row in enumerate(ticks.rows.tolist()):
            digest = zlib.crc32(np.ascontiguousarray(columns[:, tick]).tobytes())
            mixed = (int(self._states[row, 0]) * 1_000_003 + digest) % _MODULUS
            self._states[row] = mixed, self._states[row, 1] + 1
            outputs[tick, Output.PREDICTED_NEXT] = mixed
            outputs[tick, Output.WEIGHT_A] = 1.0
        self.dirty[ticks.rows] = True
        return outputs
