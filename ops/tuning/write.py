"""The report of a search, beside its result: a page and a text."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ops.html import Dot, DotRow, dot_chart, paragraph, render, section, table
from ops.tuning.trials_chart import trials_chart
from ops.tuning.words import fold_rows, luck_rows, setting_rows, unit
from workers.replay import no_room
from workers.tuning import Evidence, FoldEvidence, Objective, RoundEvidence

__all__ = ["write_pages"]

_FOLD_HEAD = ("fold", "what it did", "forecasts", "chosen", "baseline", "difference")
_SETTING_HEAD = ("setting", "chosen", "baseline")
_LUCK_HEAD = ("luck", "value")
_PARAMS_SHOWN = 10


def write_pages(out: Path, found: Evidence) -> None:
    """Write `report.html` and `report.md` into the search's folder.

    Raises:
        NoRoomError: the disk is full.
    """
    for name, text in (("report.html", _page(found)), ("report.md", _markdown(found))):
        aside = out / f"{name}.unfinished"
        try:
            aside.write_text(text, "utf-8")
        except OSError as error:
            if told := no_room(out, error, "go on with --resume"):
                raise told from error
            raise
        aside.replace(out / name)


def _page(found: Evidence) -> str:
    return render("Hyperparameters, searched by walk-forward", _parts(found))


def _parts(found: Evidence) -> Iterator[str]:
    yield paragraph(f"The result is {found.verdict.value}.", "lead")
    yield paragraph(_subtitle(found))
    yield section("Result")
    yield table(_SETTING_HEAD, setting_rows(found))
    yield section("How far it can be believed")
    yield table(_LUCK_HEAD, luck_rows(found))
    yield dot_chart(
        "Skill of the choice and of the baseline, fold by fold",
        ("chosen", "baseline"),
        [
            DotRow(_fold_name(one, fold), (Dot(fold.chosen), Dot(fold.baseline)))
            for one in found.rounds
            for fold in one.folds
        ],
        note=f"Skill: {unit(_objective(found))}. Where the lead of the choice shrinks on the folds "
        "that judged, it was fitted to the others.",
    )
    for one in found.rounds:
        yield section(f"Round {one.number + 1}")
        yield table(_FOLD_HEAD, fold_rows(one))
        yield trials_chart(one)
        yield table(*_trial_table(one))


def _trial_table(one: RoundEvidence) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    names = tuple(one.params)
    best = sorted(one.trials, key=lambda t: (t.pruned, -t.value))[:_PARAMS_SHOWN]
    rows = [
        (
            f"trial {trial.number + 1}{', given up' if trial.pruned else ''}",
            f"{trial.value:.5f}",
            *(_short(trial.params[name]) for name in names),
        )
        for trial in best
    ]
    return (f"the best {len(rows)} of {len(one.trials)}", "skill where chosen", *names), rows


def _markdown(found: Evidence) -> str:
    lines = ["# Hyperparameters, searched by walk-forward", ""]
    lines += [f"**The result is {found.verdict.value}.**", "", _subtitle(found), ""]
    lines += [*_rows(_SETTING_HEAD, setting_rows(found)), "", *_rows(_LUCK_HEAD, luck_rows(found))]
    for one in found.rounds:
        lines += ["", f"## Round {one.number + 1}", "", *_rows(_FOLD_HEAD, fold_rows(one)), ""]
        lines += _rows(*_trial_table(one))
    return "\n".join(lines) + "\n"


def _rows(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        "|---|" + "---:|" * (len(head) - 1),
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def _subtitle(found: Evidence) -> str:
    search = found.identity
    source = search["source"]
    return (
        f"{_name(source)}: {search['folds']} folds, the last "
        f"{search['held_out']} judge; {len(found.rounds[-1].trials)} trials a round; objective "
        f"{search['objective']}; seed {search['seed']}; the first {search['warm_up']} ticks of an "
        f"asset, and its first {search['embargo']} of a fold that judges, are left out."
    )


def _name(source: dict[str, Any]) -> str:
    return str(source.get("path") or source.get("topic") or source["name"])


def _fold_name(one: RoundEvidence, fold: FoldEvidence) -> str:
    judged = ", judged" if fold.held_out else ""
    return f"round {one.number + 1}, fold {fold.fold + 1}{judged}"


def _objective(found: Evidence) -> Objective:
    return Objective(found.identity["objective"])


def _short(value: object) -> str:
    return f"{value:.5g}" if isinstance(value, float) and math.isfinite(value) else str(value)
