"""Measures every figure anew: sizes and times of one process, then of a worker on a broker."""

from dataclasses import replace

import numpy as np

from benchmarks import recovery
from benchmarks.end_to_end import exactly_once_cpu_us
from benchmarks.scaling.figures import Figures
from benchmarks.snapshots import best_s, make_image
from benchmarks.stages import stage_times
from core import Output, PredictorConfig
from schemas import JournalCodec, JournalRecord, ResultCodec, ResultColumns, SingleObjectFraming
from snapshots import CHUNK_ROWS, current_header
from snapshots.chunk import ChunkEntry, decode_chunk, encode_chunk
from tests.kafka.feed import random_ticks

__all__ = ["measured", "measured_with_kafka"]

_ROUNDS = 5
_REPLAYED = ("decode", "look up", "order", "pack", "step")
_DISTINCT = 1_000
_TICKS = 500_000
_RECOVERY_S = 300.0


def measured(before: Figures) -> Figures:
    """`before` with everything that this process can measure measured anew."""
    config = PredictorConfig()
    header = current_header(config, "float64")
    image = make_image(header, CHUNK_ROWS, np.random.default_rng(0))
    encode_s, sealed = best_s(lambda: encode_chunk(image, header, 0), _ROUNDS)
    entry = ChunkEntry(sealed.digest, CHUNK_ROWS)
    decode_s, _ = best_s(lambda: decode_chunk(sealed.data, entry, header), _ROUNDS)
    tick_bytes, result_bytes, journal_bytes = _record_sizes(config)
    stages = stage_times(32_768, "float64")
    return replace(
        before,
        replay_us_a_tick=sum(us for name, us in stages if name.startswith(_REPLAYED)),
        snapshot_bytes_an_asset=len(sealed.data) / CHUNK_ROWS,
        encode_us_an_asset=encode_s / CHUNK_ROWS * 1e6,
        decode_us_an_asset=decode_s / CHUNK_ROWS * 1e6,
        tick_bytes=tick_bytes,
        result_bytes=result_bytes,
        journal_bytes=journal_bytes,
    )


def measured_with_kafka(before: Figures) -> Figures:
    """`before` with what a worker on a broker shows measured anew; some minutes."""
    lived = recovery.measure(_RECOVERY_S)
    return replace(
        before,
        cpu_us_a_tick=exactly_once_cpu_us(_TICKS),
        memory_bytes_an_asset=lived.memory_bytes_an_asset,
        start_s=lived.start_s,
        stop_s=lived.stop_s,
    )


def _record_sizes(config: PredictorConfig) -> tuple[float, float, float]:
    """Key and value of a tick, a result and a journal record, before compression."""
    framing = SingleObjectFraming()
    ticks = random_ticks(_DISTINCT, 100, seed=1)
    key = len(ticks.asset[0])

    results = ResultColumns(
        source_topic="ticks",
        source_partition=np.zeros(_DISTINCT, dtype=np.int32),
        source_offset=np.arange(_DISTINCT) + 10**9,
        sequence=np.arange(_DISTINCT) + 10**6,
        asset_id=[asset.encode() for asset in ticks.asset],
        timestamp_ns=ticks.timestamp_ns,
        processing_time_ns=ticks.timestamp_ns,
        outputs=np.ones((_DISTINCT, len(Output))),
    )
    said = 5, 15, config.fingerprint(), "worker-0", (), "float64", "tickfleet", "ticks"
    journal = JournalRecord(10**9, 10**9 + 100, 10**18, *said)
    return (
        key + float(np.mean([len(value) for value in ticks.values()])),
        key + float(np.mean([len(v) for v in ResultCodec(framing).encode_batch(results)])),
        float(len(JournalCodec(framing).encode(journal))),
    )
