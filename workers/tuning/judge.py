"""Forecasts judged by the next price of their asset, chunk by chunk."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from core import Output
from workers.compute.behind import refused
from workers.replay.engine import Stepped
from workers.scoring import ErrorScale
from workers.tuning.objective import Objective

__all__ = ["Judge", "Losses"]

_MODEL, _PERSISTENCE = 0, 1
_START: Final = 64


@dataclass(frozen=True, slots=True)
class Losses:
    """Of the n rows of a chunk; a row's losses are those of the forecasts it judges.

    Attributes:
        asset: number of each row's asset, in order of appearance.
        losses: the model's and persistence's; NaN where nothing was judged.
        age: accepted ticks of the asset since the fold's beginning, when the forecast was made;
            -1: it was made before.
    """

    asset: Int64[ndarray, " n"]
    losses: Float64[ndarray, "2 n"]
    age: Int64[ndarray, " n"]


@dataclass(slots=True)
class Judge:
    """Remembers the newest forecast of every asset. Rejected ticks neither judge nor forecast.

    Attributes:
        objective: the loss.
        warm_up: an asset's first ticks whose forecasts are not judged.
    """

    objective: Objective
    warm_up: int
    _codes: dict[bytes, int] = field(default_factory=dict)
    _scales: list[tuple[ErrorScale, ErrorScale]] = field(default_factory=list)
    _newest: Float64[ndarray, "2 assets"] = field(
        default_factory=lambda: np.full((2, _START), np.nan)
    )
    _count: Int64[ndarray, " assets"] = field(default_factory=lambda: np.zeros(_START, np.int64))
    _at_fold: Int64[ndarray, " assets"] = field(default_factory=lambda: np.zeros(_START, np.int64))

    def begin_fold(self) -> None:
        """The next chunk is of another fold."""
        self._at_fold = self._count.copy()

    def add(self, stepped: Stepped) -> Losses:
        """The next chunk, of one fold."""
        outputs = stepped.results.outputs
        asset = self._numbers(stepped.results.asset_id)
        losses = np.full((2, asset.size), np.nan)
        age = np.full(asset.size, -1, np.int64)
        rows = np.flatnonzero(~refused(outputs[:, Output.FLAGS]))
        rows = rows[np.argsort(asset[rows], kind="stable")]
        if not rows.size:
            return Losses(asset, losses, age)
        code, price = asset[rows], stepped.price[rows]
        first = np.concatenate([[True], code[1:] != code[:-1]])
        forecast = np.stack([outputs[rows, Output.PREDICTED_PRICE], price])
        before = np.where(first, self._newest[:, code], np.roll(forecast, 1, axis=1))
        begins = np.flatnonzero(first)
        sizes = np.diff(np.append(begins, rows.size))
        made_at = self._count[code] + np.arange(rows.size) - np.repeat(begins, sizes) - 1
        judged = (made_at >= self.warm_up) & np.isfinite(before).all(axis=0)
        losses[:, rows] = self._losses(price - before, judged, begins, code)
        age[rows] = np.maximum(made_at - self._at_fold[code], -1)
        last = np.append(begins[1:], rows.size) - 1
        self._newest[:, code[last]] = forecast[:, last]
        self._count[code[last]] += sizes
        return Losses(asset, losses, age)

    def _losses(
        self,
        error: Float64[ndarray, "2 n"],
        judged: Bool[ndarray, " n"],
        begins: Int64[ndarray, " groups"],
        code: Int64[ndarray, " n"],
    ) -> Float64[ndarray, "2 n"]:
        scale = np.ones_like(error)
        if self.objective.needs_scale:
            ends = np.append(begins[1:], code.size)
            for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
                here = np.arange(begin, end)[judged[begin:end]]
                for number, one in enumerate(self._scales[code[begin]]):
                    scale[number, here] = one.before_each(error[number, here])
        loss = np.full_like(error, np.nan)
        known = judged & np.isfinite(scale).all(axis=0)
        for number in (_MODEL, _PERSISTENCE):
            loss[number, known] = self.objective.loss(error[number, known], scale[number, known])
        return loss

    def _numbers(self, asset_ids: Sequence[bytes]) -> Int64[ndarray, " n"]:
        known = self._codes
        for name in asset_ids:
            if name not in known:
                known[name] = len(known)
                self._scales.append((ErrorScale(), ErrorScale()))
        while len(known) > self._count.size:
            more = self._count.size
            self._newest = np.pad(self._newest, ((0, 0), (0, more)), constant_values=np.nan)
            self._count = np.pad(self._count, (0, more))
            self._at_fold = np.pad(self._at_fold, (0, more))
        return np.array([known[name] for name in asset_ids], np.int64)
