"""What every page must be: whole, alone, readable in the dark, and drawn by a real browser."""

import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

__all__ = ["check_page", "drawn_by_browser"]


class _Page(HTMLParser):
    """Which elements are open, and what is asked for from elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.charts = 0
        self.elsewhere: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.charts += tag == "svg"
        self.elsewhere += [f"{k}={v}" for k, v in attrs if k in ("src", "href")]
        if tag not in ("meta", "path"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag != "path":
            assert self.open.pop() == tag


def check_page(path: Path, *, charts: int) -> None:
    """Assert it of a file that has at least so many charts."""
    text = path.read_text("utf-8")
    page = _Page()
    page.feed(text)
    assert page.open == []
    assert page.elsewhere == []
    assert page.charts >= charts
    light, dark = (set(re.findall(r"(--\w+):#", part)) for part in text.split("@media", 1))
    assert light == dark, "every colour has a value for dark pages"
    drawn = re.findall(r'd="([^"]*)"', text)
    assert all(re.fullmatch(r"[MLHVZ0-9. -]+", shape) for shape in drawn if shape)
    # A number that is none would leave a hole in a drawing, silently.
    places = re.findall(r' (?:d|x|y|cx|cy|width|height)="([^"]*)"', text)
    assert not [place for place in places if "nan" in place or "inf" in place]


_MEASURE = """<script>
const box = e => e.getBoundingClientRect();
const plots = [...document.querySelectorAll("svg")].map(svg => ({
  title: svg.getAttribute("aria-label"), width: box(svg).width, height: box(svg).height,
  marks: [...svg.querySelectorAll(".line,.bar,.dot,.band")].filter(
    e => box(e).width + box(e).height > 0).length,
  outside: [...svg.querySelectorAll("*")].filter(
    e => box(e).left < -1 || box(e).right > innerWidth + 1).length}));
document.title = JSON.stringify({plots, wide: document.documentElement.scrollWidth > innerWidth,
  paper: getComputedStyle(document.body).backgroundColor});
</script>"""


def drawn_by_browser(page: Path, folder: Path, *, dark: bool) -> dict[str, Any]:
    """What headless Chromium made of a page: its plots, their sizes, the colour of the paper.

    Skips the test where there is no Chromium; fails for anything on the browser's console.
    """
    names = ("chromium", "chromium-browser", "google-chrome")
    browser = next((found for name in names if (found := shutil.which(name))), None)
    if browser is None:
        pytest.skip("no Chromium here to draw the page")
    copy = folder / "measured.html"
    copy.write_text(page.read_text("utf-8").replace("</body>", f"{_MEASURE}</body>"), "utf-8")
    done = subprocess.run(
        [
            browser,
            *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"),
            *("--no-first-run", f"--user-data-dir={folder / 'browser'}", "--window-size=900,2000"),
            *("--enable-logging=stderr", "--dump-dom"),
            *(("--blink-settings=preferredColorScheme=0",) if dark else ()),
            copy.as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=240,
        check=True,
    )
    assert not [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    (title,) = re.findall(r"<title>(\{.*?\})</title>", done.stdout)
    drawn: dict[str, Any] = json.loads(title.replace("&amp;", "&"))
    assert not drawn["wide"], "the page is wider than the window"
    return drawn
