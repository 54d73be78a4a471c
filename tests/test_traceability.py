"""The page that leads from the specification to the code names only what exists."""

import re
from pathlib import Path

import pytest

_ROOT = Path(__file__).parent.parent
_PAGE = (_ROOT / "docs" / "traceability.md").read_text(encoding="utf-8")
_PATHS = sorted(set(re.findall(r"`((?:\w+/)+[\w.]+)`", _PAGE)))


@pytest.mark.parametrize("path", _PATHS)
def test_every_path_on_the_page_exists(path: str) -> None:
    assert (_ROOT / path).is_file()


def test_every_section_of_the_predictor_names_code_and_tests() -> None:
    rows = [line for line in _PAGE.splitlines() if line.startswith("| ") and "`" in line]
    assert len(rows) > 20
    for row in rows:
        _, _, code, tests, *_ = row.split("|")
        assert re.search(r"`(core|workers|snapshots|schemas)/", code), row
        assert "`tests/" in tests, row
