"""What is said of the file of the trials where it cannot be used."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from optuna import Study, Trial
from optuna.storages import RDBStorage
from sqlalchemy import Engine, event

from core import PredictorConfig
from workers.tuning import SearchHaltedError, SearchSpace, TuningError
from workers.tuning.study import RoundStudy, opened_storage


@contextmanager
def no_larger_than(pages: int) -> Iterator[None]:
    """Within, SQLite finds the disk full at so many pages of 4 KiB."""

    def limit(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}").close()

    event.listen(Engine, "connect", limit)
    try:
        yield
    finally:
        event.remove(Engine, "connect", limit)


def test_a_full_disk_is_told_as_of_any_file(tmp_path: Path) -> None:
    path, tried = tmp_path / "study", 0
    with (
        no_larger_than(28),
        pytest.raises(OSError, match=r"No space left .*study") as told,
        opened_storage(path) as storage,
    ):
        study = _study(storage)
        while True:
            number, _ = study.ask()
            study.finish(number, 0.5, pruned=False)
            tried += 1
    assert told.value.errno == errno.ENOSPC
    with opened_storage(path) as storage:
        assert len(_study(storage).trials()) == tried > 1


def _study(storage: RDBStorage, *first: float) -> RoundStudy:
    base, cusum = PredictorConfig(), {"type": "float", "low": 2.0, "high": 9.0}
    space = SearchSpace.parse({"cusum_h": cusum}, base)
    tried = [{"cusum_h": value} for value in first]
    return RoundStudy(storage, 0, space=space, base=base, seed=0, prune=False, first=tried)


def _tried(study: RoundStudy, trials: int) -> list[float]:
    """What all of them tried, as soon as there are so many."""
    while study.asked < trials:
        number, config = study.ask()
        study.finish(number, -abs(config.cusum_h - 6.0), pruned=False)
    return [trial.params["cusum_h"] for trial in study.trials()]


class _Kill(BaseException):
    """Where the process ends."""


def test_a_kill_before_a_trial_that_is_given_begins_changes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(_study: Study) -> Trial:
        raise _Kill

    with opened_storage(tmp_path / "whole") as storage:
        expected = _tried(_study(storage, 5.0, 7.0), 6)
    assert expected[:2] == [5.0, 7.0]
    with monkeypatch.context() as patch, opened_storage(tmp_path / "killed") as storage:
        study = _study(storage, 5.0, 7.0)
        _tried(study, 1)
        patch.setattr(Study, "ask", killed)
        with pytest.raises(_Kill):
            study.ask()
    with opened_storage(tmp_path / "killed") as storage:
        assert _tried(_study(storage, 5.0, 7.0), 6) == expected


def test_with_more_trials_what_is_chosen_now_is_tried_too(tmp_path: Path) -> None:
    with opened_storage(tmp_path / "study") as storage:
        before = _tried(_study(storage, 5.0, 7.0), 4)
        after = _tried(_study(storage, 5.0, 6.5), 7)
    assert (after[:4], after[4]) == (before, 6.5)
    assert after.count(5.0) == after.count(6.5) == 1


def test_a_damaged_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "study").write_bytes(b"no database" * 100)
    told = pytest.raises(TuningError, match=r"\(file is not a database\): .* damaged, remove ")
    with told, opened_storage(tmp_path / "study"):
        pass


def test_a_file_in_other_hands_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened_storage(tmp_path / "study"):
        pass
    monkeypatch.setattr("workers.tuning.study._BUSY_TIMEOUT_S", 0.1)
    other = sqlite3.connect(tmp_path / "study")
    other.execute("BEGIN EXCLUSIVE")
    told = pytest.raises(SearchHaltedError, match=r"\(database is locked\): go on with --resume")
    with told, opened_storage(tmp_path / "study") as storage:
        _study(storage)
    other.close()
