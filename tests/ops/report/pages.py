"""What every page must be: whole, alone, and readable in the dark."""

import re
from html.parser import HTMLParser
from pathlib import Path

__all__ = ["check_page"]


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
