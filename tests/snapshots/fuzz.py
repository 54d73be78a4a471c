"""Damage: bytes as a disk or a network may deliver them, and documents a stranger may seal."""

import hashlib
from collections.abc import Callable

import msgpack
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

# A slow machine is no defect: neither a test nor the first, uncached draw of text is timed.
UNHURRIED = settings(suppress_health_check=[HealthCheck.too_slow])

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=70)
    | st.binary(max_size=80)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)


def reseal(payload: bytes) -> bytes:
    """`payload` with the right SHA-256 behind it: what gets past the checksum."""
    return payload + hashlib.sha256(payload).hexdigest().encode()


@st.composite
def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """`data` cut, extended, with bits flipped or a span replaced; never `data` itself."""
    kind = draw(st.sampled_from(["cut", "extend", "flip", "replace"]))
    at = draw(st.integers(0, len(data) - 1))
    if kind == "cut":
        return data[:at]
    if kind == "extend":
        return data + draw(st.binary(min_size=1, max_size=80))
    if kind == "flip":
        return data[:at] + bytes([data[at] ^ (1 << draw(st.integers(0, 7)))]) + data[at + 1 :]
    span = draw(
        st.binary(min_size=1, max_size=20).filter(lambda new: new != data[at : at + len(new)])
    )
    return data[:at] + span + data[at + len(span) :]


@st.composite
def resealed(draw: st.DrawFn, data: bytes) -> bytes:
    """Damage of the payload under a right checksum, on the level of bytes or of entries."""
    payload = data[:-64]
    if draw(st.booleans()):
        return reseal(draw(damaged(payload)))
    document = msgpack.unpackb(payload)
    _edit(draw, document)
    return reseal(msgpack.packb(document))


def _edit(draw: st.DrawFn, document: dict[str, object]) -> None:
    """Remove, add or replace one entry at some depth."""
    name = draw(st.sampled_from(sorted(document)))
    value = document[name]
    if isinstance(value, dict) and value and draw(st.booleans()):
        _edit(draw, value)
        return
    action: Callable[[], object] = draw(
        st.sampled_from(
            [
                lambda: document.pop(name),
                lambda: document.update({draw(st.text(max_size=8)): draw(VALUES)}),
                lambda: document.update({name: draw(VALUES)}),
            ]
        )
    )
    action()
