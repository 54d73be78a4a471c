"""What the state's layout refuses: a field in another form, a missing one, two of one name."""

import jax.numpy as jnp
import pytest

from core.layout import Field, build_layout

LAYOUT = build_layout([Field("a", "global", 1, 0.0), Field("b", "A", 2, 0.0)])


def test_a_field_of_another_shape_or_dtype_is_refused() -> None:
    state = LAYOUT.view(jnp.arange(12.0).reshape(3, 4))
    assert LAYOUT.pack(state).tolist() == jnp.arange(12.0).reshape(3, 4).tolist()
    for wrong in (state["b"].astype(jnp.float32), state["b"][:1]):
        with pytest.raises(TypeError, match="field 'b' must be"):
            LAYOUT.pack(state | {"b": wrong})


def test_fields_are_exactly_those_declared() -> None:
    state = LAYOUT.view(jnp.zeros((3, 4)))
    with pytest.raises(KeyError, match=r"differ: \['b'\]"):
        LAYOUT.pack({"a": state["a"]})
    with pytest.raises(ValueError, match="two components declare the field 'a'"):
        build_layout([Field("a", "global", 1, 0.0), Field("a", "A", 1, 0.0)])
