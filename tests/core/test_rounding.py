"""Compiled sums of products against NumPy, which rounds each operation."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Shaped
from numpy import ndarray

from core.executables import COMPILER_OPTIONS
from core.kernel import one_kernel
from core.logarithm import log, log1p
from core.programs import ZERO
from core.rounding import rounded

Program = Callable[..., Any]


def dot(np_: Any, x: Any, y: Any) -> Any:
    return x * y + y * (x + 1.5)


def horner(np_: Any, x: Any, y: Any) -> Any:
    return ((x * y + 0.3) * y - x) * y + 1.0


def by_constant(np_: Any, x: Any, y: Any) -> Any:
    return x * x * 21.0 + y


def behind_a_choice(np_: Any, x: Any, y: Any) -> Any:
    return np_.where(x > y, x * y, y * y) - x


def sliced(np_: Any, x: Any, y: Any) -> Any:
    product = np_.concatenate([x * y, y * y])
    return product[1 : 1 + len(x)] + y


def root(np_: Any, x: Any, y: Any) -> Any:
    return x / np_.sqrt(np_.abs(y) + 1) + y


def quotient(np_: Any, x: Any, y: Any) -> Any:
    return x / y - x * y


def scaled(np_: Any, x: Any, y: Any) -> Any:
    return x * 0.3 * y * 0.7


def both_scaled(np_: Any, x: Any, y: Any) -> Any:
    return (x * 0.3) * (y * 0.7) - np_.square(0.3 * x) * 1.7


def cubed(np_: Any, x: Any, y: Any) -> Any:
    gap = x * 1.7
    return 251.0 * (gap * (gap * 0.37) * gap) - y


def scaled_twice(np_: Any, x: Any, y: Any) -> Any:
    return 251.0 * (0.37 * (x * 1.7)) + y


def shifted(np_: Any, x: Any, y: Any) -> Any:
    return ((x + 0.3) * 0.7 + 0.1) + 0.7 * ((y - 0.2) - 0.4)


def scaled_quotient(np_: Any, x: Any, y: Any) -> Any:
    return (x * 0.3) / (y * 0.7) + 1.7 * (0.3 / y)


PROGRAMS = [
    dot,
    horner,
    by_constant,
    behind_a_choice,
    sliced,
    root,
    quotient,
    scaled,
    both_scaled,
    cubed,
    scaled_twice,
    shifted,
    scaled_quotient,
]


def drawn(width: int, dtype: str) -> list[Shaped[ndarray, "rows lanes"]]:
    rng = np.random.default_rng(width)
    return [rng.normal(size=(40, width)).astype(dtype) for _ in range(2)]


def compiled(program: Program, *operands: Shaped[ndarray, "rows lanes"]) -> ndarray:
    return np.asarray(jax.jit(one_kernel(program))(*operands))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", [1, 3, 64])
@pytest.mark.parametrize("program", PROGRAMS)
def test_bits_are_those_of_each_operation_alone(program: Program, width: int, dtype: str) -> None:
    x, y = drawn(width, dtype)
    made = compiled(rounded(lambda x, y: program(jnp, x, y)), ZERO, x, y)
    np.testing.assert_array_equal(made, program(np, x, y))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("program", [one for one in PROGRAMS if one is not sliced])
def test_so_are_those_of_a_single_number(program: Program, dtype: str) -> None:
    """Its constants have its shape, and more of them would be joined than beside other lanes.

    (XLA's emitter aborts on the slice of two numbers in a kernel of its own.)
    """
    x, y = (part[:1] for part in drawn(64, dtype))
    run = jax.jit(one_kernel(rounded(lambda x, y: program(jnp, x, y))))
    lanes = [np.asarray(run(ZERO, x[:, i : i + 1], y[:, i : i + 1])) for i in range(64)]
    np.testing.assert_array_equal(np.concatenate(lanes, axis=1), program(np, x, y))


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="what the CPU's compiler does")
def test_without_it_the_compiler_joins_products_and_sums() -> None:
    """Else the tests above would show nothing; on a processor without the instruction they do."""
    x, y = drawn(64, "float64")
    assert (compiled(lambda x, y: horner(jnp, x, y), x, y) != horner(np, x, y)).any()


def test_gradients_are_rounded_too() -> None:
    x, y = drawn(8, "float64")

    def slope(x: Any, y: Any) -> Any:
        return jax.grad(lambda x: (x * y * x + y * x).sum())(x)

    made = compiled(rounded(slope), ZERO, x, y)
    orders = [y + (x * y + x * y), y + x * y + x * y, x * y + (y + x * y)]
    assert any(np.array_equal(made, order) for order in orders)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("function", [jnp.exp, jnp.tanh, jnp.sqrt, log, log1p])
def test_functions_are_the_same_of_one_lane_and_of_many(
    function: Callable[[Any], Any], dtype: str
) -> None:
    """A lane alone is a scalar to the compiler, and among others part of a vector."""
    x = np.random.default_rng(5).normal(size=40_000).astype(dtype)

    def by(width: int) -> ndarray:
        program = jax.jit(one_kernel(rounded(lambda x: function(jnp.square(x) / 10.0))))
        made = program.lower(ZERO, x[np.newaxis, :width]).compile(compiler_options=COMPILER_OPTIONS)
        parts = x.reshape(-1, 1, width)
        return np.concatenate([np.asarray(made(ZERO, part))[0] for part in parts])

    np.testing.assert_array_equal(by(1), by(64))
