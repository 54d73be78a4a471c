"""The stateless predictor of the specification (section 3), on the tile executable.

The same compiled step serves one asset, a batch and a history, so that a state moved between
them, or into a worker, goes on with the same bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Bool, Float64, Int64, Shaped
from numpy import ndarray

from core.asset import asset_layout
from core.compiled import TileStep, compile_step, compile_trainer, init_surfaces, init_tile
from core.config import PredictorConfig
from core.flags import Kernel
from core.kernels.galerkin import SURFACE
from core.observation import MarketObservation
from core.packed import INPUT_ROWS, TILE_WIDTH, Input
from core.result import PredictionResult

__all__ = ["AssetState", "FunctionalPredictor"]

ALL_KERNELS = Kernel.A | Kernel.B | Kernel.C | Kernel.D


@dataclass(frozen=True, slots=True)
class AssetState:
    """Everything that evolves for one asset; never changed in place.

    Attributes:
        rows: its column of a tile and its network, see `asset_layout`.
        timestamp_ns: of the last tick; None before the first.
        sequence: ticks seen, rejected ones too; decides when the network trains.
    """

    rows: Shaped[ndarray, " features"]
    timestamp_ns: int | None = None
    sequence: int = 0


class FunctionalPredictor:
    """Pure transitions (state, tick) -> (state, result) for any number of assets.

    Args:
        config: hyperparameters.
        dtype: `float64` or `float32`, of the state.
    """

    def __init__(self, config: PredictorConfig, *, dtype: str = "float64") -> None:
        self.config = config
        self._step: TileStep = compile_step(config, dtype)
        self._trainer = compile_trainer(config, dtype)
        self._layout = asset_layout(config)
        self._fresh = init_tile(config, dtype)
        self._surfaces = init_surfaces(dtype)

    def init_state(self) -> AssetState:
        """An asset that has not seen a tick."""
        return AssetState(self._layout.fresh(self._fresh.dtype.name))

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
            rows = np.stack([state.rows for state, _ in part])
            columns, networks = self._layout.split(rows)
            tile, surfaces = self._fresh.copy(), self._surfaces.copy()
            tile[:, : len(part)], surfaces[:, : len(part)] = columns.T, networks[:, SURFACE].T
            inputs = np.zeros((INPUT_ROWS, TILE_WIDTH))
            for lane, (state, tick) in enumerate(part):
                inputs[:, lane] = self._column(
                    state.timestamp_ns, tick, processing_time_ns, depth, kernel_mask
                )
            stepped = self._step(jax.device_put(tile), inputs, surfaces)
            moved, outputs = (np.asarray(x) for x in stepped)
            columns = moved[:, : len(part)].T
            sequences = np.array([state.sequence + 1 for state, _ in part])
            due = self._due(sequences, kernel_mask)
            networks = self._train(columns, networks, due)
            joined = self._layout.join(columns, networks)
            for lane, (_, tick) in enumerate(part):
                new.append(AssetState(joined[lane], tick.timestamp_ns, int(sequences[lane])))
                results.append(PredictionResult.from_column(outputs[:, lane]))
        return new, results

    def scan_history(
        self, state: AssetState, history: Sequence[MarketObservation]
    ) -> tuple[AssetState, list[PredictionResult]]:
        """Successive ticks of one asset, the state kept on the device between them."""
        column, network = self._layout.split(state.rows[np.newaxis])
        tile, surfaces = self._fresh.copy(), self._surfaces.copy()
        tile[:, 0] = column[0]
        moved = jax.device_put(tile)
        results, last, sequence = [], state.timestamp_ns, state.sequence
        for tick in history:
            inputs = np.zeros((INPUT_ROWS, TILE_WIDTH))
            inputs[:, 0] = self._column(last, tick, None, None, ALL_KERNELS)
            surfaces[:, 0] = network[0, SURFACE]
            moved, outputs = self._step(moved, inputs, surfaces)
            results.append(PredictionResult.from_column(np.asarray(outputs)[:, 0]))
            last, sequence = tick.timestamp_ns, sequence + 1
            due = self._due(np.array([sequence]), ALL_KERNELS)
            if due.any():
                network = self._train(np.array(moved)[:, :1].T, network, due)
        rows = self._layout.join(np.array(moved)[:, :1].T, network)[0]
        return AssetState(rows, last, sequence), results

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
        trained = networks.copy()
        trained[due] = self._trainer(columns[due, self._trainer.block], networks[due])
        return trained

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
