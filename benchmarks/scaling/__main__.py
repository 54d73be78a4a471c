"""`python -m benchmarks.scaling [--measure] [--set KEY=VALUE] [--write]`."""

import argparse

from benchmarks.scaling import __doc__ as description
from benchmarks.scaling.figures import load, save, with_given
from benchmarks.scaling.measure import measured, measured_with_kafka
from benchmarks.scaling.page import PAGE, render


def main() -> None:
    """Print the page, or write it."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--measure", action="store_true", help="measure on this machine first, some minutes"
    )
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="given",
        help="a figure measured elsewhere; repeat for more",
    )
    parser.add_argument("--write", action="store_true", help="write docs/scaling.md")
    options = parser.parse_args()
    figures = load()
    if options.measure:
        figures = measured_with_kafka(measured(figures))
    try:
        figures = with_given(figures, options.given)
    except ValueError as error:
        parser.error(str(error))
    page = render(PAGE.read_text("utf-8"), figures)
    if options.write:
        save(figures)
        PAGE.write_text(page, "utf-8")
    else:
        print(page)


if __name__ == "__main__":
    main()
