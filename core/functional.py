"""The stateless predictor of the specification (section 3), on the tile executable.

The same compiled step serves one asset, a batch and a history, so that a state moved between
them, or into a worker, goes on with the same bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Float64, Shaped
from numpy import ndarray

from core.compiled import TileStep, compile_step, init_tile
from core.config import PredictorConfig
from core.flags import Kernel
from core.observation import MarketObservation
from core.packed import INPUT_ROWS, TILE_WIDTH, Input
from core.result import PredictionResult

__all__ = ["AssetState", "FunctionalPredictor"]

ALL_KERNELS = Kernel.A | Kernel.B | Kernel.C | Kernel.D


@dataclass(frozen=True, slots=True)
class AssetState:
    """Everything that evolves for one asset; never changed in place.

    Attributes:
        rows: packed fields, see `state_layout`.
        timestamp_ns: of the last tick; None before the first.
    """

    rows: Shaped[ndarray, " rows"]
    timestamp_ns: int | None = None


class FunctionalPredictor:
    """Pure transitions (state, tick) -> (state, result) for any number of assets.

    Args:
        config: hyperparameters.
        dtype: `float64` or `float32`, of the state.
    """

    def __init__(self, config: PredictorConfig, *, dtype: str = "float64") -> None:
        self.config = config
        self._step: TileStep = compile_step(config, dtype)
        self._fresh = init_tile(config, dtype)

    def init_state(self) -> AssetState:
        """An asset that has not seen a tick."""
        return AssetState(self._fresh[:, 0].copy())

    def step(
        self,
        state: AssetState,
        observation: MarketObservation,
        *,
        processing_time_ns: int | None = None,
        depth: int | None = None,
        kernel_mask: Kernel = ALL_KERNELS,
    ) -> tuple[AssetState, PredictionResult]:
        """One tick of one asset.

        Args:
            state: not changed.
            observation: the tick.
            processing_time_ns: when it is processed, for staleness; the tick's own time if None.
            depth: signature depth allowed; `log_sig_depth` if None.
            kernel_mask: kernels that may run.
        """
        states, results = self.step_batch(
            [state],
            [observation],
            processing_time_ns=processing_time_ns,
            depth=depth,
            kernel_mask=kernel_mask,
        )
        return states[0], results[0]

    def step_batch(
        self,
        states: Sequence[AssetState],
        observations: Sequence[MarketObservation],
        *,
        processing_time_ns: int | None = None,
        depth: int | None = None,
        kernel_mask: Kernel = ALL_KERNELS,
    ) -> tuple[list[AssetState], list[PredictionResult]]:
        """One tick each of any number of assets, 64 per call of the executable.

        Raises:
            ValueError: not as many observations as states.
        """
        new: list[AssetState] = []
        results: list[PredictionResult] = []
        pairs = list(zip(states, observations, strict=True))
        for start in range(0, len(pairs), TILE_WIDTH):
            part = pairs[start : start + TILE_WIDTH]
            tile, inputs = self._fresh.copy(), np.zeros((INPUT_ROWS, TILE_WIDTH))
            for lane, (state, tick) in enumerate(part):
                tile[:, lane] = state.rows
                inputs[:, lane] = self._column(
                    state.timestamp_ns, tick, processing_time_ns, depth, kernel_mask
                )
            moved, outputs = (np.asarray(x) for x in self._step(jax.device_put(tile), inputs))
            for lane, (_, tick) in enumerate(part):
                new.append(AssetState(moved[:, lane].copy(), tick.timestamp_ns))
                results.append(PredictionResult.from_column(outputs[:, lane]))
        return new, results

    def scan_history(
        self, state: AssetState, history: Sequence[MarketObservation]
    ) -> tuple[AssetState, list[PredictionResult]]:
        """Successive ticks of one asset, the state kept on the device between them."""
        tile = self._fresh.copy()
        tile[:, 0] = state.rows
        moved = jax.device_put(tile)
        results, last = [], state.timestamp_ns
        for tick in history:
            inputs = np.zeros((INPUT_ROWS, TILE_WIDTH))
            inputs[:, 0] = self._column(last, tick, None, None, ALL_KERNELS)
            moved, outputs = self._step(moved, inputs)
            results.append(PredictionResult.from_column(np.asarray(outputs)[:, 0]))
            last = tick.timestamp_ns
        return AssetState(np.asarray(moved)[:, 0].copy(), last), results

    def _column(
        self,
        last_ns: int | None,
        tick: MarketObservation,
        processing_time_ns: int | None,
        depth: int | None,
        kernel_mask: Kernel,
    ) -> Float64[ndarray, " inputs"]:
        """Times are subtracted as integers before they become seconds."""
        age_ns = 0 if processing_time_ns is None else processing_time_ns - tick.timestamp_ns
        column = np.zeros(INPUT_ROWS)
        column[Input.ACTIVE] = 1.0
        column[Input.PRICE] = tick.price
        column[Input.TARGET] = tick.target
        column[Input.DT_S] = 0.0 if last_ns is None else (tick.timestamp_ns - last_ns) * 1e-9
        column[Input.AGE_RATIO] = age_ns / self.config.staleness_ttl_ns
        column[Input.DEPTH] = self.config.log_sig_depth if depth is None else depth
        for row, kernel in zip(range(Input.MASK_A, Input.MASK_D + 1), Kernel, strict=True):
            column[row] = float(kernel in kernel_mask)
        return column
