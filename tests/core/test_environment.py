"""What importing the package does to JAX, each in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Mapping

import pytest

_OURS = (
    "NPROC",
    "XLA_FLAGS",
    "XLA_PYTHON_CLIENT_MEM_FRACTION",
    "JAX_ENABLE_X64",
    "JAX_CPU_ENABLE_ASYNC_DISPATCH",
)


def _run(script: str, environment: Mapping[str, str]) -> "subprocess.CompletedProcess[str]":
    inherited = {key: value for key, value in os.environ.items() if key not in _OURS}
    return subprocess.run(
        [sys.executable, "-c", script],
        check=False,
        capture_output=True,
        text=True,
        env={**inherited, **environment},
    )


def test_import_fails_loudly_where_jax_runs_in_float32() -> None:
    done = _run("import jax.numpy as n; n.zeros(1).block_until_ready(); import core", {})
    assert done.returncode != 0
    assert "float32" in done.stderr


def test_import_fails_loudly_where_float64_is_forbidden() -> None:
    done = _run("import core", {"JAX_ENABLE_X64": "0"})
    assert done.returncode != 0
    assert "unset it" in done.stderr


@pytest.mark.parametrize("given", [{}, {"NPROC": "3", "XLA_FLAGS": "--xla_dump_to=none"}])
def test_the_operators_settings_stand_and_the_rest_gets_defaults(given: Mapping[str, str]) -> None:
    script = "import core, os; print(*(os.environ[k] for k in ('NPROC', 'XLA_FLAGS')), sep='|')"
    done = _run(script, given)
    threads, flags = done.stdout.strip().split("|")
    assert threads == given.get("NPROC", "1")
    assert flags.startswith(given.get("XLA_FLAGS", ""))
    assert "--xla_gpu_deterministic_ops=true" in flags


@pytest.mark.parametrize("given", [{}, {"JAX_CPU_ENABLE_ASYNC_DISPATCH": "1"}])
def test_calls_are_made_where_they_are_asked_for_unless_told_otherwise(
    given: Mapping[str, str],
) -> None:
    script = "import core, jax; print(jax.config.values['jax_cpu_enable_async_dispatch'])"
    assert _run(script, given).stdout.strip() == str(bool(given))


def test_xla_has_one_thread() -> None:
    script = """
import core, os, numpy as np
from ops.compile_cache import keep_executables
keep_executables()
step = core.compile_step(core.PredictorConfig())
tile = core.init_tile(step.config)
for _ in range(3):
    tile, _ = step(tile, np.ones((core.INPUT_ROWS, 64)))
names = [open(f"/proc/self/task/{t}/comm").read() for t in os.listdir("/proc/self/task")]
print(sum("Eigen" in name for name in names))
"""
    done = _run(script, {"JAX_PLATFORMS": "cpu"})
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == 1
