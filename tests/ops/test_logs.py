"""One line, one JSON object, whoever logs; readable text on request."""

import io
import json
import logging
from collections.abc import Iterator

import numpy as np
import pytest
import structlog

from ops.logs import LogFormat, configure_logging


@pytest.fixture(autouse=True)
def _restore_logging() -> Iterator[None]:
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def _lines(stream: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_events_and_library_lines_are_json_off_a_terminal() -> None:
    out = io.StringIO()
    configure_logging(stream=out)
    structlog.get_logger("w").info("snapshot_committed", partition=3, offset=np.int64(1200))
    logging.getLogger("library").warning("retry %d", 2)
    first, second = _lines(out)
    assert (first["event"], first["partition"], first["offset"]) == ("snapshot_committed", 3, 1200)
    assert (second["event"], second["level"], second["logger"]) == ("retry 2", "warning", "library")
    assert str(first["timestamp"]).endswith("Z")


def test_an_exception_stays_on_one_line() -> None:
    out = io.StringIO()
    configure_logging(stream=out, log_format=LogFormat.JSON)
    try:
        raise ValueError("boom")
    except ValueError:
        structlog.get_logger().exception("failed")
    (line,) = _lines(out)
    assert "ValueError: boom" in str(line["exception"])


def test_the_level_filters_and_a_second_call_replaces_the_first() -> None:
    unused, out = io.StringIO(), io.StringIO()
    configure_logging("DEBUG", stream=unused)
    configure_logging("WARNING", stream=out, log_format=LogFormat.JSON)
    structlog.get_logger().info("hidden")
    structlog.get_logger().warning("seen")
    assert [line["event"] for line in _lines(out)] == ["seen"]
    assert unused.getvalue() == ""


def test_console_lines_are_for_people() -> None:
    out = io.StringIO()
    configure_logging(stream=out, log_format=LogFormat.CONSOLE)
    structlog.get_logger().info("ready", partitions=4)
    assert "ready" in out.getvalue()
    assert "partitions=4" in out.getvalue()
    assert "\x1b" not in out.getvalue()


def test_chatty_libraries_are_heard_from_warning_on() -> None:
    out = io.StringIO()
    configure_logging("INFO", stream=out)
    logging.getLogger("jax._src.xla_bridge").info("no TPU here")
    logging.getLogger("jax._src.xla_bridge").warning("no CPU here")
    assert [line["event"] for line in _lines(out)] == ["no CPU here"]


def test_on_a_terminal_a_name_is_not_obeyed() -> None:
    out = io.StringIO()
    configure_logging(stream=out, log_format=LogFormat.CONSOLE)
    structlog.get_logger().warning("partition_failed", asset="\x1b[31m\x9b2JBTC")
    assert r"\x1b[31m\x9b2JBTC" in out.getvalue()
