"""One asset tick by tick: its state stays where the step leaves it.

The pure form, `FunctionalPredictor.step`, copies the state at every tick. The bits are the same.
Invariant: what a tick changes is stored at once, without a call in between. So an exception that a
signal raises, as Ctrl-C does, leaves the state of before the tick or of after it.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from typing import Final

import jax
import numpy as np
from jaxtyping import Shaped
from numpy import ndarray

from core.asset import asset_layout
from core.asset_state import ALL_KERNELS, AssetState, clock_after, input_column
from core.both import compile_both
from core.compiled import init_surfaces
from core.config import PredictorConfig
from core.flags import Kernel
from core.host_view import host_view
from core.kernels.galerkin import SURFACE
from core.lone import LoneRun, compile_run
from core.observation import MarketObservation
from core.packed import INPUT_ROWS
from core.result import PredictionResult

__all__ = ["Lane"]

_LONG_HISTORY: Final = 65_536
"""Ticks. One by one, so many take about as long as compiling the program for a run of them."""
_AT_A_TIME: Final = 4_096
"""Of a long history; their results are held."""

_Training = Future[Shaped[ndarray, "1 network"]]


class Lane:
    """A place for the state of one asset. Not thread-safe.

    Args:
        config: hyperparameters.
        dtype: `float64` or `float32`, of the state.
        state: to begin with; None: an asset that has not seen a tick.
        trains_on: where the network trains after its tick's result is there, at the latest before
            the next tick; None: in the step.
    """

    def __init__(
        self,
        config: PredictorConfig,
        dtype: str = "float64",
        state: AssetState | None = None,
        *,
        trains_on: Executor | None = None,
    ) -> None:
        self.config = config
        self.dtype = dtype
        self._trains_on = trains_on
        self._step, self._trainer = compile_both(config, dtype, width=1)
        self._layout = asset_layout(config)
        self._surfaces = init_surfaces(dtype, width=1)
        self._inputs = np.zeros((INPUT_ROWS, 1))
        self.put(state or AssetState(self._layout.fresh(dtype)))

    def put(self, state: AssetState) -> None:
        """Go on from a state.

        Raises:
            ValueError: it is of another dtype or layout.
        """
        column, network = self._layout.split(
            self._layout.fitting(state.rows, self.dtype)[np.newaxis]
        )
        self._store(jax.device_put(column.T), state.timestamp_ns, state.sequence, _done(network))

    def state(self) -> AssetState:
        """A copy of the state."""
        self._finish_training()
        column = self._column(slice(None))[np.newaxis]
        rows = self._layout.join(column, self._network)[0]
        return AssetState(rows, self.timestamp_ns, self.sequence)

    def step(
        self,
        tick: MarketObservation,
        *,
        processing_time_ns: int | None = None,
        depth: int | None = None,
        kernel_mask: Kernel = ALL_KERNELS,
    ) -> PredictionResult:
        """One tick; the arguments are those of `FunctionalPredictor.step`."""
        self._finish_training()
        self._inputs[:, 0] = input_column(
            self.config,
            self.timestamp_ns,
            tick,
            processing_time_ns=processing_time_ns,
            depth=depth,
            kernel_mask=kernel_mask,
        )
        tile, outputs = self._step(self._tile, self._inputs, self._surfaces)
        # Waits for the step, which until then may read the inputs where they are.
        result = PredictionResult.from_column(np.asarray(outputs)[:, 0])
        sequence = self.sequence + 1
        due = sequence % self.config.dgm_every == 0 and Kernel.B in kernel_mask
        clock = clock_after(self.timestamp_ns, tick, refused=result.outlier_rejected)
        self._store(tile, clock, sequence, self._train(tile) if due else None)
        return result

    def result(self) -> PredictionResult:
        """Of the last tick, once more: all a result says is in the state."""
        self._finish_training()
        no_tick = np.zeros_like(self._inputs)
        _, outputs = self._step(self._tile, no_tick, self._surfaces)
        return PredictionResult.from_column(np.asarray(outputs)[:, 0])

    def steps(self, ticks: Sequence[MarketObservation]) -> Iterator[PredictionResult]:
        """Ticks after one another, each processed at its own time."""
        if len(ticks) < _LONG_HISTORY:
            yield from map(self.step, ticks)
            return
        run = compile_run(self.config, self.dtype)
        for start in range(0, len(ticks), _AT_A_TIME):
            yield from self._run(run, ticks[start : start + _AT_A_TIME])

    def _run(self, run: LoneRun, ticks: Sequence[MarketObservation]) -> Iterable[PredictionResult]:
        self._finish_training()
        before = [self.timestamp_ns, *(tick.timestamp_ns for tick in ticks)]
        inputs = np.stack(
            [input_column(self.config, at, tick) for at, tick in zip(before, ticks, strict=False)]
        )
        due = (self.sequence + np.arange(1, len(ticks) + 1)) % self.config.dgm_every == 0
        first = ticks[0].timestamp_ns if before[0] is None else before[0]
        elapsed_ns = np.diff([first, *before[1:]])
        column, network, outputs = run(
            self._column(slice(None)), self._network[0], inputs, due, elapsed_ns
        )
        results = list(map(PredictionResult.from_column, outputs))
        clock = self.timestamp_ns
        for tick, result in zip(ticks, results, strict=True):
            clock = clock_after(clock, tick, refused=result.outlier_rejected)
        tile, sequence = jax.device_put(column[:, np.newaxis]), self.sequence + len(ticks)
        self._store(tile, clock, sequence, _done(network[np.newaxis]))
        return results

    def _store(
        self, tile: jax.Array, timestamp_ns: int | None, sequence: int, training: _Training | None
    ) -> None:
        self._tile, self._training = tile, training
        self.timestamp_ns, self.sequence = timestamp_ns, sequence

    def _train(self, tile: jax.Array) -> _Training:
        block = host_view(tile)[self._trainer.block, 0].copy()[np.newaxis]
        if self._trains_on is None:
            return _done(self._trainer(block, self._network))
        return self._trains_on.submit(self._trainer, block, self._network)

    def _finish_training(self) -> None:
        if self._training is not None:
            self._network = self._training.result()
            self._surfaces[:, 0] = self._network[0, SURFACE]
            self._training = None

    def _column(self, rows: slice) -> Shaped[ndarray, " rows"]:
        return host_view(self._tile)[rows, 0].copy()


def _done(network: Shaped[ndarray, "1 network"]) -> _Training:
    """Where nothing has to be waited for."""
    training: _Training = Future()
    training.set_result(network)
    return training
