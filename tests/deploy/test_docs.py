"""What the operator's pages in docs/ name is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ("deploy.md", "upgrades.md", "metrics.md", "scaling.md", "web.md", "tracing.md")


@pytest.mark.parametrize("name", PAGES)
def test_files_and_tests_are_there(name: str) -> None:
    page = (ROOT / "docs" / name).read_text("utf-8")
    for path in re.findall(r"`((?:k8s|deploy|requirements|tests|ops|benchmarks)/[\w./-]+)", page):
        assert (ROOT / path).exists(), path
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    for test in re.findall(r"`(test_\w+)`", page):
        assert f"def {test}(" in sources, test


def test_every_procedure_of_the_upgrades_page_names_its_test() -> None:
    page = (ROOT / "docs" / "upgrades.md").read_text("utf-8")
    for section in page.split("\n## ")[1:]:
        title = section.partition("\n")[0]
        assert "\nTest: `" in section or title == "Deleting a group", title
