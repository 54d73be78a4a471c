"""The long run's report says what the verdicts say."""

from tests.chaos.endless import made_up
from tests.chaos.faults import KillWorker
from tests.chaos.judge import Verdict
from tests.chaos.report import html, markdown
from tests.chaos.runner import Outcome
from tests.chaos.scenario import Scenario


def _outcome(*, missing: int = 0, wrong: int = 0) -> Outcome:
    return Outcome(
        Scenario("a <scenario>", (KillWorker(1.0, "w-0"),)),
        Verdict(ticks=1_000, results=1_000, missing=missing, wrong=wrong),
        [(0.0, "start w-0"), (1.0, "kill -9 w-0")],
        [(0.0, 0), (1.0, 40), (2.0, 0)],
        1.25,
    )


def test_the_table_counts_and_the_last_line_sums() -> None:
    text = markdown([_outcome(), _outcome(missing=3)])
    assert "| a <scenario> | 1,000 | 0 | 0 | 0 | 0 | 0 | 0 | 1 | 1.2 | yes |" in text
    assert "| a <scenario> | 1,000 | 3 | 0 | 0 | 0 | 0 | 0 | 1 | 1.2 | NO |" in text
    assert text.endswith("1 of 2 scenarios hold: 2,000 ticks, 2 kill -9.\n")


def test_the_page_escapes_names_and_marks_faults() -> None:
    page = html([_outcome(wrong=1)])
    assert "a &lt;scenario&gt;: BROKEN" in page
    assert page.count("<line ") == 2
    assert "450.0,20.0" in page  # the highest lag, half way


def test_a_made_up_scenario_depends_on_seed_and_number_alone() -> None:
    assert made_up(3, 5) == made_up(3, 5)
    assert made_up(3, 5) != made_up(3, 6)
    assert made_up(3, 5) != made_up(4, 5)
