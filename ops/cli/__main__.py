"""`python -m ops.cli` is `tickfleet`."""

from ops.cli import main

if __name__ == "__main__":
    main(prog_name="tickfleet")
