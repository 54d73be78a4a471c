"""The truncated tensor algebra against iterated integrals, signax, and its own laws."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest
import signax

from core.kernels.signature.tensor import (
    Tensor,
    chen,
    dilate,
    exponential,
    flatten,
    identity,
    logarithm,
    multiply_exponential,
    terms,
    unflatten,
)
from core.kernels.signature.words import compress, lyndon_words, row
from tests.core.kernels.signature.iterated import integrals, words

DEPTH, LANES = 5, 3
TOLERANCE = 1e-12


def path(seed: int, segments: int) -> np.ndarray:
    """Segments [segments, 2, lanes] of order one."""
    return np.random.default_rng(seed).normal(size=(segments, 2, LANES))


def signature(segments: np.ndarray, depth: int = DEPTH) -> Tensor:
    start = identity(depth, jnp.asarray(segments[0]))
    return functools.reduce(multiply_exponential, jnp.asarray(segments), start)


def close(got: object, expected: object) -> None:
    """Within 1e-12 of the largest term of each lane."""
    a, b = np.asarray(got), np.asarray(expected)
    assert np.max(np.abs(a - b) / np.abs(b).max(axis=0)) <= TOLERANCE


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_equals_the_iterated_integrals(depth: int) -> None:
    segments = path(depth, 6)
    got = np.asarray(flatten(signature(segments, depth)))
    assert got.shape == (terms(depth), LANES)
    for lane in range(LANES):
        close(got[:, lane], integrals(segments[:, :, lane], depth))


@pytest.mark.parametrize("depth", [2, 3, 5])
def test_signature_and_logarithm_equal_signax(depth: int) -> None:
    segments = path(10 + depth, 60)
    points = np.concatenate([np.zeros((1, 2, LANES)), np.cumsum(segments, axis=0)])
    got = signature(segments, depth)
    for lane in range(LANES):
        theirs = signax.signature(jnp.asarray(points[:, :, lane]), depth, flatten=True)
        close(flatten(got)[:, lane], theirs)
        theirs = signax.logsignature(jnp.asarray(points[:, :, lane]), depth)
        close(compress(flatten(logarithm(got)), depth)[:, lane], theirs)


def test_fused_product_equals_chen_with_the_exponential() -> None:
    segments = jnp.asarray(path(1, 8))
    left = signature(path(2, 5))
    for segment in segments:
        fused, plain = multiply_exponential(left, segment), chen(left, exponential(segment, DEPTH))
        close(flatten(fused), flatten(plain))
        left = plain


def test_chen_joins_two_paths() -> None:
    segments = path(3, 20)
    joined = chen(signature(segments[:7]), signature(segments[7:]))
    close(flatten(joined), flatten(signature(segments)))


def test_dilation_scales_the_path() -> None:
    segments = path(4, 9)
    factor = jnp.asarray([0.3, 1.0, 1.7])
    scaled = signature(segments * np.array([0.3, 1.0, 1.7]))
    close(flatten(dilate(signature(segments), factor)), flatten(scaled))


def test_logarithm_of_a_segment_is_the_segment() -> None:
    segment = jnp.asarray(path(5, 1)[0])
    got = np.asarray(flatten(logarithm(exponential(segment, DEPTH))))
    np.testing.assert_allclose(got[:2], segment, rtol=1e-15)
    assert np.abs(got[2:]).max() <= TOLERANCE


def test_a_path_there_and_back_is_the_identity() -> None:
    segments = path(6, 7)
    got = np.asarray(flatten(signature(np.concatenate([segments, -segments[::-1]]))))
    assert np.abs(got).max() <= TOLERANCE * np.abs(np.asarray(flatten(signature(segments)))).max()


def test_rows_follow_the_order_of_words() -> None:
    assert [row(w) for w in words(DEPTH)] == list(range(terms(DEPTH)))
    packed = jnp.arange(62.0)[:, None]
    assert [len(level) for level in unflatten(packed, 5)] == [2, 4, 8, 16, 32]
    np.testing.assert_array_equal(flatten(unflatten(packed, 5)), packed)


def test_lyndon_words_are_as_many_as_the_lie_algebra_has_dimensions() -> None:
    assert [len(lyndon_words(depth)) for depth in (1, 2, 3, 4, 5)] == [2, 3, 5, 8, 14]
    assert lyndon_words(3) == ((0,), (1,), (0, 1), (0, 0, 1), (0, 1, 1))
