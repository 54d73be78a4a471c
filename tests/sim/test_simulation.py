"""A thousand schedules: whatever interleaving and faults, each tick is answered once and right."""

import os
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any, Final

import numpy as np
import pytest
from confluent_kafka import TopicPartition

import workers.delivery.transactional
from tests.sim.broker import Member, SimBroker
from tests.sim.clients import SimAdmin
from tests.sim.simulation import Simulation
from workers.journal.decision_log import DecisionLog

_SCHEDULES: Final = int(os.environ.get("TICKFLEET_TEST_SCHEDULES", "1000"))
_SHARES: Final = 10


@pytest.mark.parametrize("share", range(_SHARES))
def test_every_schedule_holds(share: int) -> None:
    for seed in range(share, _SCHEDULES, _SHARES):
        _play(seed)


def test_every_schedule_holds_on_a_topic_created_anew() -> None:
    for seed in range(_SCHEDULES // _SHARES):
        _play(seed, anew=True)


def _play(seed: int, *, anew: bool = False) -> None:
    simulation = Simulation(seed, anew=anew)
    try:
        simulation.run()
    except BaseException as error:
        error.add_note(f"seed {seed}; {simulation.events}")
        raise


def _stable_end(
    self: SimAdmin, wanted: dict[TopicPartition, Any], **_options: object
) -> dict[TopicPartition, "Future[Any]"]:
    answers: dict[TopicPartition, Future[Any]] = {}
    for one in wanted:
        log = self._world.broker.log(one.topic, one.partition)
        answers[one] = Future()
        answers[one].set_result(SimpleNamespace(offset=log.stable_end))
    return answers


def _unfenced(
    self: SimBroker, transactional_id: str, epoch: int, offsets: Any, _member: Member
) -> None:
    self._check_epoch(transactional_id, epoch)
    self._txn(transactional_id).offsets.update(offsets)


@pytest.mark.parametrize(
    ("owner", "name", "mistake"),
    [
        (SimAdmin, "list_offsets", _stable_end),
        (SimBroker, "add_offsets", _unfenced),
        (SimBroker, "_check_epoch", lambda *_: None),
        (workers.delivery.transactional, "end_hanging", lambda *_: None),
        (DecisionLog, "verdicts", lambda _log, offsets: np.zeros(offsets.size, dtype=np.uint8)),
    ],
    ids=[
        "the journal is read to its stable end only",
        "no fencing by group",
        "none by epoch",
        "what hangs is left",
        "what was answered is judged anew",
    ],
)
def test_a_mistake_in_the_protocol_is_found(
    owner: object, name: str, mistake: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owner, name, mistake)
    with pytest.raises(AssertionError):
        for seed in range(150):
            Simulation(seed).run()


def test_a_seed_fixes_the_schedule() -> None:
    runs = [Simulation(7), Simulation(7), Simulation(8)]
    for run in runs:
        run.run()
    assert runs[0].events == runs[1].events
    assert runs[0].broker.now_s == runs[1].broker.now_s != runs[2].broker.now_s
