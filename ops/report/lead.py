"""What a run comes to, in one sentence that is true whatever it is of."""

from collections.abc import Mapping
from typing import Any

from workers.scoring import ENOUGH

__all__ = ["lead"]


def lead(counts: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    """The sentence.

    Args:
        counts: of `run.json`.
        summary: of `Measured`.
    """
    return _nothing(counts, summary) or _skill(summary)


def _nothing(counts: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    judged = summary["judged"]
    if not counts["records"]:
        return "There were no ticks."
    if not counts["results"]:
        return f"No tick could be used: all {counts['refused']:,} were refused."
    if not judged:
        return f"No forecast could be judged: {_why_none(counts, summary)}."
    if judged < ENOUGH:
        return f"{judged} forecasts were judged: too few to tell what they are worth from chance."
    if summary["skill"] is None:
        return f"The price moved after none of the {judged:,} forecasts that were judged."
    return ""


def _why_none(counts: Mapping[str, Any], summary: Mapping[str, Any]) -> str:
    if summary["rejected"] == counts["results"]:
        return f"all {counts['results']:,} ticks were rejected, as all beyond 1e30 are"
    if summary["left_out"]:
        return f"{summary['left_out']:,} were no numbers"
    return "no asset had a price after it had warmed up"


def _skill(summary: Mapping[str, Any]) -> str:
    skill, low, high = (summary[name] for name in ("skill", "skill_low", "skill_high"))
    if low is None and skill == 0.0:
        return "The forecasts were as far off as persistence's in every tick."
    verb = "save" if skill >= 0 else "add"
    found = f"The forecasts {verb} {abs(skill):.2%} of persistence's squared error"
    if low is None:
        return f"{found}, the same in every tick."
    return f"{found}; that {'is more than' if low > 0.0 or high < 0.0 else 'may be'} chance."
