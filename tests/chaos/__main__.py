"""`python -m tests.chaos`: made-up scenarios for as long as asked, then a report.

`make chaos HOURS=2` calls it. The seed is printed; `--seed S --only N` plays one again.
"""

import os
import random
import sys
import tempfile
import time
from pathlib import Path

import click

from ops.compile_cache import keep_executables
from ops.local import LocalKafka, LocalS3
from tests.chaos.endless import made_up, made_up_scenarios
from tests.chaos.report import html, markdown
from tests.chaos.runner import Outcome, play
from tests.chaos.scenario import Scenario
from tests.chaos.staging import staged
from tests.fixtures.kafka import KafkaCluster

_BUCKET = "chaos"


def _play(scenario: Scenario, kafka: KafkaCluster, s3: LocalS3) -> Outcome:
    place = {"endpoint": s3.endpoint, "bucket": _BUCKET}
    with (
        tempfile.TemporaryDirectory(prefix="tickfleet-chaos-") as folder,
        staged(scenario, Path(folder), kafka=kafka, s3=place) as stage,
    ):
        outcome = play(scenario, stage)
        if not outcome.verdict.holds:
            click.echo(f"{outcome.verdict}\n{outcome.log}\n{stage.fleet.log_ends()}")
        return outcome


@click.command()
@click.option("--hours", default=0.1, help="How long to go on.")
@click.option("--seed", type=int, help="Of the scenarios; any when left out.")
@click.option("--only", type=int, help="Play this number of the seed alone.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("chaos-report"))
def main(hours: float, seed: int | None, only: int | None, out: Path) -> None:
    """Play, report, and exit with 1 if any scenario did not hold."""
    seed = random.randrange(10**6) if seed is None else seed
    click.echo(f"seed {seed}")
    keep_executables()
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "local")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "local")
    chosen = made_up_scenarios(seed) if only is None else iter([made_up(seed, only)])
    outcomes: list[Outcome] = []
    until_s = time.monotonic() + 3600 * hours
    with LocalKafka() as broker, LocalS3() as s3:
        s3.create_bucket(_BUCKET)
        for scenario in chosen:
            outcomes.append(_play(scenario, KafkaCluster(broker.bootstrap), s3))
            click.echo(markdown(outcomes[-1:]).splitlines()[2])
            if time.monotonic() > until_s:
                break
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.md").write_text(markdown(outcomes))
    (out / "report.html").write_text(html(outcomes))
    click.echo(markdown(outcomes).splitlines()[-1])
    sys.exit(0 if all(outcome.verdict.holds for outcome in outcomes) else 1)


if __name__ == "__main__":
    main()
