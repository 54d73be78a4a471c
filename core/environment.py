"""JAX set up for this package: float64, one thread, nothing the operator set undone.

Must be the first import of the package: XLA reads its flags once, when the backend starts.
"""

import os

from core.errors import FatalError

__all__ = ["PrecisionError", "prepare_jax"]

_DETERMINISTIC_GPU = "--xla_gpu_deterministic_ops"


class PrecisionError(FatalError, RuntimeError):
    """JAX cannot run in float64 in this process; the message says which setting prevents it."""


def prepare_jax() -> None:
    """Turn on float64 and threefry, and default the settings of XLA that nobody has set.

    Raises:
        PrecisionError: float64 is forbidden by `JAX_ENABLE_X64`, or the backend has started in
            float32 already (arrays made before would silently stay in single precision).
    """
    if os.environ.get("JAX_ENABLE_X64", "1").lower() in {"0", "false", "off", "no", "n", "f"}:
        raise PrecisionError(
            "JAX_ENABLE_X64 is off: unset it; float32 states are chosen by dtype='float32'"
        )
    os.environ.setdefault("XLA_PYTHON_CLIENT_MEM_FRACTION", "0.7")
    # The size of XLA's CPU thread pool. A step is one kernel, what else runs is small, and a worker
    # has one core: handing work to other threads costs more than it gains.
    os.environ.setdefault("NPROC", "1")
    flags = os.environ.get("XLA_FLAGS", "")
    if _DETERMINISTIC_GPU not in flags:
        os.environ["XLA_FLAGS"] = f"{flags} {_DETERMINISTIC_GPU}=true".strip()

    import jax  # noqa: PLC0415  (after the environment, which the backend reads once)
    from jax._src import xla_bridge  # noqa: PLC0415  (no public question "has it started?")

    if not jax.config.values["jax_enable_x64"] and xla_bridge.backends_are_initialized():
        raise PrecisionError(
            "JAX has already started in float32: import core before the first JAX computation"
        )
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    # A call that another thread makes for us costs two switches of threads, and we wait for it.
    if "JAX_CPU_ENABLE_ASYNC_DISPATCH" not in os.environ:
        jax.config.update("jax_cpu_enable_async_dispatch", False)  # type: ignore[no-untyped-call]
    if "JAX_DEFAULT_PRNG_IMPL" not in os.environ:
        jax.config.update("jax_default_prng_impl", "threefry2x32")  # type: ignore[no-untyped-call]
