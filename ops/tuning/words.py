"""What a search found, in words and rows; pages and terminals show the same."""

import math
from collections.abc import Sequence

from workers.tuning import Evidence, Objective, RoundEvidence, expected_best
from workers.tuning.luck import chance, chance_of_best

__all__ = ["fold_rows", "luck_rows", "overfit", "setting_rows", "summary_lines"]


def summary_lines(found: Evidence) -> list[str]:
    """For the end of a command."""
    last = found.rounds[-1]
    lines = [f"{name}: {new} (baseline {old})" for name, new, old in setting_rows(found)]
    lines += [
        f"round {one.number + 1}: skill where chosen {_mean(one, held_out=False, chosen=True)} "
        f"(baseline {_mean(one, held_out=False, chosen=False)}), held out "
        f"{_mean(one, held_out=True, chosen=True)} "
        f"(baseline {_mean(one, held_out=True, chosen=False)})"
        for one in found.rounds
    ]
    if last.config != found.baseline:
        lines.append(
            f"{found.candidates} candidates: chance alone would make the best look "
            f"{expected_best(found.candidates):.1f} standard errors better than it is"
        )
    return [*lines, f"verdict: {found.verdict.value}"]


def setting_rows(found: Evidence) -> list[tuple[str, str, str]]:
    """Each searched setting: chosen value, baseline's."""
    baseline = found.baseline.to_dict()
    return [
        (name, _value(value), _value(baseline[name]))
        for name, value in found.rounds[-1].params.items()
    ]


def fold_rows(one: RoundEvidence) -> list[tuple[str, ...]]:
    """Each fold of a round: what it did, forecasts, both skills, their difference."""
    return [
        (
            f"{fold.fold + 1}",
            "judged" if fold.held_out else "chose",
            f"{fold.judged:,}",
            number(fold.chosen),
            number(fold.baseline),
            number(fold.chosen - fold.baseline),
        )
        for fold in one.folds
    ]


def luck_rows(found: Evidence) -> list[tuple[str, str]]:
    """How far the result is luck."""
    last, count = found.rounds[-1], found.candidates
    inside, outside = last.better_in_sample, found.better_held_out
    return [
        ("different candidates tried", f"{count:,}"),
        ("better than the baseline where chosen, standard errors", number(inside, 2)),
        (
            "what the best of as many worthless ones shows there by chance",
            f"{expected_best(count):.2f}",
        ),
        (
            "probability of that by chance, for all candidates (Bonferroni)",
            number(chance_of_best(inside, count), 3),
        ),
        ("better than the baseline on held-out folds, standard errors", number(outside, 2)),
        ("probability of that by chance, one test", number(chance(outside), 3)),
        ("skill lost from where it was chosen to where it was judged", number(overfit(last))),
    ]


def overfit(one: RoundEvidence) -> float:
    """By how much the choice's lead over the baseline shrinks on the held-out fold."""
    leads = [
        sum(fold.chosen - fold.baseline for fold in folds) / len(folds)
        for folds in (one.folds[:-1], one.folds[-1:])
    ]
    return leads[0] - leads[1]


def number(value: float, digits: int = 5) -> str:
    """A dash where there is none."""
    return f"{value:.{digits}f}" if math.isfinite(value) else "–"


def unit(objective: Objective) -> str:
    """What a skill means."""
    if objective is Objective.LOG:
        return "nats a tick better than persistence"
    loss = {"mse": "squared errors", "mae": "absolute errors", "crps": "CRPS"}[objective.value]
    return f"share of persistence's {loss} that is saved"


def _mean(one: RoundEvidence, *, held_out: bool, chosen: bool) -> str:
    folds: Sequence[float] = [
        fold.chosen if chosen else fold.baseline for fold in one.folds if fold.held_out == held_out
    ]
    return number(sum(folds) / len(folds))


def _value(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)
