"""Programs as one kernel, and fences inside of it."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Float

from core import PredictorConfig
from core.barrier import settle
from core.compiled import compile_step
from core.kernel import one_kernel

pytestmark = pytest.mark.skipif(jax.default_backend() != "cpu", reason="kernels of a CPU")


def entry(program: jax.stages.Compiled) -> list[str]:
    """Opcodes of the compiled program's outermost computation, parameters left out."""
    text = str(program.as_text())
    body = text[text.index("\nENTRY") :]
    opcodes = re.findall(r"^ .* = .*?[\])}] ([a-z-]+)\(", body, re.MULTILINE)
    return [opcode for opcode in opcodes if opcode != "parameter"]


def spread(x: Float[Array, "rows 64"]) -> Float[Array, "rows 64"]:
    """A shared value, dear to compute, that every row of the result reads."""
    shared = jnp.exp(jnp.sum(x, axis=0, keepdims=True) / 8.0)
    return jnp.concatenate([x[:4] * settle(shared), x[4:] + settle(shared)])


def test_a_step_is_one_call() -> None:
    step = compile_step(PredictorConfig())
    assert entry(step._executable) == ["call"]


def test_without_it_a_program_is_many() -> None:
    x = np.ones((8, 64))
    assert entry(jax.jit(one_kernel(spread)).lower(x).compile()) == ["call"]
    assert len(entry(jax.jit(spread).lower(x).compile())) > 1


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_the_values_are_those_of_many_kernels(dtype: str) -> None:
    x = np.random.default_rng(0).standard_normal((8, 64)).astype(dtype)
    one, many = jax.jit(one_kernel(spread))(x), jax.jit(spread)(x)
    np.testing.assert_allclose(one, many, rtol=8 * float(np.finfo(dtype).eps))


def test_a_fence_keeps_a_value_from_being_computed_by_each_reader() -> None:
    def product(x: Float[Array, "rows 64"], *, fenced: bool) -> list[Float[Array, "1 64"]]:
        total = jnp.sum(x * x, axis=0, keepdims=True) * 3.0
        shared = settle(total + x[0] * x[1]) if fenced else total + x[0] * x[1]
        return [settle(shared * float(k)) for k in range(2, 6)]

    def multiplications(*, fenced: bool) -> int:
        def program(x: Float[Array, "rows 64"]) -> list[Float[Array, "1 64"]]:
            return product(x, fenced=fenced)

        text = jax.jit(one_kernel(program)).lower(np.ones((8, 64))).compile().as_text()
        return len(re.findall(r" multiply\(", str(text)))

    assert multiplications(fenced=True) < multiplications(fenced=False)


def test_a_fence_lets_gradients_through() -> None:
    x = np.linspace(0.1, 1.0, 64)
    fenced = jax.grad(lambda v: jnp.sum(settle(jnp.sin(v)) ** 2))(x)
    np.testing.assert_allclose(fenced, 2.0 * np.sin(x) * np.cos(x), rtol=1e-14)
