"""JAX's own cache of compiled programs, out of use while others are compiled."""

from threading import Lock
from typing import Any, Final

import jax
from jax.experimental.compilation_cache import compilation_cache

__all__ = ["CACHE_OFF"]

_SWITCH: Final = "jax_enable_compilation_cache"
_SETTINGS: Final[Any] = jax.config  # typed as an object without its own settings


class _CacheOff:
    """A context, which any number of threads may be in: the last one to leave turns it on again."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._inside = 0
        self._before = True

    def __enter__(self) -> None:
        with self._lock:
            if not self._inside:
                self._before = _SETTINGS.values[_SWITCH]
                _set(False)
            self._inside += 1

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside:
                _set(self._before)


CACHE_OFF: Final = _CacheOff()


def _set(value: bool) -> None:
    _SETTINGS.update(_SWITCH, val=value)
    compilation_cache.reset_cache()  # it remembers whether it is in use
