"""The demonstration itself: feed, watch, kill, restart, stop, judge."""

import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core import compile_both
from ops.compile_cache import keep_executables
from ops.demo.show import Show
from ops.demo.sources import demo_ticks
from ops.demo.stage import Stage
from ops.demo.subscriber import Subscriber
from ops.demo.summary import DemoSummary, summarise
from ops.demo.workforce import DemoWorkerError, Workforce
from ops.records.follow import StartAt, follow
from ops.ticks import in_real_time, send_ticks
from schemas import FlagEventCodec, ResultCodec, SingleObjectFraming, TickCodec

__all__ = ["DemoPlan", "play"]

_LOOK_S = 0.25
_DRAIN_TIMEOUT_S = 60.0


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """How big, how fast, how rough.

    Attributes:
        ticks: how many in total.
        per_second: how fast they are fed.
        assets: over how many assets.
        workers: worker processes.
        kills: how often one of them is killed with -9.
        seed: of the ticks and of the times of the kills.
    """

    ticks: int = 60_000
    per_second: float = 2_000.0
    assets: int = 20
    workers: int = 2
    kills: int = 2
    seed: int = 1


def play(stage: Stage, plan: DemoPlan, show: Show) -> DemoSummary:
    """Run the whole demonstration on a stage.

    Raises:
        DemoWorkerError: a worker died by itself, or results stopped coming.
    """
    options: dict[str, Any] = {"bootstrap.servers": stage.worker.bootstrap_servers}
    topics = stage.worker.topics
    results = Subscriber(topics.predictions, options)
    flags = Subscriber(topics.flags, options)
    workforce = Workforce(stage.config, stage.folder)
    ids = [f"worker-{number}" for number in range(plan.workers)]
    try:
        show.say("compiling the predictor (once, then cached)")
        keep_executables()
        compile_both(stage.worker.predictor, stage.worker.dtype)
        show.say(f"starting {plan.workers} workers")
        for worker_id in ids:
            workforce.start(worker_id)
        workforce.await_seats(stage.worker)
        feeder = _feed(stage, plan, options, show)
        for kill_at_s in [*_kill_times(plan), None]:
            _watch(workforce, results, flags, show, feeder=feeder, until_s=kill_at_s)
            if kill_at_s is not None:
                victim = random.Random(f"{plan.seed}-{kill_at_s}").choice(ids)  # noqa: S311
                workforce.kill(victim)
                show.say(f"kill -9 {victim}")
                workforce.start(victim)
        _drain(workforce, results, flags, show, wanted=plan.ticks)
        # A worker killed late may still be starting; an orderly stop needs it to have arrived.
        workforce.await_seats(stage.worker)
        show.say("SIGTERM to every worker: final snapshots, exit 0")
        workforce.stop()
    finally:
        workforce.abandon()
        results.close()
        flags.close()
    framing = SingleObjectFraming()
    return summarise(
        dict(_sent_at(topics.ticks, options)),
        results.records,
        ResultCodec(framing),
        flags=_count_flags(flags, FlagEventCodec(framing)),
        killed_at_s=workforce.killed_at_s,
    )


def _feed(stage: Stage, plan: DemoPlan, options: dict[str, Any], show: Show) -> threading.Thread:
    source, table = demo_ticks(
        plan.ticks,
        assets=plan.assets,
        seed=plan.seed,
        start_ns=time.time_ns(),
        interval_ns=int(1e9 / plan.per_second),
    )
    show.say(f"feeding {plan.ticks:,} ticks of {plan.assets} assets: {source}")
    # Stamped with the time at which each is due, so that nothing is stale by construction.
    thread = threading.Thread(
        target=send_ticks,
        args=(table, in_real_time(table)),
        kwargs={
            "first_is_now": True,
            "topic": stage.worker.topics.ticks,
            "codec": TickCodec(SingleObjectFraming()),
            "producer_options": options,
            "progress": show.fed,
        },
        daemon=True,
    )
    thread.start()
    return thread


def _kill_times(plan: DemoPlan) -> list[float]:
    """Unix times of the kills, spread over the feed, none at its very end."""
    random_times = random.Random(plan.seed)  # noqa: S311
    length_s = plan.ticks / plan.per_second
    share_s = 0.9 * length_s / max(plan.kills, 1)
    begun_s = time.time()
    return [
        begun_s + share_s * (number + random_times.uniform(0.4, 0.7))
        for number in range(plan.kills)
    ]


def _watch(
    workforce: Workforce,
    results: Subscriber,
    flags: Subscriber,
    show: Show,
    *,
    feeder: threading.Thread,
    until_s: float | None,
) -> None:
    while time.time() < until_s if until_s is not None else feeder.is_alive():
        workforce.check()
        show.update(results.records, flags.records)
        time.sleep(_LOOK_S)


def _drain(
    workforce: Workforce, results: Subscriber, flags: Subscriber, show: Show, *, wanted: int
) -> None:
    deadline_s = time.monotonic() + _DRAIN_TIMEOUT_S
    while len(results.records) < wanted:
        workforce.check()
        show.update(results.records, flags.records)
        if time.monotonic() > deadline_s:
            raise DemoWorkerError(
                f"only {len(results.records)} of {wanted} results came within {_DRAIN_TIMEOUT_S} s"
            )
        time.sleep(_LOOK_S)
    # One more look: a repeated result would come behind the last expected one.
    time.sleep(1.0)
    show.update(results.records, flags.records)


def _sent_at(topic: str, options: dict[str, Any]) -> Iterator[tuple[tuple[int, int], float]]:
    for message in follow(topic, options=options, start=StartAt.BEGINNING, stop_at_end=True):
        _, appended_ms = message.timestamp()
        yield (message.partition() or 0, message.offset() or 0), appended_ms / 1e3


def _count_flags(flags: Subscriber, codec: FlagEventCodec) -> Counter[str]:
    events = (codec.decode(seen.value) for seen in flags.records)
    return Counter(f"{event.type.value} {event.state.value}" for event in events)
