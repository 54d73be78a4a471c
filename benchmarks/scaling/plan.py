"""From a load and the measured figures to what the fleet needs. Pure arithmetic."""

import math
from dataclasses import dataclass

from benchmarks.scaling.figures import Figures
from snapshots import CHUNK_ROWS

__all__ = ["PARTITIONS_A_WORKER", "Load", "Plan", "plan", "recovery_s"]

PARTITIONS_A_WORKER = 4
_MANIFEST_BYTES_A_CHUNK = 33
_REPLICAS = 3
_MONTH_S = 30 * 86_400
_MIN_WORKERS = 2


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked of a fleet.

    Attributes:
        assets: distinct ones, ticking equally often.
        ticks_per_s: over all assets.
        utilisation: share of each core that is to be in use; the rest catches up.
        commit_interval_ms, snapshot_interval_s, session_timeout_s: the settings.
        usd_per_million_puts: list price of the store's PUT requests.
    """

    assets: int
    ticks_per_s: float
    utilisation: float = 0.6
    commit_interval_ms: float = 25.0
    snapshot_interval_s: float = 10.0
    session_timeout_s: float = 6.0
    usd_per_million_puts: float = 5.0


@dataclass(frozen=True, slots=True)
class Plan:
    """What it takes; every field is derived.

    Attributes:
        workers: processes of one core.
        partitions: four a worker, so that a dead worker's are shared by several.
        memory_bytes: of one worker's assets.
        transactions_per_s: over the fleet, the most there can be.
        bytes_in_per_s, bytes_out_per_s: of the cluster before compression; out with replicas.
        journal_bytes_per_s: the part of it that is ours.
        chunks_per_s: PUT requests for chunks, over the fleet.
        puts_per_s: chunks and manifests.
        store_bytes_per_s: uploaded.
        usd_per_month: of PUT requests alone.
        takeover_s: a worker dies and stays away: its partitions answer again, on the average.
        restart_s: a worker dies and comes back at once.
    """

    workers: int
    partitions: int
    memory_bytes: float
    transactions_per_s: float
    bytes_in_per_s: float
    bytes_out_per_s: float
    journal_bytes_per_s: float
    chunks_per_s: float
    puts_per_s: float
    store_bytes_per_s: float
    usd_per_month: float
    takeover_s: float
    restart_s: float


def plan(load: Load, measured: Figures) -> Plan:
    """What a load needs."""
    busy = load.ticks_per_s * measured.cpu_us_a_tick * 1e-6
    workers = max(_MIN_WORKERS, math.ceil(busy / load.utilisation))
    partitions = workers * PARTITIONS_A_WORKER
    commits_per_s = 1000.0 / load.commit_interval_ms
    journal = partitions * commits_per_s * measured.journal_bytes
    chunks_per_s = _changed_chunks(load, partitions) / load.snapshot_interval_s
    puts_per_s = chunks_per_s + partitions / load.snapshot_interval_s
    unsaved_s = load.snapshot_interval_s / 2
    results = load.ticks_per_s * measured.result_bytes
    manifests = load.assets / CHUNK_ROWS * _MANIFEST_BYTES_A_CHUNK / load.snapshot_interval_s
    chunk_bytes = CHUNK_ROWS * measured.snapshot_bytes_an_asset
    return Plan(
        workers=workers,
        partitions=partitions,
        memory_bytes=load.assets / workers * measured.memory_bytes_an_asset,
        transactions_per_s=workers * commits_per_s,
        bytes_in_per_s=load.ticks_per_s * measured.tick_bytes,
        bytes_out_per_s=(results + journal) * _REPLICAS,
        journal_bytes_per_s=journal,
        chunks_per_s=chunks_per_s,
        puts_per_s=puts_per_s,
        store_bytes_per_s=chunks_per_s * chunk_bytes + manifests,
        usd_per_month=puts_per_s * _MONTH_S * 1e-6 * load.usd_per_million_puts,
        takeover_s=load.session_timeout_s
        + recovery_s(load, measured, partitions, unsaved_s, moved=1),
        restart_s=measured.start_s
        + recovery_s(load, measured, partitions, unsaved_s, moved=PARTITIONS_A_WORKER),
    )


def recovery_s(
    load: Load, measured: Figures, partitions: int, unsaved_s: float, *, moved: int
) -> float:
    """From assignment to live, for `moved` partitions given to one worker at once.

    Loading them and replaying what `unsaved_s` seconds brought, beside its own work if it has
    any: a worker that took over keeps the share `utilisation` of its core busy.
    """
    assets = load.assets / partitions * moved
    ticks = load.ticks_per_s / partitions * moved * unsaved_s
    free = 1.0 if moved == PARTITIONS_A_WORKER else 1.0 - load.utilisation
    work_us = assets * measured.decode_us_an_asset + ticks * measured.replay_us_a_tick
    return work_us * 1e-6 / free


def _changed_chunks(load: Load, partitions: int) -> float:
    """Chunks with at least one tick in a snapshot interval, ticks falling at random."""
    chunks = max(load.assets / CHUNK_ROWS, min(partitions, load.assets))
    ticks_a_chunk = load.ticks_per_s * load.snapshot_interval_s / chunks
    return chunks * -math.expm1(-ticks_a_chunk)
