"""What a query in Prometheus' language asks for, by a parser of that language."""

from collections.abc import Iterator
from typing import Any

import promql_parser

__all__ = ["selectors"]


def selectors(expr: str) -> Iterator[tuple[str, set[str]]]:
    """Each metric that a query names, with the labels that it matches on.

    Raises ValueError for a query that is no PromQL.
    """
    found: list[tuple[str, set[str]]] = []

    def visit(node: Any) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            found.append((node.name or "", {matcher.name for matcher in node.matchers.matchers}))
        return True

    promql_parser.walk(promql_parser.parse(expr.replace("$__rate_interval", "1m")), visit)
    yield from found
