"""Text of others' on a person's terminal: whoever writes ticks must not write to it.

A terminal obeys what control characters say: it is recoloured, renamed, made to overwrite what it
showed. Everything that comes from records, the store or the brokers passes through here first.
"""

import unicodedata

__all__ = ["printable"]


def printable(text: str, *, lines: bool = False) -> str:
    """Control and formatting characters written as in Python's literals, such as `\\x1b`.

    Args:
        text: of anybody.
        lines: whether ends of lines may stay.
    """
    if text.isprintable():
        return text
    return "".join(
        one if _harmless(one) or (lines and one == "\n") else ascii(one)[1:-1] for one in text
    )


def _harmless(one: str) -> bool:
    return one.isprintable() or unicodedata.category(one) == "Zs"
