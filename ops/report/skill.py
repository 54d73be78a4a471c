"""One-step forecast losses of the model and its peers, asset by asset."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Bool, Float64, Int64
from numpy import ndarray

from ops.report.peers import PEERS, PeerState, peer_forecasts
from ops.report.read import read_batches
from workers.scoring import ErrorScale, LossDifference, ratio_errors

__all__ = ["COLUMNS", "AssetSkill", "Judged", "SkillPass"]

COLUMNS: Final = (
    "asset_id",
    "source_partition",
    "timestamp_ns",
    "price",
    "predicted_price",
    "scale",
    "warming_up",
    "outlier_rejected",
)
_FORECASTERS: Final = ("model", *PEERS)


@dataclass(slots=True)
class AssetSkill:
    """Attributes:
    judged: forecasts that were judged by the next price.
    left_out: further ones that were no numbers.
    losses: sums of squared errors, the model's first, then the peers'.
    series: the squared errors, the model's first, then the peers'.
    against: model's loss less each peer's.
    """

    judged: int = 0
    left_out: int = 0
    losses: Float64[ndarray, " forecasters"] = field(
        default_factory=lambda: np.zeros(len(_FORECASTERS))
    )
    series: tuple[LossDifference, ...] = field(
        default_factory=lambda: tuple(LossDifference() for _ in _FORECASTERS)
    )
    against: tuple[LossDifference, ...] = field(
        default_factory=lambda: tuple(LossDifference() for _ in PEERS)
    )
    _peers: PeerState = field(default_factory=PeerState)
    _errors: ErrorScale = field(default_factory=ErrorScale)
    _forecast: float = np.nan
    _scale: float = np.nan
    _warm: bool = False

    @property
    def skill(self) -> float:
        """1 - squared errors over persistence's; NaN where persistence makes none."""
        base = float(self.losses[1])
        return 1.0 - float(self.losses[0]) / base if base > 0.0 else np.nan

    def ratio(self, peer: str) -> float:
        """The model's squared errors over a peer's; NaN where the peer makes none."""
        base = float(self.losses[_FORECASTERS.index(peer)])
        return float(self.losses[0]) / base if base > 0.0 else np.nan

    def ratio_errors(self, peer: str, ratio: float) -> LossDifference:
        """The series by whose mean over all assets the ratio of their losses errs."""
        number = PEERS.index(peer)
        return ratio_errors(self.series[0], self.series[1 + number], self.against[number], ratio)

    def add(
        self,
        price: Float64[ndarray, " n"],
        forecast: Float64[ndarray, " n"],
        scale: Float64[ndarray, " n"],
        warm: Bool[ndarray, " n"],
    ) -> Float64[ndarray, "5 n"]:
        """The next ticks; returns the model's and persistence's losses, the model's error, and
        the scale of its recent errors and the published one; NaN where nothing was judged.
        """
        made = np.empty((len(_FORECASTERS), price.size + 1))
        made[1:, 0] = self._peers.forecasts
        made[0] = np.concatenate([[self._forecast], forecast])
        made[1:, 1:] = peer_forecasts(self._peers, price)
        warmed = np.concatenate([[self._warm], warm[:-1]])
        judged = warmed & np.isfinite(made[:, :-1]).all(axis=0)
        published = np.concatenate([[self._scale], scale[:-1]])
        self._forecast, self._warm = float(forecast[-1]), bool(warm[-1])
        self._scale = float(scale[-1])
        errors = price - made[:, :-1]
        losses = errors**2
        self.judged += int(judged.sum())
        self.left_out += int(warmed.sum() - judged.sum())
        self.losses += losses[:, judged].sum(axis=1)
        for mine, series in zip(losses[:, judged], self.series, strict=True):
            series.add(mine)
        for number, series in enumerate(self.against, 1):
            series.add((losses[0] - losses[number])[judged])
        found = np.full((5, price.size), np.nan)
        found[:, judged] = [
            *losses[:2, judged],
            errors[0, judged],
            self._errors.before_each(errors[0, judged]),
            published[judged],
        ]
        return found


@dataclass(frozen=True, slots=True)
class Judged:
    """A batch with its losses; rejected ticks are left out of both.

    Attributes:
        batch: the rows, as read.
        rows: positions in it that were not rejected.
        asset: number of each row's asset in the batch.
        losses: of those: the model's, persistence's; NaN where not judged.
        error: of the model, units of the price.
        scales: of its recent errors, and the published one.
    """

    batch: Any
    rows: Int64[ndarray, " n"]
    asset: Int64[ndarray, " n"]
    losses: Float64[ndarray, "2 n"]
    error: Float64[ndarray, " n"]
    scales: Float64[ndarray, "2 n"]


class SkillPass:
    """One pass over a run's results."""

    def __init__(self) -> None:
        self.assets: dict[str, AssetSkill] = {}
        self._homes: dict[str, int] = {}

    def over(self, run: Path, more: tuple[str, ...] = ()) -> Iterator[Judged]:
        """Every batch, with `more` columns; `assets` is complete at the end."""
        for batch in read_batches(run, "results", [*COLUMNS, *more]):
            yield self._judge(batch)

    def _judge(self, batch: Any) -> Judged:
        rows = np.flatnonzero(~column(batch, "outlier_rejected"))
        price = column(batch, "price")[rows]
        forecast = column(batch, "predicted_price")[rows]
        warm = ~column(batch, "warming_up")[rows]
        scale = column(batch, "scale")[rows]
        found = np.full((5, rows.size), np.nan)
        number_of = np.zeros(rows.size, np.int64)
        for number, (name, here) in enumerate(by_asset(batch, rows, self._homes)):
            asset = self.assets.setdefault(name, AssetSkill())
            found[:, here] = asset.add(price[here], forecast[here], scale[here], warm[here])
            number_of[here] = number
        return Judged(batch, rows, number_of, found[:2], found[2], found[3:])


def column(batch: Any, name: str) -> Any:
    """A column as numpy."""
    return batch.column(name).to_numpy(zero_copy_only=False)


def by_asset(
    batch: Any, rows: Int64[ndarray, " n"], homes: dict[str, int]
) -> Iterator[tuple[str, Int64[ndarray, " here"]]]:
    """Each asset of the rows, and its positions among them, ascending.

    An asset whose key has moved to another partition, as keys do when partitions are added, has
    another state there: it goes by a name of its own.

    Args:
        batch: with the columns asset_id and source_partition.
        rows: of the batch.
        homes: the first partition of each asset, kept from batch to batch.
    """
    partition = column(batch, "source_partition")[rows]
    for name, here in _by_name(batch, rows):
        home = homes.setdefault(name, int(partition[here[0]]))
        moved = partition[here] != home
        if not moved.all():
            yield name, here[~moved]
        for number in np.unique(partition[here][moved]).tolist():
            yield f"{name} in partition {number}", here[partition[here] == number]


def _by_name(
    batch: Any, rows: Int64[ndarray, " n"]
) -> Iterator[tuple[str, Int64[ndarray, " here"]]]:
    encoded = batch.column("asset_id").dictionary_encode()
    codes = encoded.indices.to_numpy(zero_copy_only=False)[rows]
    order = np.argsort(codes, kind="stable")
    cuts = np.flatnonzero(np.diff(codes[order])) + 1
    names = encoded.dictionary.to_pylist()
    for here in np.split(order, cuts):
        if here.size:
            yield names[int(codes[here[0]])], here
