"""`KEY=VALUE` on the command line."""

import click

__all__ = ["Pairs"]


class Pairs(click.ParamType[tuple[str, str]]):
    """One pair; with `multiple=True` a tuple of them."""

    name = "key=value"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """The key and the value."""
        if isinstance(value, tuple):
            return str(value[0]), str(value[1])
        key, equals, rest = str(value).partition("=")
        if not (key.strip() and equals and rest.strip()):
            self.fail(f"{value!r}: write KEY=VALUE", param, ctx)
        return key.strip(), rest.strip()
