"""A program as one kernel of machine code.

XLA's CPU backend otherwise makes a kernel of every fused loop, and its runtime walks through their
graph at every call, handing parts of it to another thread: of a step of some hundred loops that
took longer than the loops.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import jax
from jax.experimental.xla_metadata import set_xla_metadata

__all__ = ["one_kernel"]

P = ParamSpec("P")
T = TypeVar("T")


def one_kernel(program: Callable[P, T]) -> Callable[P, T]:
    """The same program, compiled as one kernel where the backend is a CPU.

    It becomes a call with the mark that XLA gives to small loops it wants emitted as one function
    (`SmallWhileLoopHoistingPass`); nothing inside is marked, or every loop would stand alone.
    """

    def unmarked(*args: P.args, **kwargs: P.kwargs) -> T:
        with set_xla_metadata(inlineable=None, xla_cpu_small_call=None):  # type: ignore[no-untyped-call]
            return program(*args, **kwargs)

    inner = jax.jit(unmarked)

    def marked(*args: P.args, **kwargs: P.kwargs) -> T:
        with set_xla_metadata(inlineable="false", xla_cpu_small_call="true"):  # type: ignore[no-untyped-call]
            made: T = inner(*args, **kwargs)
            return made

    return program if jax.default_backend() != "cpu" else marked
