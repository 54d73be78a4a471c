"""The tables of a run, while somebody looks at their folder."""

from pathlib import Path

import pytest

from workers.replay.output.parts import PartWriter
from workers.replay.output.run_tables import RunTables


def test_where_there_is_a_part_of_results_the_others_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed: list[str] = []
    monkeypatch.setattr(PartWriter, "close_part", lambda self: closed.append(self._folder.name))
    RunTables(tmp_path, {}, placed=True).close_parts()
    assert set(closed[:-1]) == {"flags", "refused"}
    assert closed[-1] == "results"
