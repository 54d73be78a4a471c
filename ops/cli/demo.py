"""`tickfleet demo`: the whole system on this machine, with a worker killed on the way."""

import shutil
import tempfile
from contextlib import ExitStack
from pathlib import Path

import click
from rich.console import Console

from ops.demo.live_page import live_page
from ops.demo.play import DemoPlan, play
from ops.demo.show import Show
from ops.demo.stage import set_stage

__all__ = ["command"]


@click.command("demo")
@click.option("--ticks", default=60_000, show_default=True, help="Ticks to feed.")
@click.option("--rate", default=2_000.0, show_default=True, help="Ticks per second.")
@click.option("--assets", default=20, show_default=True, help="Assets to feed.")
@click.option("--partitions", default=8, show_default=True, help="Partitions of the ticks topic.")
@click.option("--workers", default=2, show_default=True, help="Worker processes.")
@click.option("--kills", default=2, show_default=True, help="How often one is killed with -9.")
@click.option("--seed", default=1, show_default=True, help="Seed of ticks and kills.")
@click.option("--web", is_flag=True, help="Serve the live page meanwhile, as `tickfleet web` does.")
@click.option("--keep", is_flag=True, help="Keep the folder with logs and snapshots.")
@click.pass_context
def command(
    context: click.Context,
    *,
    ticks: int,
    rate: float,
    assets: int,
    partitions: int,
    workers: int,
    kills: int,
    seed: int,
    web: bool,
    keep: bool,
) -> None:
    """Start Kafka, feed ticks, run workers, kill one, show that nothing was lost or doubled."""
    console = Console(soft_wrap=True)
    folder = Path(tempfile.mkdtemp(prefix="tickfleet-demo-"))
    plan = DemoPlan(ticks, rate, assets, workers, kills, seed)
    try:
        with Show(console) as show:
            show.say("starting Apache Kafka on loopback (fetched once, then cached)")
            with ExitStack() as around:
                stage = around.enter_context(set_stage(folder, partitions))
                if web:
                    show.say(f"live page: {around.enter_context(live_page(stage))}")
                summary = play(stage, plan, show)
        show.conclude(summary)
    finally:
        if keep:
            console.print(f"logs and snapshots are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    context.exit(0 if summary.report.holds else 1)
