"""Text of others' on a page: names of assets and files, and what was said of them."""

from html import escape

from ops.terminal import printable

__all__ = ["escaped"]


def escaped(text: str) -> str:
    """As HTML shows it: nothing is markup, none is invisible or turns its neighbours round."""
    return escape(printable(text))
