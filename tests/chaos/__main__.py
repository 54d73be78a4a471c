"""`python -m tests.chaos`: the long catalogue, made-up scenarios for as long as asked, a report.

`make chaos HOURS=2` calls it. The seed is printed; `--seed S --only N` plays a made-up one again,
`--named TEXT` the long ones whose name holds the text.
"""

import itertools
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import click

from ops.compile_cache import keep_executables
from ops.local import LocalKafka, LocalS3
from tests.chaos.endless import made_up, made_up_scenarios
from tests.chaos.long_catalogue import LONG
from tests.chaos.report import html, markdown
from tests.chaos.runner import Outcome, play
from tests.chaos.scenario import Scenario
from tests.chaos.small_disk import NoDiskError
from tests.chaos.staging import staged
from tests.fixtures.kafka import KafkaCluster

_BUCKET = "chaos"


def _play(scenario: Scenario, kafka: KafkaCluster, s3: LocalS3) -> Outcome:
    place = {"endpoint": s3.endpoint, "bucket": _BUCKET}
    with (
        tempfile.TemporaryDirectory(prefix="tickfleet-chaos-") as folder,
        staged(
            scenario, Path(folder), kafka=None if scenario.own_brokers else kafka, s3=place
        ) as stage,
    ):
        outcome = play(scenario, stage)
        if not outcome.verdict.holds:
            click.echo(f"{outcome.verdict}\n{outcome.log}\n{stage.fleet.log_ends()}")
        return outcome


def _chosen(seed: int, only: int | None, named: str | None) -> Iterator[Scenario]:
    if only is not None:
        return iter([made_up(seed, only)])
    if named is not None:
        return (scenario for scenario in LONG if named in scenario.name)
    return itertools.chain(LONG, made_up_scenarios(seed))


@click.command()
@click.option("--hours", default=0.1, help="How long to go on.")
@click.option("--seed", type=int, help="Of the scenarios; any when left out.")
@click.option("--only", type=int, help="Play this number of the seed alone.")
@click.option("--named", help="Play these of the long catalogue alone.")
@click.option("--out", type=click.Path(path_type=Path), default=Path("chaos-report"))
def main(hours: float, seed: int | None, only: int | None, named: str | None, out: Path) -> None:
    """Play, report, and exit with 1 if any scenario did not hold."""
    seed = random.randrange(10**6) if seed is None else seed
    click.echo(f"seed {seed}")
    keep_executables()
    os.environ.setdefault("AWS_ACCESS_KEY_ID", "local")
    os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "local")
    chosen = _chosen(seed, only, named)
    outcomes: list[Outcome] = []
    broken: list[str] = []
    until_s = time.monotonic() + 3600 * hours
    with LocalKafka() as broker, LocalS3() as s3:
        s3.create_bucket(_BUCKET)
        for scenario in chosen:
            try:
                outcomes.append(_play(scenario, KafkaCluster(broker.bootstrap), s3))
                click.echo(markdown(outcomes[-1:]).splitlines()[2])
            except NoDiskError as error:
                click.echo(f"{scenario.name}: left out, {error}")
            except AssertionError as error:
                broken.append(scenario.name)
                click.echo(f"{scenario.name}: BROKEN OFF, {error}")
            if named is None and time.monotonic() > until_s:
                break
    out.mkdir(parents=True, exist_ok=True)
    (out / "report.md").write_text(markdown(outcomes))
    (out / "report.html").write_text(html(outcomes))
    click.echo(markdown(outcomes).splitlines()[-1])
    for name in broken:
        click.echo(f"broken off: {name}")
    sys.exit(0 if all(outcome.verdict.holds for outcome in outcomes) and not broken else 1)


if __name__ == "__main__":
    main()
