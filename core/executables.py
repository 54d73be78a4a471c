"""Executables handed from process to process, so that a start neither traces nor compiles.

JAX's own cache is asked with the lowered program, which costs three times what loading does. Here
the question is what the program is made from. Where it is kept is not this package's business.
"""

import os
import pickle
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import jax
import jaxlib.version
import numpy as np
from jax.experimental import serialize_executable

from core.jax_cache import CACHE_OFF

__all__ = [
    "COMPILER_OPTIONS",
    "ExecutableStore",
    "compiler_facts",
    "executable",
    "is_kept",
    "keep_in",
    "kept_in",
]

COMPILER_OPTIONS: dict[str, str | bool] = {
    "xla_cpu_prefer_vector_width": "512",
    "xla_cpu_experimental_ynn_fusion_type": "",
}
"""The first takes vectors of 64 bytes where the CPU has them: a tenth of a step. The second keeps
sums out of a library that is made for large arrays: a quarter of a training."""


class ExecutableStore(Protocol):
    """Keeps executables under what they were made from, for processes to come."""

    def load(self, facts: Mapping[str, str]) -> bytes | None:
        """What was saved under these facts by this very source code on such a processor."""

    def save(self, facts: Mapping[str, str], content: bytes) -> None:
        """Keep it; failing to is no error."""


_stores: list[ExecutableStore] = []


def keep_in(store: ExecutableStore | None) -> None:
    """From now on look here before compiling; None: compile."""
    _stores[:] = [] if store is None else [store]


def kept_in() -> ExecutableStore | None:
    """Where executables are looked for."""
    return _stores[0] if _stores else None


def executable(facts: Mapping[str, str], trace: Callable[[], jax.stages.Traced]) -> Any:
    """An executable from the store, or compiled.

    Args:
        facts: what the program is made from, besides the source code, compiler and environment.
        trace: makes the program.
    """
    store = _store()
    if store is None:
        return trace().lower().compile(compiler_options=COMPILER_OPTIONS)
    everything = _everything(facts)
    content = store.load(everything)
    if content is not None:
        return _revived(content)
    traced = trace()
    made = _compiled_afresh(traced)
    content = pickle.dumps(serialize_executable.serialize(made))
    if _runs(content, traced):
        store.save(everything, content)
    return made


def is_kept(facts: Mapping[str, str]) -> bool:
    """Whether `executable` would only have to load it."""
    store = _store()
    return store is not None and store.load(_everything(facts)) is not None


def compiler_facts() -> dict[str, str]:
    """Which compiler makes the programs, and what it is told."""
    return {
        "jax": jax.__version__,
        "jaxlib": jaxlib.version.__version__,
        "compiler_options": repr(COMPILER_OPTIONS),
    }


def _store() -> ExecutableStore | None:
    # Elsewhere an executable belongs to one model of device.
    return kept_in() if jax.default_backend() == "cpu" else None


def _everything(facts: Mapping[str, str]) -> dict[str, str]:
    return {**facts, **compiler_facts(), "environment": _environment()}


def _environment() -> str:
    return repr(sorted((k, v) for k, v in os.environ.items() if _matters(k)))


def _matters(variable: str) -> bool:
    return variable.startswith(("JAX_", "XLA_", "NPROC")) and "CACHE" not in variable


def _compiled_afresh(traced: jax.stages.Traced) -> Any:
    """Without JAX's cache: what comes from there lacks its functions when it is serialised."""
    with CACHE_OFF:
        return traced.lower().compile(compiler_options=COMPILER_OPTIONS)


def _revived(content: bytes) -> Any:
    return serialize_executable.deserialize_and_load(*pickle.loads(content))  # noqa: S301 (ours, checked)


def _runs(content: bytes, traced: jax.stages.Traced) -> bool:
    """Whether another process would be able to run it."""
    arguments = [np.zeros(one.shape, one.dtype) for one in jax.tree.leaves(traced.in_avals)]
    try:
        for output in jax.tree.leaves(_revived(content)(*arguments)):
            output.block_until_ready()
    except jax.errors.JaxRuntimeError:
        return False
    return True
