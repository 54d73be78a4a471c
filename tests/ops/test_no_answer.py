"""Whoever gets no answer from the brokers says why, and what that can be due to."""

from collections.abc import Callable

import pytest

from core.errors import TickFleetError
from ops.records import StartAt, follow
from ops.ticks import send, send_ticks, synthetic_ticks, unpaced
from ops.topics import describe_topics
from schemas import SingleObjectFraming, TickCodec
from workers.brokers.topics import check_topics
from workers.config import WorkerConfig

_NOBODY = "127.0.0.1:1"
_OPTIONS = {"bootstrap.servers": _NOBODY, "log_level": 0}
_CONFIG = WorkerConfig(
    _NOBODY, "group", "w", "file:///unused", client_timeout_s=1.0, kafka={"log_level": "0"}
)


def _send() -> None:
    table = synthetic_ticks(1, assets=1, seed=0, start_ns=0, interval_ns=1)
    codec = TickCodec(SingleObjectFraming())
    send_ticks(table, unpaced(table), topic="ticks", codec=codec, producer_options=_OPTIONS)


def _read() -> None:
    start = StartAt.END
    next(follow("ticks", options=_OPTIONS, start=start, stop_at_end=True, timeout_s=1.0))


@pytest.mark.parametrize(
    "ask", [_send, _read, lambda: describe_topics(_CONFIG), lambda: check_topics(_CONFIG)]
)
def test_the_remedies_are_the_same(
    ask: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "_METADATA_TIMEOUT_S", 1.0)
    with pytest.raises(TickFleetError) as caught:
        ask()
    remedies = "bootstrap_servers, [kafka] security options, and that the brokers are up"
    assert str(caught.value).endswith(remedies)
    assert "Connect to ipv4#127.0.0.1:1 failed: Connection refused" in str(caught.value)
