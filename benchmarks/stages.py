"""Where a micro-batch's time goes, stage by stage, without a broker.

`python -m benchmarks.stages [RECORDS]`: batches of RECORDS ticks (default 32768) of 1000 assets,
one core. Consuming and producing are measured by `benchmarks.end_to_end`, which has a broker.
"""

import os
import sys
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks._kafka import WORKER_CORE, print_table
from core import AVAILABLE_KERNELS, PredictorConfig
from schemas import ResultCodec, ResultColumns, SingleObjectFraming, TickCodec
from tests.kafka.feed import random_ticks
from workers.batching.decisions import Decision, pack_inputs, spread
from workers.compute.rounds import order_by_row, plan_rounds
from workers.compute.state_table import StateTable

_ASSETS = 1_000
_REPEATS = 7


def _best_us(act: Callable[[], Any], records: int) -> float:
    times = []
    for _ in range(_REPEATS):
        begun_s = time.perf_counter()
        act()
        times.append(time.perf_counter() - begun_s)
    return min(times) / records * 1e6


def stage_times(records: int, dtype: str) -> list[tuple[str, float]]:
    """Each stage of a micro-batch of `records` ticks, in µs a tick, best of several."""
    config = PredictorConfig()
    ticks = random_ticks(records, _ASSETS, seed=1)
    codec, results = TickCodec(SingleObjectFraming()), ResultCodec(SingleObjectFraming())
    keys: list[bytes | None] = [asset.encode() for asset in ticks.asset]
    values: list[bytes | None] = list(ticks.values())
    # The same batch again and again: nobody should settle down to it.
    table = StateTable(config, dtype, by_activity=False)
    row_of = dict(zip(sorted(set(keys), key=str), table.allocate(len(set(keys))), strict=True))
    rows = np.array([row_of[key] for key in keys])
    order = order_by_row(rows)
    decisions = spread(
        Decision(int(ticks.timestamp_ns[-1]), config.log_sig_depth, int(AVAILABLE_KERNELS)), records
    )

    def pack() -> Any:
        return pack_inputs(
            price=ticks.price,
            target=ticks.price,
            timestamp_ns=ticks.timestamp_ns,
            elapsed_ns=np.zeros(records, dtype=np.int64),
            decisions=decisions,
            staleness_ttl_ns=config.staleness_ttl_ns,
        )

    columns = pack()
    at_once = np.zeros(records, dtype=np.int64)
    outputs = table.step(order, columns, at_once)
    result = ResultColumns(
        source_topic="ticks",
        source_partition=np.zeros(records, dtype=np.int32),
        source_offset=np.arange(records),
        sequence=np.arange(records) + 1,
        asset_id=[key for key in keys if key is not None],
        timestamp_ns=ticks.timestamp_ns,
        processing_time_ns=ticks.timestamp_ns,
        outputs=outputs,
    )
    encoded = results.encode_batch(result)
    calls = plan_rounds(order.rank, rows).tile_of_slot.size
    full = records / (calls * 64)
    stages: list[tuple[str, Callable[[], Any]]] = [
        ("decode", lambda: codec.decode(keys, values)),
        ("look up rows", lambda: np.array([row_of[key] for key in keys])),
        ("order by row", lambda: order_by_row(rows)),
        ("pack inputs", pack),
        (
            f"step ({calls} calls, tiles {full:.0%} full)",
            lambda: table.step(order, columns, at_once),
        ),
        ("encode results", lambda: results.encode_batch(result)),
        (
            "messages for the producer",
            lambda: [
                {"key": k, "value": v, "partition": 0}
                for k, v in zip(result.asset_id, encoded, strict=True)
            ],
        ),
    ]
    return [(name, _best_us(act, records)) for name, act in stages]


def main(records: int) -> None:
    """Measure both dtypes and print one table."""
    os.sched_setaffinity(0, {WORKER_CORE})
    single, double = stage_times(records, "float32"), stage_times(records, "float64")
    rows: list[tuple[object, ...]] = [
        (name, f"{a:.2f}", f"{b:.2f}") for (name, a), (_, b) in zip(single, double, strict=True)
    ]
    total = [sum(us for _, us in stages) for stages in (single, double)]
    rows.append(("all of these", *(f"{us:.2f}" for us in total)))
    title = f"µs a tick, batches of {records} ticks of {_ASSETS} assets, one core"
    print_table(title, ("stage", "float32", "float64"), rows)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 32_768)
