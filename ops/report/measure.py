"""Everything a report says about a run, as plain data; the drawings aside."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

from ops.report import timeline as over_time
from ops.report.calibration import Calibration
from ops.report.detail import AssetDetail, asset_details
from ops.report.doubts import doubts
from ops.report.peers import PEERS
from ops.report.skill import AssetSkill, SkillPass
from ops.report.timeline import Timeline, flag_timeline
from workers.replay import read_run
from workers.scoring import ENOUGH, diebold_mariano, own_skill

__all__ = ["Measured", "measure"]

_CONFIDENCE: Final = 0.95
_LEVEL: Final = 0.05


@dataclass(frozen=True)
class Measured:
    """Attributes:
    run: `run.json`.
    summary: numbers over all assets.
    assets: numbers per asset, the worst skill first.
    timeline: the run over time.
    flags: events per stretch, by type.
    details: of the two assets with the worst skill.
    calibration: whether errors are as wide as they are said to be.
    warnings: the run's, and what its numbers give cause to doubt.
    """

    run: dict[str, Any]
    summary: dict[str, Any]
    assets: list[dict[str, Any]]
    timeline: Timeline
    flags: dict[str, Float64[ndarray, " s"]]
    details: dict[str, AssetDetail]
    calibration: Calibration
    warnings: list[str]


def measure(folder: Path, progress: Callable[[int, float], None]) -> Measured:
    """Read a finished run; two passes over its results.

    Args:
        folder: of the run.
        progress: told the results so far and the share that has been judged.

    Raises:
        ReplayError: there is no finished run.
    """
    run = read_run(folder)
    counts = run["counts"]
    timeline = Timeline(counts["first_timestamp_ns"] or 0, counts["last_timestamp_ns"] or 0)
    skills = SkillPass()
    calibration = Calibration()
    done = 0
    for judged in skills.over(folder, over_time.COLUMNS):
        timeline.add(judged)
        calibration.add(judged.error, judged.scales)
        done += judged.batch.num_rows
        progress(done, done / counts["results"])
    summary = _summary(skills.assets, timeline, counts["results"])
    assets = [_asset(name, skill) for name, skill in skills.assets.items()]
    assets.sort(key=lambda one: (one["judged"] < ENOUGH, one["skill"] or 0.0, one["asset_id"]))
    return Measured(
        run,
        summary,
        assets,
        timeline,
        flag_timeline(folder, timeline),
        asset_details(
            folder,
            [one["asset_id"] for one in assets[:2]],
            first_ns=timeline.first_ns,
            last_ns=timeline.last_ns,
            grace_ticks=run["config"]["grace_period_steps"],
        ),
        calibration,
        [*run["warnings"], *doubts(run, summary, timeline)],
    )


def _summary(named: dict[str, AssetSkill], timeline: Timeline, results: int) -> dict[str, Any]:
    total, assets = AssetSkill(), list(named.values())
    for asset in assets:
        total.judged += asset.judged
        total.left_out += asset.left_out
        total.losses += asset.losses
    peers = {peer: _figures(total, peer, assets) for peer in PEERS}
    return {
        "judged": total.judged,
        "left_out": total.left_out,
        "rejected": results - timeline.accepted,
        **peers["persistence"],
        **_balance(named, total),
        "loss_ratio": {peer: _finite(total.ratio(peer)) for peer in PEERS},
        "against": peers,
        "assets_judged": sum(asset.judged > 0 for asset in assets),
        "assets_better_than_persistence": sum(asset.skill > 0.0 for asset in assets),
        "alarms": int(timeline.alarms.sum()),
    }


def _balance(named: dict[str, AssetSkill], total: AssetSkill) -> dict[str, Any]:
    """Whether what is said of all assets together is said of few of them."""
    judged = np.array([one.judged for one in named.values()], np.int64)
    model, persistence = np.array([one.losses[:2] for one in named.values()]).reshape(-1, 2).T
    base = float(total.losses[1])
    largest = int(persistence.argmax()) if base > 0.0 else None
    return {
        "skill_of_assets": _finite(own_skill(judged, model, persistence)),
        "largest_asset": None if largest is None else list(named)[largest],
        "largest_share": None if largest is None else float(persistence[largest]) / base,
    }


def _asset(name: str, asset: AssetSkill) -> dict[str, Any]:
    return {
        "asset_id": name,
        "judged": asset.judged,
        "left_out": asset.left_out,
        **_figures(asset, PEERS[0], [asset]),
    }


def _figures(total: AssetSkill, peer: str, assets: Sequence[AssetSkill]) -> dict[str, Any]:
    """Skill against a peer, its 95% interval, and the test of whether it is other than 0."""
    number = PEERS.index(peer)
    test = diebold_mariano(asset.against[number] for asset in assets)
    ratio = total.ratio(peer)
    base = float(total.losses[1 + number]) / max(total.judged, 1)
    spread = diebold_mariano(asset.ratio_errors(peer, ratio) for asset in assets)
    half = spread.quantile(0.5 + _CONFIDENCE / 2.0) * spread.error / base if base > 0.0 else np.nan
    return {
        "skill": _finite(1.0 - ratio),
        "skill_low": _finite(1.0 - ratio - half),
        "skill_high": _finite(1.0 - ratio + half),
        "diebold_mariano": _finite(test.statistic),
        "better_below": _finite(test.quantile(_LEVEL)),
    }


def _finite(value: float) -> float | None:
    """JSON knows no NaN."""
    return float(value) if np.isfinite(value) else None
