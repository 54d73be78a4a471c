"""The predictor: pure functions of state, tick and decisions, compiled by JAX.

No clock, no I/O, no logging. Importing this package puts JAX into float64.
"""

# ruff: noqa: E402  (JAX must be set up before any module that imports it)
from core.environment import prepare_jax

prepare_jax()

from core.asset import AssetLayout, asset_layout
from core.asset_state import ALL_KERNELS, AssetState
from core.both import compile_both
from core.compiled import (
    TRAIN_WIDTH,
    TileStep,
    Trainer,
    compile_step,
    compile_trainer,
    init_surfaces,
    init_tile,
    runtime_versions,
)
from core.config import InvalidConfigError, PredictorConfig
from core.errors import FatalError, RetryableError, TickFleetError
from core.executables import ExecutableStore, keep_in, kept_in
from core.flags import (
    AVAILABLE_KERNELS,
    INSTANT_EVENTS,
    LEVEL_FLAGS,
    RESULT_FLAGS,
    Flag,
    Kernel,
    Mode,
)
from core.functional import FunctionalPredictor
from core.host_view import host_view
from core.kernels.galerkin import NETWORK_ROWS
from core.kernels.galerkin import SURFACE as NETWORK_SURFACE
from core.lane import Lane
from core.layout import BLOCKS, Block, Field, StateLayout
from core.lone import LoneRun, compile_run, run_is_kept
from core.observation import MarketObservation
from core.packed import INPUT_ROWS, OUTPUT_ROWS, TILE_WIDTH, Input, Output
from core.result import PredictionResult
from core.step import state_layout

__all__ = [
    "ALL_KERNELS",
    "AVAILABLE_KERNELS",
    "BLOCKS",
    "INPUT_ROWS",
    "INSTANT_EVENTS",
    "LEVEL_FLAGS",
    "NETWORK_ROWS",
    "NETWORK_SURFACE",
    "OUTPUT_ROWS",
    "RESULT_FLAGS",
    "TILE_WIDTH",
    "TRAIN_WIDTH",
    "AssetLayout",
    "AssetState",
    "Block",
    "ExecutableStore",
    "FatalError",
    "Field",
    "Flag",
    "FunctionalPredictor",
    "Input",
    "InvalidConfigError",
    "Kernel",
    "Lane",
    "LoneRun",
    "MarketObservation",
    "Mode",
    "Output",
    "PredictionResult",
    "PredictorConfig",
    "RetryableError",
    "StateLayout",
    "TickFleetError",
    "TileStep",
    "Trainer",
    "asset_layout",
    "compile_both",
    "compile_run",
    "compile_step",
    "compile_trainer",
    "host_view",
    "init_surfaces",
    "init_tile",
    "keep_in",
    "kept_in",
    "run_is_kept",
    "runtime_versions",
    "state_layout",
]
