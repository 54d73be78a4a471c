"""Fading and sliding signatures against the segments they stand for, written out at every tick."""

import functools

import jax.numpy as jnp
import numpy as np
import pytest

from core.kernels.signature import fading, window
from core.kernels.signature.tensor import flatten, identity, multiply_exponential, terms
from tests.core.scanning import as_input, scan

DEPTH, LANES, TICKS = 5, 4, 200
TOLERANCES = {"float64": 1e-12, "float32": 1e-5}


def increments(seed: int, ticks: int = TICKS) -> np.ndarray:
    """Heavy-tailed, now and then at rest, exact in float32."""
    rng = np.random.default_rng(seed)
    r = rng.standard_t(3, (ticks, LANES)) * (rng.random((ticks, LANES)) < 0.8)
    return np.clip(r, -8.0, 8.0).astype(np.float32).astype(np.float64)


def followed(part: object, r: np.ndarray, dtype: str) -> np.ndarray:
    """Signatures after every tick, [ticks, terms * paths, lanes]."""
    module = {"fading": fading, "window": window}[str(part)]

    def update(state, row):  # type: ignore[no-untyped-def]
        new, levels = module.update(state, row, DEPTH)
        return new, flatten(levels).reshape(1, -1, row.shape[1])

    _, levels = scan(module.fields(DEPTH), update, as_input(r, dtype), lanes=LANES, dtype=dtype)
    return np.asarray(levels, dtype=np.float64)


def written_out(segments: np.ndarray) -> np.ndarray:
    """Signature of segments [segments, 2, lanes], oldest first."""
    start = identity(DEPTH, jnp.asarray(segments[0]))
    return np.asarray(flatten(functools.reduce(multiply_exponential, jnp.asarray(segments), start)))


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_window_is_the_signature_of_the_last_segments(dtype: str) -> None:
    r = increments(0)
    got = followed("window", r, dtype)
    for t in (0, 1, 14, 15, 16, 17, 31, 32, 33, 34, 47, 48, 63, 64, 65, 130, 199):
        last = r[max(0, t - window.WINDOW + 1) : t + 1]
        segments = np.stack(
            [np.full_like(last, 1.0 / window.WINDOW), last / np.sqrt(window.WINDOW)], axis=1
        )
        expected = written_out(segments)
        error = np.abs(got[t] - expected) / np.abs(expected).max(axis=0)
        assert error.max() <= TOLERANCES[dtype], t


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_fading_is_the_signature_of_shrunk_segments(dtype: str) -> None:
    r = increments(1)
    got = followed("fading", r, dtype).reshape(TICKS, terms(DEPTH), -1, LANES)
    for path, half_life in enumerate(fading.HALF_LIVES_TICKS):
        decay = 0.5 ** (1.0 / half_life)
        for t in (0, 1, 7, 60, 199):
            age = np.arange(t, -1, -1.0)[:, None]
            past = np.stack(
                [
                    np.broadcast_to((1.0 - decay) * decay**age, (t + 1, LANES)),
                    np.sqrt(1.0 - decay**2) * decay**age * r[: t + 1],
                ],
                axis=1,
            )
            expected = written_out(past)
            error = np.abs(got[t, :, path] - expected) / np.abs(expected).max(axis=0)
            assert error.max() <= TOLERANCES[dtype], (half_life, t)


@pytest.mark.parametrize("kind", ["fading", "window"])
def test_a_neighbour_full_of_nan_changes_no_bit(kind: str) -> None:
    r = increments(2)
    spoiled = r.copy()
    spoiled[40:, ::2] = np.nan
    whole, beside = (followed(kind, x, "float64") for x in (r, spoiled))
    np.testing.assert_array_equal(whole[..., 1::2], beside[..., 1::2])
