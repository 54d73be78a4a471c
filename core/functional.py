"""The stateless predictor of the specification (section 3).

One asset, a batch and a history have the same bits, and so have workers: a state may be moved
between them.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int64, Shaped
from numpy import ndarray

from core.asset import asset_layout
from core.asset_state import ALL_KERNELS, AssetState, clock_after, input_column
from core.compiled import TRAIN_WIDTH, compile_step, compile_trainer
from core.config import PredictorConfig
from core.flags import Kernel
from core.kernels.galerkin import SURFACE
from core.lane import Lane
from core.observation import MarketObservation
from core.packed import INPUT_ROWS, TILE_WIDTH
from core.result import PredictionResult

__all__ = ["FunctionalPredictor"]


class FunctionalPredictor:
    """Pure transitions (state, tick) -> (state, result) for any number of assets.

    Args:
        config: hyperparameters.
        dtype: `float64` or `float32`, of the state.
    """

    def __init__(self, config: PredictorConfig, *, dtype: str = "float64") -> None:
        self.config = config
        self.dtype = dtype
        self._layout = asset_layout(config)
        self._fresh = self._layout.fresh(dtype)

    def init_state(self) -> AssetState:
        """An asset that has not seen a tick."""
        return AssetState(self._fresh.copy())

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
        """One tick each of any number of assets, 64 per call of the executable, or one alone.

        Raises:
            ValueError: not as many observations as states, or one of another dtype or layout.
        """
        new: list[AssetState] = []
        results: list[PredictionResult] = []
        pairs = list(zip(states, observations, strict=True))
        width = TILE_WIDTH if len(pairs) > 1 else 1
        step = compile_step(self.config, self.dtype, width=width)
        for start in range(0, len(pairs), width):
            part = pairs[start : start + width]
            rows = [self._layout.fitting(state.rows, self.dtype) for state, _ in part]
            rows += [self._fresh] * (width - len(part))
            columns, networks = self._layout.split(np.stack(rows))
            inputs = np.zeros((INPUT_ROWS, width))
            for lane, (state, tick) in enumerate(part):
                inputs[:, lane] = input_column(
                    self.config,
                    state.timestamp_ns,
                    tick,
                    processing_time_ns=processing_time_ns,
                    depth=depth,
                    kernel_mask=kernel_mask,
                )
            stepped = step(columns.T, inputs, networks[:, SURFACE].T)
            moved, outputs = (np.asarray(x) for x in stepped)
            columns = moved[:, : len(part)].T
            sequences = np.array([state.sequence + 1 for state, _ in part])
            due = self._due(sequences, kernel_mask)
            networks = self._train(columns, networks[: len(part)], due)
            joined = self._layout.join(columns, networks)
            for lane, (state, tick) in enumerate(part):
                result = PredictionResult.from_column(outputs[:, lane])
                clock = clock_after(state.timestamp_ns, tick, refused=result.outlier_rejected)
                new.append(AssetState(joined[lane], clock, int(sequences[lane])))
                results.append(result)
        return new, results

    def scan_history(
        self, state: AssetState, history: Sequence[MarketObservation]
    ) -> tuple[AssetState, list[PredictionResult]]:
        """Successive ticks of one asset, each processed at its own time."""
        lane = Lane(self.config, self.dtype, state)
        results = list(lane.steps(history))
        return lane.state(), results

    def _due(
        self, sequence: Int64[ndarray, " assets"], kernel_mask: Kernel
    ) -> Bool[ndarray, " assets"]:
        """Whose network trains after its tick: every `dgm_every` of its own, if B may run."""
        due: Bool[ndarray, " assets"] = sequence % self.config.dgm_every == 0
        return due & (Kernel.B in kernel_mask)

    def _train(
        self,
        columns: Shaped[ndarray, "assets rows"],
        networks: Shaped[ndarray, "assets network"],
        due: Bool[ndarray, " assets"],
    ) -> Shaped[ndarray, "assets network"]:
        if not due.any():
            return networks
        width = TRAIN_WIDTH if len(networks) > 1 else 1
        trainer = compile_trainer(self.config, self.dtype, width=width)
        trained = networks.copy()
        trained[due] = trainer(columns[due, trainer.block], networks[due])
        return trained
