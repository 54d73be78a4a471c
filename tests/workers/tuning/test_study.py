"""What is said of the file of the trials where it cannot be used."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
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


def _study(storage: RDBStorage) -> RoundStudy:
    base, cusum = PredictorConfig(), {"type": "float", "low": 2.0, "high": 9.0}
    space = SearchSpace.parse({"cusum_h": cusum}, base)
    return RoundStudy(storage, 0, space=space, base=base, seed=0, prune=False, first=[])


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
