"""The pages' examples of a predictor in a program run as they stand."""

import re
from pathlib import Path

import pytest

PAGES = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["core.md", "universal_predictor.md"])
def test_an_example_prints_a_forecast(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", (PAGES / page).read_text("utf-8"), re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, page, "exec"), {})
    printed = capsys.readouterr().out.splitlines()
    assert any(re.match(r"10[01]\.\d+ .*(Standard|Robust)$", line) for line in printed), printed
