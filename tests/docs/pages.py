"""What the pages show people to type."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["PAGES", "ROOT", "Shown", "commands"]

ROOT: Final = Path(__file__).parents[2]
_WHERE: Final = ("README.md", "*/README.md", "*/*/README.md", "docs/*.md", "docs/runbook/Tick*.md")
PAGES: Final = sorted(path for pattern in _WHERE for path in ROOT.glob(pattern))

Shown = tuple[str, str]
"""Page and command line."""

_FENCE: Final = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_GENERATED: Final = re.compile(r"^<!-- (?!end).*?<!-- end -->", re.MULTILINE | re.DOTALL)
_SHELL: Final = {"", "sh", "bash", "console"}
# A picture, a listing or a table of figures is no command; a line that begins so is one.
_PROGRAM: Final = re.compile(
    r"(?:export |\w+=\S* |eval )*\S*?\b"
    r"(tickfleet|make|python|pip|docker|kubectl|mvn|java|promtool|npm) +(?=[\w.'\"-])"
)


def commands() -> list[Shown]:
    """Every command of every page, as it is shown, without its comment."""
    return sorted({(page, line) for page, text in _texts() for line in _lines(text)})


def _texts() -> Iterator[Shown]:
    for path in PAGES:
        # What is generated, the help above all, is compared with its source elsewhere.
        yield str(path.relative_to(ROOT)), _GENERATED.sub("", path.read_text("utf-8"))


def _lines(text: str) -> Iterator[str]:
    for language, block in _FENCE.findall(text):
        if language in _SHELL:
            yield from _typed(block.replace("\\\n", " ").splitlines())
    prose = _FENCE.sub("", text)
    yield from _typed(re.sub(r"\s+", " ", one) for one in re.findall(r"`([^`]+)`", prose))


def _typed(lines: Iterator[str] | list[str]) -> Iterator[str]:
    for line in lines:
        for part in line.partition(" #")[0].split("&&"):
            command = part.strip().removesuffix(" | source")
            if _PROGRAM.match(command):
                # `[--option]`: may be left out, so may be given.
                yield re.sub(r"\[(-[^\]]*)\]", r"\1", command)
