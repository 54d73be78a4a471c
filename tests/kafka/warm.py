"""What a worker process of the tests has done already when `tests.kafka.workforce` forks it.

The backend must not have started: its threads would not be there after the fork.
"""

import functools
from importlib import import_module

import jax
from jax._src import xla_bridge

from core import PredictorConfig
from tests.kafka import worker_process

__all__ = ["worker_process"]

jax.config.update("jax_platforms", "cpu")  # type: ignore[no-untyped-call]

_compiled = import_module("core.compiled")
for _name in ("_trace_step", "_trace_training"):
    setattr(_compiled, _name, functools.cache(getattr(_compiled, _name)))
    getattr(_compiled, _name)(PredictorConfig(), "float64")

assert not xla_bridge.backends_are_initialized()
