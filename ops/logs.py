"""Log lines are events with fields: JSON in production, readable on a terminal.

Lines of libraries that use the standard `logging` go through the same renderer, so that a
log shipper meets one format only.
"""

import logging
import sys
from enum import StrEnum
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, WrappedLogger

from ops.terminal import printable

__all__ = ["LogFormat", "configure_logging"]


class LogFormat(StrEnum):
    """How a line is written; `auto` is `console` on a terminal and `json` elsewhere."""

    AUTO = "auto"
    JSON = "json"
    CONSOLE = "console"


# At INFO they tell of backends that are not there and of every connection.
_CHATTY: Final = ("jax", "boto3", "botocore", "urllib3", "s3transfer")
_SHARED: Final[list[Any]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.StackInfoRenderer(),
]


def configure_logging(
    level: str = "INFO",
    *,
    log_format: LogFormat = LogFormat.AUTO,
    stream: TextIO | None = None,
) -> None:
    """Set up logging for the whole process; calling it again replaces the former set-up.

    Args:
        level: a name of the standard `logging`.
        log_format: see LogFormat.
        stream: where lines go; None is standard error, which leaves standard output to data.
    """
    out = stream or sys.stderr
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_renderers(log_format, out),
            ],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_SHARED,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def _renderers(log_format: LogFormat, out: TextIO) -> list[Any]:
    terminal = out.isatty()
    if log_format is LogFormat.CONSOLE or (log_format is LogFormat.AUTO and terminal):
        return [_printable, structlog.dev.ConsoleRenderer(colors=terminal)]
    return [
        structlog.processors.format_exc_info,
        _without_numpy,
        structlog.processors.JSONRenderer(sort_keys=False),
    ]


def _printable(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Names of assets and reasons may hold what a terminal obeys."""
    return {
        key: printable(value, lines=True) if isinstance(value, str) else value
        for key, value in event.items()
    }


def _without_numpy(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """Numpy's scalars print as numbers, not as strings such as "np.int64(3)"."""
    return {
        key: value.item() if hasattr(value, "item") and getattr(value, "ndim", 1) == 0 else value
        for key, value in event.items()
    }
