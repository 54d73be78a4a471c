"""`python -m benchmarks.scaling [--measure] [--write]`."""

import argparse

from benchmarks.scaling import __doc__ as description
from benchmarks.scaling.figures import load, save
from benchmarks.scaling.measure import measured
from benchmarks.scaling.page import PAGE, render


def main() -> None:
    """Print the page, or write it."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--measure", action="store_true", help="measure on this machine first")
    parser.add_argument("--write", action="store_true", help="write docs/scaling.md")
    options = parser.parse_args()
    figures = load()
    if options.measure:
        figures = measured(figures)
        save(figures)
    page = render(PAGE.read_text("utf-8"), figures)
    if options.write:
        PAGE.write_text(page, "utf-8")
    else:
        print(page)


if __name__ == "__main__":
    main()
