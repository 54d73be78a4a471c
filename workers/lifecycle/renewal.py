"""Notices that files have changed which the clients were made with: certificates, keys.

The client reads them as it is made, and never again; whoever renews them (cert-manager, Strimzi,
SPIFFE) writes other contents under the same paths. What is connected stays so with the old ones, so
there is time: until the new ones have settled, until clients take them, and until it is this
worker's turn in its fleet.
"""

import re
import zlib
from collections.abc import Callable, Sequence
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Final

import structlog

from workers.brokers.client_trial import check_client_options
from workers.clock import Clock
from workers.config import WorkerConfig
from workers.errors import ConfigurationError

__all__ = ["Renewal"]

_log = structlog.get_logger()
_FILE_OPTION: Final = re.compile(r"(ssl|https)\.(.+\.)?location")
_LOOK_EVERY_S: Final = 5.0
_SETTLE_S: Final = 5.0
"""A certificate and its key are written one after the other."""
_SPREAD_S: Final = 60.0
"""Within so long a fleet renews its clients, worker by worker."""
_AGAIN_S: Final = 600.0
"""Contents that clients do not take are tried again after this; others, as soon as they settle."""


class Renewal:
    """Looks at the files from the loop's thread, seldom; make it before the clients.

    Args:
        config: names the files, and this worker, which sets its turn.
        clock: spaces the looks.
    """

    def __init__(self, config: WorkerConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._files = _files(config)
        self._in_use = self._seen = _contents(self._files)
        self._seen_s = self._looked_s = clock.monotonic_s()
        self._delay_s = _SETTLE_S + _SPREAD_S * zlib.crc32(config.worker_id.encode()) / 2**32

    def due(self, calm: Callable[[], bool] = lambda: True) -> bool:
        """Whether the clients are to be made anew.

        Args:
            calm: asked once all else is so; while the store is away, for one, the next life would
                have no state to answer from.
        """
        now_s = self._clock.monotonic_s()
        if not self._files or now_s - self._looked_s < _LOOK_EVERY_S:
            return False
        self._looked_s = now_s
        found = _contents(self._files)
        if found != self._seen:
            self._seen, self._seen_s = found, now_s
        if found is None or found == self._in_use or now_s - self._seen_s < self._delay_s:
            return False
        if not calm():
            return False
        if self.usable():
            _log.info("files_renewed", files=[str(file) for file in self._files])
            return True
        self._seen_s = now_s + _AGAIN_S
        return False

    def usable(self) -> bool:
        """Whether clients can be made with what is there; says so where they cannot."""
        try:
            check_client_options(self._config)
        except ConfigurationError as error:
            _log.warning("renewed_files_not_taken", reason=str(error))
            return False
        return True


def _files(config: WorkerConfig) -> tuple[Path, ...]:
    """The files that options name. A folder of certificates the client reads whenever it asks."""
    tables = (config.kafka, config.consumer, config.producer, config.schema_registry)
    options = chain.from_iterable(table.items() for table in tables)
    paths = {Path(value) for option, value in options if _FILE_OPTION.fullmatch(option)}
    return tuple(sorted(path for path in paths if path.is_file()))


def _contents(files: Sequence[Path]) -> bytes | None:
    """A digest of what the files hold; None while one cannot be read, as between two states."""
    try:
        return b"".join(sha256(file.read_bytes()).digest() for file in files)
    except OSError:
        return None
