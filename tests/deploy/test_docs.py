"""What the operator's pages in docs/ name is there, and what they say can be typed."""

import re
from pathlib import Path

import pytest

from tests.ops.cli.parsing import parse

ROOT = Path(__file__).parents[2]
PAGES = ("deploy.md", "upgrades.md", "metrics.md", "scaling.md", "web.md")


def _commands(page: str) -> list[str]:
    """Lines of code blocks and inline code that start with our command."""
    inline = re.findall(r"`tickfleet ([a-z][^`]*)`", page)
    blocks = re.findall(r"^tickfleet ([a-z].*)$", page, re.MULTILINE)
    executed = re.findall(r"-- tickfleet ([a-z][^`]*)`", page)
    return [line for line in inline + blocks + executed if not line.endswith("…")]


@pytest.mark.parametrize("name", PAGES)
def test_commands_can_be_parsed(name: str) -> None:
    for line in _commands((ROOT / "docs" / name).read_text("utf-8")):
        parse(line)


@pytest.mark.parametrize("name", PAGES)
def test_files_links_and_tests_are_there(name: str) -> None:
    page = (ROOT / "docs" / name).read_text("utf-8")
    for link in re.findall(r"\]\(([^)#]+)", page):
        assert (ROOT / "docs" / link).exists(), link
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
