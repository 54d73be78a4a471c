"""The `tickfleet` command: a file here for each subcommand, what it does beside it in `ops`."""

from ops.cli.leaving import interrupted_at_once

with interrupted_at_once():
    import click

    from ops.cli.group import LazyGroup

__all__ = ["main"]

_COMMANDS = {
    "demo": ("ops.cli.demo", "The whole system on this machine, with a worker killed on the way."),
    "worker": ("ops.cli.worker", "Run one worker until it is told to stop."),
    "topics": ("ops.cli.topics", "Create and list the topics a fleet needs."),
    "produce": ("ops.cli.produce", "Send ticks from a file, or made-up ones, to a topic."),
    "consume": ("ops.cli.consume", "Print the records of a topic, decoded."),
    "tail": ("ops.cli.tail", "Print what a fleet publishes now, filtered."),
    "top": ("ops.cli.top", "Show a running fleet live: partitions, lag, rates, flags."),
    "web": ("ops.cli.web", "Serve a live page of the fleet: partitions, forecasts, flags."),
    "doctor": ("ops.cli.doctor", "Check everything a fleet depends on; says what to fix."),
    "snapshot": ("ops.cli.snapshot", "Look at snapshots, check, compare, copy, go back to one."),
    "replay-dead-letters": (
        "ops.cli.replay_dead_letters",
        "Send refused records again, each once.",
    ),
    "backtest": ("ops.cli.backtest", "Step historical ticks as a worker would have."),
    "report": ("ops.cli.report", "Make the report of a finished backtest, again."),
    "compare": ("ops.cli.compare", "Say which of two backtests forecasts better."),
    "tune": ("ops.cli.tune", "Search hyperparameters by walk-forward, with evidence."),
    "export": ("ops.cli.export", "Write ticks of a topic into a file."),
    "local": ("ops.cli.local", "A Kafka broker (and an S3 endpoint) on this machine."),
}


@click.group(
    cls=LazyGroup,
    commands_at=_COMMANDS,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="tickfleet")
def main() -> None:
    """A fleet of Kafka workers that forecast every tick, exactly once.

    `tickfleet demo` shows all of it on this machine. `tickfleet COMMAND --help` explains a command.

    Exit codes: 0 done; 1 failed for now, or something checked is broken; 2 something must be
    changed first (a setting, an argument, a topic, a permission), and nothing was started.
    """
