"""A fleet's dumps at the rise of EmergencyMode (specification section 12.3), into the store.

For whoever looks into it afterwards; nothing reads them back. Invariant: no tick waits for one. A
storm of emergencies leaves one every `emergency_dump_interval_s` a worker, and the newest hundred
of a partition are kept.
"""

from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final

import numpy as np
import structlog

from core import Flag, Output, PredictionResult, state_layout
from core.errors import TickFleetError
from schemas import ResultColumns
from snapshots import ObjectStore, SnapshotScope
from snapshots.envelope import seal
from workers.clock import Clock
from workers.compute.state_table import StateTable
from workers.config import WorkerConfig
from workers.dump_document import REMEMBERED_RESULTS, emergency_document
from workers.partition import Partition
from workers.telemetry.metrics import M, Telemetry

__all__ = ["FleetDumps"]

_log = structlog.get_logger()
_KEPT_A_PARTITION: Final = 100
_DRIFT: Final = [int(Output.CUSUM_DRIFT), int(Output.ADAPTIVE_THRESHOLD)]


class FleetDumps:
    """Writes the dumps of one worker.

    Args:
        config: how often at most; the names of group, topic and worker.
        store: where to.
        table: the state of all assets.
        clock: spaces the dumps.
        telemetry: counts what became of them.
    """

    def __init__(
        self,
        config: WorkerConfig,
        store: ObjectStore,
        table: StateTable,
        *,
        clock: Clock,
        telemetry: Telemetry,
    ) -> None:
        self._config = config
        self._store = store
        self._table = table
        self._clock = clock
        self._telemetry = telemetry
        self._slices = state_layout(config.predictor).slices
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="emergency-dump")
        self._dumped_s = float("-inf")
        self._pending: Future[None] | None = None

    def look(self, results: ResultColumns, partitions: Mapping[int, Partition]) -> None:
        """Begin a dump if the mode rose in a micro-batch just stepped; returns at once.

        The state is the one after the micro-batch: it may hold later ticks of the asset.
        """
        if not self._config.emergency_dump_interval_s:
            return
        raised = results.outputs[:, Output.RAISED].astype(np.int64) & int(Flag.EMERGENCY_MODE)
        for number, i in enumerate(np.flatnonzero(raised).tolist()):
            partition = partitions.get(int(results.source_partition[i]))
            if number or partition is None or not self._is_due():
                self._telemetry.inc(M.EMERGENCY_DUMPS, outcome="skipped")
            else:
                self._begin(results, i, partition)

    def close(self, timeout_s: float) -> bool:
        """Wait for the dump under way; False if it still hangs in a call to the store."""
        self._thread.shutdown(wait=False, cancel_futures=True)
        return self._pending is None or not wait([self._pending], timeout_s).not_done

    def _is_due(self) -> bool:
        idle = self._pending is None or self._pending.done()
        since_s = self._clock.monotonic_s() - self._dumped_s
        return idle and since_s >= self._config.emergency_dump_interval_s

    def _begin(self, results: ResultColumns, i: int, partition: Partition) -> None:
        self._dumped_s = self._clock.monotonic_s()
        asset = results.asset_id[i]
        row = np.array([partition.rows_of[asset]])
        drift = results.outputs[_before(results, i)][:, _DRIFT].tolist()
        document = emergency_document(
            PredictionResult.from_column(results.outputs[i]),
            self._table.copy(row)[0],
            self._slices,
            asset_id=asset.decode(),
            timestamp_ns=int(results.timestamp_ns[i]),
            drift=drift,
        )
        offset = int(results.source_offset[i])
        source = {
            "source_topic": results.source_topic,
            "source_partition": partition.number,
            "source_offset": offset,
            "worker": self._config.worker_id,
        }
        scope = SnapshotScope(self._config.group_id, results.source_topic, partition.number)
        self._pending = self._thread.submit(
            self._write, scope, scope.dump_key(offset, asset.decode()), {**source, **document}
        )

    def _write(self, scope: SnapshotScope, key: str, document: dict[str, object]) -> None:
        try:
            self._store.put(key, seal(document).data)
            for old in self._store.list(scope.dump_prefix)[:-_KEPT_A_PARTITION]:
                self._store.delete(old)
        except TickFleetError as error:
            self._telemetry.inc(M.EMERGENCY_DUMPS, outcome="failed")
            _log.error("emergency_dump_failed", key=key, reason=str(error))
            return
        self._telemetry.inc(M.EMERGENCY_DUMPS, outcome="saved")
        _log.critical("emergency_dump_saved", key=key)


def _before(results: ResultColumns, i: int) -> list[int]:
    """The asset's results in this micro-batch up to one, oldest first."""
    same = results.source_partition[: i + 1] == results.source_partition[i]
    asset = results.asset_id[i]
    found = [n for n in np.flatnonzero(same).tolist() if results.asset_id[n] == asset]
    return found[-REMEMBERED_RESULTS:]
