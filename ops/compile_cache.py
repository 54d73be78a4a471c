"""XLA executables kept between runs, so that a restarted worker does not compile again.

Bits do not change: the cache holds the executable itself, under a key of program, compiler,
flags and processor.
"""

import os
from typing import Any, Final

import jax
import structlog

from ops.local.cache import cache_dir

__all__ = ["keep_executables"]

_log = structlog.get_logger()
_SETTINGS: Final[Any] = jax.config  # typed as an object without its own settings


def keep_executables() -> None:
    """Turn JAX's persistent compilation cache on, unless the operator has placed it elsewhere."""
    if os.environ.get("JAX_COMPILATION_CACHE_DIR"):
        return
    try:
        folder = cache_dir() / "xla"
        folder.mkdir(exist_ok=True)
    except OSError as error:
        _log.warning("compile_cache_off", reason=str(error))
        return
    _SETTINGS.update("jax_compilation_cache_dir", str(folder))
    _SETTINGS.update("jax_persistent_cache_min_compile_time_secs", 0.0)
