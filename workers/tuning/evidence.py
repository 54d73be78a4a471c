"""What a search found, and how far it can be believed."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from core import PredictorConfig
from workers.scoring import LossDifference
from workers.tuning.duel import DuelFold
from workers.tuning.luck import better_by, chance, chance_of_best, expected_best
from workers.tuning.objective import Objective
from workers.tuning.study import TrialRecord

__all__ = ["Evidence", "FoldEvidence", "RoundEvidence", "Verdict"]

_LEVEL: Final = 0.05


class Verdict(StrEnum):
    """What the held-out folds say; the value is a sentence."""

    BETTER = "better than the baseline on ticks that took no part in the choice, at 5%"
    UNCERTAIN = "not shown to be better than the baseline on held-out ticks: keep the baseline"
    WORSE = "worse than the baseline on held-out ticks, at 5%, over-fitted: keep the baseline"
    SAME = "no candidate beat the baseline where it was chosen: the result is the baseline"


@dataclass(frozen=True, slots=True)
class FoldEvidence:
    """Attributes:
    fold: number.
    held_out: whether it judged the choice.
    judged: forecasts.
    chosen, baseline: skills against persistence.
    """

    fold: int
    held_out: bool
    judged: int
    chosen: float
    baseline: float


@dataclass(frozen=True, slots=True)
class RoundEvidence:
    """Attributes:
    number: of the round, from 0.
    trials: all of it.
    params: the chosen ones.
    config: the chosen configuration.
    folds: the ones that chose, and last the one that judged.
    better_in_sample: standard errors by which the choice beats the baseline where it was chosen.
    better_held_out: the same on the held-out fold.
    held_out_series: loss differences of the assets there, chosen less baseline, in their units.
    """

    number: int
    trials: tuple[TrialRecord, ...]
    params: dict[str, Any]
    config: PredictorConfig
    folds: tuple[FoldEvidence, ...]
    better_in_sample: float
    better_held_out: float
    held_out_series: tuple[LossDifference, ...]

    @classmethod
    def of(
        cls,
        number: int,
        *,
        trials: Sequence[TrialRecord],
        best: TrialRecord,
        config: PredictorConfig,
        folds: Sequence[DuelFold],
        objective: Objective,
    ) -> "RoundEvidence":
        """From what was measured."""
        *training, held_out = folds
        series = tuple(held_out.against(objective))
        return cls(
            number,
            tuple(trials),
            best.params,
            config,
            tuple(_fold(one, objective) for one in folds),
            better_by([series for one in training for series in one.against(objective)]),
            better_by(list(series)),
            series,
        )


@dataclass(frozen=True, slots=True)
class Evidence:
    """Attributes:
    identity: the search: ticks, space, folds, objective, seed, baseline.
    baseline: the configuration to beat.
    rounds: in order; the last one's choice is the result.
    """

    identity: dict[str, Any]
    baseline: PredictorConfig
    rounds: tuple[RoundEvidence, ...]

    @property
    def config(self) -> PredictorConfig:
        """The result."""
        return self.rounds[-1].config

    @property
    def candidates(self) -> int:
        """Different configurations that were tried, in all rounds."""
        return len({repr(sorted(t.params.items())) for r in self.rounds for t in r.trials})

    @property
    def better_held_out(self) -> float:
        """Standard errors, over the held-out folds of all rounds together."""
        return better_by([series for one in self.rounds for series in one.held_out_series])

    @property
    def verdict(self) -> Verdict:
        """What to do with the result."""
        z = self.better_held_out
        if self.config == self.baseline:
            return Verdict.SAME
        if chance(z) < _LEVEL:
            return Verdict.BETTER
        return Verdict.WORSE if chance(-z) < _LEVEL else Verdict.UNCERTAIN

    def to_dict(self) -> dict[str, Any]:
        """As JSON can hold it; None where there is no number."""
        last = self.rounds[-1]
        return {
            "verdict": {"name": self.verdict.name.lower(), "meaning": self.verdict.value},
            "config": self.config.to_dict(),
            "baseline": self.baseline.to_dict(),
            "chosen": last.params,
            "luck": {
                "candidates": self.candidates,
                "in_sample_z": _finite(last.better_in_sample),
                "expected_z_of_best_by_chance": expected_best(self.candidates),
                "in_sample_p_for_all_candidates": _finite(
                    chance_of_best(last.better_in_sample, self.candidates)
                ),
                "held_out_z": _finite(self.better_held_out),
                "held_out_p": _finite(chance(self.better_held_out)),
            },
            "rounds": [_round(one) for one in self.rounds],
            "search": self.identity,
        }


def _round(one: RoundEvidence) -> dict[str, Any]:
    return {
        "chosen": one.params,
        "folds": [
            {
                "fold": fold.fold,
                "held_out": fold.held_out,
                "judged": fold.judged,
                "chosen": _finite(fold.chosen),
                "baseline": _finite(fold.baseline),
            }
            for fold in one.folds
        ],
        "in_sample_z": _finite(one.better_in_sample),
        "held_out_z": _finite(one.better_held_out),
        "trials": [
            {"number": t.number, "params": t.params, "value": _finite(t.value), "pruned": t.pruned}
            for t in one.trials
        ],
    }


def _fold(one: DuelFold, objective: Objective) -> FoldEvidence:
    judged, (*sides, persistence) = one.sums.judged, one.sums.losses
    chosen, baseline = (objective.skill(judged, losses, persistence) for losses in sides)
    return FoldEvidence(one.fold, one.held_out, int(judged.sum()), chosen, baseline)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
