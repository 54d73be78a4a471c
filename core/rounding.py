"""Every product rounded before it is added to, so that bits do not depend on a program's shape.

Where a processor has a fused multiply-add, compilers join `a * b + c` where they see the two
together, and what they see together depends on the shape: an asset alone would get other bits than
the same asset among 64. Subtracting a zero that the compiler does not know to be one leaves nothing
to join: it fuses `a * b - 0`, which is the rounded product, and then adds. An addition more, at the
places where one instruction did both.

Compilers also draw constants out of products and join them, `(a * 0.3) * (b * 0.7)` into
`(a * b) * 0.21`, and of one lane alone, whose constants have its shape, in more cases than of many.
A zero taken from the product with a constant, or from a sum with one, stops that, too.

What is left are IEEE 754's own operations, in the order written, and the compiler's series for exp,
tanh and (in float32) log, whose terms are joined the same way at every shape.
"""

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax.extend.core import Jaxpr, JaxprEqn, Literal, Var
from jaxtyping import Array, Float64, Shaped

from core.barrier import settle

__all__ = ["rounded"]

T = TypeVar("T")

_PRODUCTS = frozenset({"mul", "square", "integer_pow"})
"""And quotients by constants, which are compiled as products."""
_SUMS = frozenset({"add", "sub", "add_any", "reduce_sum"})
_PASSING = frozenset(
    {
        "abs",
        "broadcast_in_dim",
        "concatenate",
        "copy",
        "max",
        "min",
        "neg",
        "reshape",
        "select_n",
        "slice",
        "split",
        "squeeze",
        "stack",
        "transpose",
    }
)
"""Through these a sum may still be joined with the product of which it is one."""


class _Made(IntEnum):
    """What a value may still be taken for by the compiler."""

    OTHERWISE = 0
    SHIFTED = 1
    """A sum with a constant: another constant would be joined with that one."""
    ROOT = 2
    """To divide by it becomes a product with an approximate reciprocal root."""
    PRODUCT = 3
    SCALED = 4
    """A product with a constant, which would be drawn out of further products and joined with
    theirs: of one lane alone in other cases than of many."""


class _Value(NamedTuple):
    """A value on its way through the program."""

    it: Any
    made: _Made = _Made.OTHERWISE
    constant: bool = False
    """Known to the compiler: it depends on none of the program's arguments."""


_Zeros = dict[str, Shaped[Array, ""]]


def rounded(program: Callable[..., T]) -> Callable[..., T]:
    """The same program with one argument more, before the others: a float64 zero, as an array.

    Its jaxpr is traced, and evaluated with the zero taken from products before they are added to,
    from those with constants before they are multiplied, and from square roots before they are
    divided by. Control flow stays as it is: what it does has no products (`galerkin.entropy`
    sorts).
    """

    def strict(zero: Float64[Array, ""], *args: Any) -> T:
        closed, shape = jax.make_jaxpr(program, return_shape=True)(*args)
        zeros = settle({"float64": zero, "float32": zero.astype(jnp.float32)})
        given = [_Value(value) for value in jax.tree.leaves(args)]
        outputs = _evaluate(closed.jaxpr, closed.consts, given, zeros)
        made: T = jax.tree.unflatten(jax.tree.structure(shape), [value.it for value in outputs])
        return made

    return strict


def _evaluate(
    jaxpr: Jaxpr, constants: Sequence[Any], given: Sequence[_Value], zeros: _Zeros
) -> list[_Value]:
    known: dict[Var, _Value] = {
        variable: _Value(constant, constant=True)
        for variable, constant in zip(jaxpr.constvars, constants, strict=True)
    }
    known |= zip(jaxpr.invars, given, strict=True)
    for equation in jaxpr.eqns:
        read = [_read(known, atom) for atom in equation.invars]
        known |= zip(equation.outvars, _apply(equation, read, zeros), strict=True)
    return [_read(known, atom) for atom in jaxpr.outvars]


def _read(known: dict[Var, _Value], atom: Var | Literal) -> _Value:
    return _Value(atom.val, constant=True) if isinstance(atom, Literal) else known[atom]


def _apply(equation: JaxprEqn, read: list[_Value], zeros: _Zeros) -> list[_Value]:
    inner = _inlined(equation)
    if inner is not None:
        return _evaluate(inner.jaxpr, inner.consts, read, zeros)
    constant = all(value.constant for value in read)
    loose = _loose(equation, read)
    values = [
        value.it - zeros[value.it.dtype.name] if at in loose else value.it
        for at, value in enumerate(read)
    ]
    with equation.ctx.manager:
        outputs = equation.primitive.bind(*values, **equation.params)  # type: ignore[no-untyped-call]
    if not equation.primitive.multiple_results:
        outputs = [outputs]
    return [_Value(output, _made(equation, read, output), constant) for output in outputs]


def _inlined(equation: JaxprEqn) -> Any:
    """The program a call stands for, unless the call is a fence (`core.barrier`)."""
    if equation.primitive.name == "custom_vjp_call":
        return equation.params["call_jaxpr"]
    marks = equation.ctx.xla_metadata or {}
    if equation.primitive.name == "jit" and marks.get("inlineable") != "false":
        return equation.params["jaxpr"]
    return None


def _loose(equation: JaxprEqn, read: list[_Value]) -> set[int]:
    """Which operands the operation might be joined with."""
    name = equation.primitive.name
    if all(value.constant for value in read):
        return set()
    joined: set[_Made] = set()
    if name in _SUMS:
        joined = {_Made.PRODUCT, _Made.SCALED}
    elif name in _PRODUCTS or name == "div":
        joined = {_Made.SCALED}
    if joined and any(value.constant for value in read):
        joined.add(_Made.SHIFTED)
    loose = {at for at, value in enumerate(read) if value.made in joined}
    return loose | {1} if name == "div" and read[1].made is _Made.ROOT else loose


def _made(equation: JaxprEqn, read: list[_Value], output: Shaped[Array, "..."]) -> _Made:
    name = equation.primitive.name
    if not jnp.issubdtype(output.dtype, jnp.floating):
        return _Made.OTHERWISE
    if name in _PASSING or (name == "mul" and any(_power_of_two(a) for a in equation.invars)):
        return max(value.made for value in read)
    scaled = any(value.constant for value in read)
    if name in _PRODUCTS or (name == "div" and scaled):
        return _Made.SCALED if scaled else _Made.PRODUCT
    if name in _SUMS and scaled:
        return _Made.SHIFTED
    return _Made.ROOT if name == "sqrt" else _Made.OTHERWISE


def _power_of_two(atom: Var | Literal) -> bool:
    """Then the product is exact, joined or not."""
    return isinstance(atom, Literal) and bool(abs(np.frexp(atom.val)[0]) == 0.5)
