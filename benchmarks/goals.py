"""Lines of a table of goals: what, goal, measured, whether it is reached."""

from typing import SupportsFloat

import numpy as np

__all__ = ["at_least", "at_most", "heading", "holds", "note", "report"]


def heading(what: str) -> None:
    """Begin a part of the table."""
    print(f"\n{what:<62}{'goal':>14}{'measured':>12}  reached")


def report(what: str, measured: SupportsFloat, low: float, high: float) -> None:
    """A number that should lie within bounds."""
    if low == -np.inf:
        goal = f"<= {high:g}"
    else:
        goal = f">= {low:g}" if high == np.inf else f"{low:g} .. {high:g}"
    value = float(measured)
    verdict = "yes" if low <= value <= high else "NO"
    print(f"{what:<62}{goal:>14}{value:>12.5g}  {verdict}", flush=True)


def at_most(what: str, measured: SupportsFloat, high: float) -> None:
    """A number that should not exceed `high`."""
    report(what, measured, -np.inf, high)


def at_least(what: str, measured: SupportsFloat, low: float) -> None:
    """A number that should not fall below `low`."""
    report(what, measured, low, np.inf)


def holds(what: str, measured: object, wanted: object) -> None:
    """Something that is not a number and should equal `wanted`."""
    verdict = "yes" if measured == wanted else f"NO: {measured}"
    print(f"{what:<62}{wanted!s:>14}{'':>12}  {verdict}", flush=True)


def note(what: str, measured: SupportsFloat) -> None:
    """A number without a goal."""
    print(f"{what:<62}{'':>14}{float(measured):>12.5g}", flush=True)
