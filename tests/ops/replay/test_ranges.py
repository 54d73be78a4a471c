"""What `--from` and `--to` can mean together."""

import pytest

from ops.replay import bounds_of
from tests.ops.cli.operated import run
from workers.replay import Bound, ReplayError


def test_bounds_are_offsets_or_times_and_may_be_mixed_or_absent() -> None:
    assert bounds_of(None, "3") == (None, Bound(offset=3))
    assert bounds_of("2", "3") == (Bound(offset=2), Bound(offset=3))
    assert bounds_of("1970-01-01", "1970-01-01T00:00:01Z") == (
        Bound(time_ms=0),
        Bound(time_ms=1_000),
    )
    assert bounds_of("5000", "1970-01-01") == (Bound(offset=5_000), Bound(time_ms=0))


@pytest.mark.parametrize(
    ("begin", "end"),
    [
        ("5", "3"),
        ("5", "5"),
        ("2013-09-01", "2013-08-31"),
        ("2013-09-01T02:00+02:00", "2013-09-01"),
    ],
)
def test_an_end_that_is_not_behind_the_begin_is_refused(begin: str, end: str) -> None:
    with pytest.raises(ReplayError, match=f"--to {end} must lie behind --from"):
        bounds_of(begin, end)


@pytest.mark.parametrize(
    "command",
    [("export", "--file", "x.parquet"), ("backtest", "--topic", "ticks", "--out", "x")],
)
def test_commands_refuse_it_before_they_ask_anybody(command: tuple[str, ...]) -> None:
    said = run(*command, "--from", "5", "--to", "3", "--bootstrap", "127.0.0.1:1", code=2).stderr
    assert said == "error: --to 3 must lie behind --from 5: it is not included\n"
