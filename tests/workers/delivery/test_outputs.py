"""Outputs that fail: what is told, and that nothing of a dead producer stays behind."""

import gc
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import KafkaError, KafkaException, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.workers.delivery.test_output_limits import Admin
from workers import OutputsRefusedError, OutputUncertainError, WorkerConfig
from workers.delivery import outputs as outputs_module
from workers.delivery.at_least_once import AtLeastOnceOutputs
from workers.delivery.life import ProducerLife, Reports
from workers.delivery.output_limits import OutputLimits
from workers.delivery.outputs import GroupTicket, Outputs
from workers.emission.emitter import Emission
from workers.emission.out_message import OutMessage

CONFIG = WorkerConfig("127.0.0.1:9", "group", "w-0", "file:///unused")
GROUP = GroupTicket(None, lambda _offsets: None)


class _Client:
    """Takes as many messages of a batch as it is told to, and refuses the others.

    Attributes:
        undelivered: of the flags topic; reported with the next poll.
    """

    def __init__(self, takes: int = 0, refusal: int = KafkaError._UNKNOWN_PARTITION) -> None:
        self.takes = takes
        self._refusal = refusal
        self.undelivered: KafkaError | None = None
        self.reports = Reports()

    def produce_batch(self, _topic: str, messages: list[dict[str, Any]], **_named: object) -> int:
        for message in messages[self.takes :]:
            message["_error"] = KafkaError(self._refusal)
        return self.takes

    def poll(self, _timeout_s: float) -> int:
        if self.undelivered is not None:
            flag = cast(Message, SimpleNamespace(topic=lambda: "flags"))
            self.reports.on_delivery(self.undelivered, flag)
        return 0

    def purge(self, **_named: object) -> None:
        """Nothing is queued."""


class _Outputs(Outputs):
    """Fails as it is told to."""

    def __init__(self, client: _Client, failure: int = KafkaError._FAIL) -> None:
        super().__init__(CONFIG, OutputLimits(CONFIG))
        self._life = ProducerLife(cast(Producer, client), client.reports)
        self._failure = failure

    def _initialise(self, producer: Producer, admin: AdminClient, timeout_s: float) -> None:
        raise KafkaException(KafkaError(self._failure))

    def _begin(self, life: ProducerLife) -> None:
        """Nothing opens."""

    def _journal(self, life: ProducerLife, messages: Sequence[OutMessage]) -> None:
        """There is none."""

    def _run_commit(
        self, life: ProducerLife, offsets: Sequence[TopicPartition], group: GroupTicket
    ) -> None:
        raise KafkaException(KafkaError(self._failure))


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Workers collect garbage seldom: here never."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
def test_a_failed_commit_lets_its_producer_go_at_once() -> None:
    client = _Client()
    gone, outputs = weakref.ref(client), _Outputs(client)
    del client
    outputs.start_commit((), GROUP)
    with pytest.raises(OutputUncertainError, match="commit failed"):
        outputs.settle()
    outputs.discard()
    assert gone() is None


@pytest.mark.parametrize(
    ("code", "text"),
    [
        (KafkaError.MSG_SIZE_TOO_LARGE, "raise that, or grant DESCRIBE_CONFIGS"),
        (KafkaError.INVALID_RECORD, "compacted .* cleanup.policy=delete"),
    ],
)
def test_a_refusal_that_needs_words_gets_them(code: int, text: str) -> None:
    outputs = _Outputs(_Client(), code)
    outputs.start_commit((), GROUP)
    with pytest.raises(OutputUncertainError, match=text):
        outputs.settle()


@pytest.mark.parametrize("code", [KafkaError._STATE, KafkaError._INCONSISTENT])
def test_a_call_that_fails_since_something_has_failed_says_what(code: int) -> None:
    client = _Client(refusal=code)
    client.undelivered = KafkaError(KafkaError.MSG_SIZE_TOO_LARGE)
    outputs = _Outputs(client, code)
    outputs.start_commit((), GROUP)
    with pytest.raises(OutputUncertainError, match=r"commit failed: flags: .*max\.message"):
        outputs.settle()
    outputs = _Outputs(client)
    results = Emission({7: [{"key": b"A", "value": b"1"}]}, [], [])
    with pytest.raises(OutputUncertainError, match="took 0 of 1 results: flags: ") as caught:
        outputs.produce(results)
    assert "as many partitions" not in str(caught.value)


class _Slow:
    """Acknowledges when it is told to, what was not purged before; keeps what it was given."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.topics: list[str] = []
        self.go_on = threading.Event()
        self._undelivered: list[Callable[[KafkaError | None, None], None]] = []
        self._purged = False
        self._on_error: Callable[[KafkaError], None] = settings["error_cb"]

    def produce(
        self, topic: str, on_delivery: Callable[[KafkaError | None, None], None], **_rest: object
    ) -> None:
        self.topics.append(topic)
        self._undelivered.append(on_delivery)

    def poll(self, _timeout_s: float) -> int:
        return 0

    def flush(self, _timeout_s: float) -> int:
        assert self.go_on.wait(30)
        error = KafkaError(KafkaError._PURGE_INFLIGHT) if self._purged else None
        for on_delivery in self._undelivered:
            on_delivery(error, None)
        if self._purged:
            self._on_error(KafkaError(KafkaError._FATAL, "fenced", True))
        self._undelivered.clear()
        return 0

    def purge(self, **_named: object) -> None:
        self._purged = True


def _emission() -> Emission:
    flag, span = (OutMessage(topic, b"A", b"1") for topic in ("flags", "journal"))
    return Emission({}, [flag], [span])


@pytest.mark.parametrize("acknowledged", [False, True])
def test_what_a_discarded_producer_still_does_is_not_its_successors(
    acknowledged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least once: a commit that hangs as its partitions are lost goes on beside the next."""
    clients: list[_Slow] = []

    def make(settings: dict[str, Any]) -> Producer:
        clients.append(_Slow(settings))
        return cast(Producer, clients[-1])

    monkeypatch.setattr(outputs_module, "Producer", make)
    monkeypatch.setattr(outputs_module, "AdminClient", Admin)
    outputs = AtLeastOnceOutputs(CONFIG, OutputLimits(CONFIG))
    outputs.restart()
    outputs.produce(_emission())
    outputs.start_commit((), GROUP)
    [commit] = [one for one in threading.enumerate() if one.name == "commit"]
    if acknowledged:
        monkeypatch.setattr(clients[0], "purge", lambda **_named: None)
    outputs.restart()
    outputs.produce(_emission())
    clients[0].go_on.set()
    commit.join(30)
    assert clients[0].topics == clients[1].topics == ["flags"]

    outputs.produce(_emission())
    clients[1].go_on.set()
    outputs.start_commit((), GROUP)
    outputs.settle()
    assert clients[1].topics == ["flags", "flags", "journal", "journal"]


def test_results_that_the_client_does_not_take_are_an_error() -> None:
    outputs = _Outputs(_Client(takes=1))
    results = [{"key": b"A", "value": b"1"}, {"key": b"A", "value": b"2"}]
    with pytest.raises(OutputUncertainError, match=r"took 1 of 2 results: .*as many partitions"):
        outputs.produce(Emission({7: results}, [], []))


@pytest.mark.parametrize(
    ("code", "error", "text"),
    [
        (KafkaError._TIMED_OUT, OutputUncertainError, "could not start"),
        (KafkaError._FENCED, OutputUncertainError, "could not start"),
        (KafkaError.INVALID_TRANSACTION_TIMEOUT, OutputsRefusedError, "transaction_timeout_ms"),
        (KafkaError.TRANSACTIONAL_ID_AUTHORIZATION_FAILED, OutputsRefusedError, "grant"),
        (KafkaError.CLUSTER_AUTHORIZATION_FAILED, OutputsRefusedError, "grant"),
    ],
)
def test_what_no_new_producer_can_mend_ends_the_worker(
    code: int, error: type[Exception], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs_module, "AdminClient", Admin)
    with pytest.raises(error, match=text):
        _Outputs(_Client(), code).restart()


def test_files_of_which_no_client_can_be_made_are_tried_again() -> None:
    """As while a certificate is renewed, and its key not yet."""
    options = {"security.protocol": "SSL", "ssl.ca.location": "/none", "log_level": "0"}
    config = replace(CONFIG, kafka=options)
    with pytest.raises(OutputUncertainError, match=r"ssl\.ca\.location"):
        AtLeastOnceOutputs(config, OutputLimits(config)).restart()
