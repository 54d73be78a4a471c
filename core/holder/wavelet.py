"""The wavelet readout of a tick: what the maxima lines add to the filter bank's exponent.

`holder_estimator` decides: `bank` has no lines, `fused` adds the line nearest to now to the
bank's exponent, `wtmm` puts the mean of the lines in the bank's place.
"""

from collections.abc import Mapping
from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from core.barrier import settle
from core.config import PredictorConfig
from core.holder.maxima import maxima_rows, update_maxima
from core.holder.reading import Reading
from core.holder.singularity import LOUD, fuse_line, line_rows, read_line
from core.holder.texture import read_texture, texture_rows

__all__ = ["WaveletReading", "read_wavelet", "wavelet_rows"]


class WaveletReading(NamedTuple):
    """The exponent to report, and whether a line shows a singularity at this tick."""

    reading: Reading
    singular: Bool[Array, "1 lanes"]


def wavelet_rows(config: PredictorConfig) -> dict[str, tuple[int, float]]:
    """Rows and initial value of each field that the estimator needs."""
    if config.holder_estimator == "bank":
        return {}
    rows = maxima_rows(config.besov_cone_c) | line_rows(config.wtmm_buffer_size)
    return rows | texture_rows() if config.holder_estimator == "wtmm" else rows


def read_wavelet(
    config: PredictorConfig,
    state: Mapping[str, Float[Array, "rows lanes"]],
    past: Float[Array, "span lanes"],
    *,
    reading: Reading,
    sparse: Bool[Array, "1 lanes"],
) -> tuple[dict[str, Float[Array, "rows lanes"]], WaveletReading]:
    """Move the lines on by the increment past[0] and combine them with the bank's `reading`.

    While `sparse`, columns and lines move on, so that they are whole when ticks come in time
    again, but nothing is read off them.
    """
    if config.holder_estimator == "bank":
        return {}, WaveletReading(reading, jnp.zeros_like(sparse))
    alone = config.holder_estimator == "wtmm"
    cone, window = config.besov_cone_c, config.wtmm_buffer_size
    new, maxima = settle(update_maxima(cone, state, past, gate=0.0 if alone else LOUD))
    fields, line = settle(
        read_line(
            state,
            maxima,
            past[:1],
            cone=cone,
            window=window,
            threshold=config.holder_threshold,
            sparse=sparse,
        )
    )
    new |= fields
    if alone:
        fields, texture = read_texture(state, maxima, cone=cone, window=window, sparse=sparse)
        new |= fields
        reading = Reading(texture, jnp.ones_like(reading.base_lag), jnp.zeros_like(sparse))
    fused = fuse_line(reading.peak, line)
    return new, WaveletReading(reading._replace(peak=fused), line.singular)
