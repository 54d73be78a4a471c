"""XLA executables kept between runs, so that a restarted worker does not compile again.

Bits do not change: what is kept is the executable itself. The predictor's programs are found by
what they are made from; whatever else is compiled, by JAX's own cache.
"""

import os
from typing import Any, Final

import jax
import structlog

from core import keep_in
from ops.executable_files import ExecutableFiles
from ops.local.cache import cache_dir
from ops.local.errors import NoCacheError

__all__ = ["keep_executables"]

_log = structlog.get_logger()
_SETTINGS: Final[Any] = jax.config  # typed as an object without its own settings


def keep_executables() -> None:
    """Keep executables under `cache_dir()`; JAX's own where the operator has placed its cache."""
    try:
        folder = cache_dir() / "xla"
        folder.mkdir(exist_ok=True)
    except (OSError, NoCacheError) as error:
        _log.warning("compile_cache_off", reason=str(error))
        return
    keep_in(ExecutableFiles(folder.with_name("executables")))
    if os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        return
    _SETTINGS.update("jax_compilation_cache_dir", str(folder))
    _SETTINGS.update("jax_persistent_cache_min_compile_time_secs", 0.0)
