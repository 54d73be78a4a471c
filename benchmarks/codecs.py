"""Columnar codecs against fastavro, in one run: `python -m benchmarks.codecs`.

Microseconds a record on one core, the best of several rounds; the rounds of all rows are
interleaved, so that a slow moment of the machine meets every row. The cost of making
dictionaries for fastavro is not counted: its rows are a lower bound.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from io import BytesIO
from typing import Any

import numpy as np
from fastavro import schemaless_reader, schemaless_writer

from core import OUTPUT_ROWS, Output
from schemas import ResultCodec, ResultColumns, SingleObjectFraming, TickCodec
from schemas.contracts import contract

Case = Callable[[], object]


def tick_cases(count: int, rng: np.random.Generator) -> dict[str, Case]:
    codec = TickCodec(SingleObjectFraming())
    ids = [f"ASSET{number}" for number in rng.integers(0, 1000, count)]
    keys = [one.encode() for one in ids]
    price = rng.uniform(1, 100, count)
    target = np.where(rng.random(count) < 0.1, np.nan, price)
    stamp = 1_700_000_000_000_000_000 + np.cumsum(rng.integers(0, 10**7, count))
    values = codec.encode_batch(ids, price, target, stamp)
    damaged = [value[:-3] if row % 100 == 0 else value for row, value in enumerate(values)]
    schema = contract("Tick").parsed
    records = [schemaless_reader(BytesIO(value[10:]), schema, None) for value in values]
    return {
        "tick decode, columnar": lambda: codec.decode(keys, values),
        "tick decode, columnar, 1% damaged": lambda: codec.decode(keys, damaged),
        "tick decode, fastavro": lambda: [
            schemaless_reader(BytesIO(value[10:]), schema, None) for value in values
        ],
        "tick encode, columnar": lambda: codec.encode_batch(ids, price, target, stamp),
        "tick encode, fastavro": lambda: write_all(schema, records),
    }


def result_cases(count: int, rng: np.random.Generator) -> dict[str, Case]:
    codec = ResultCodec(SingleObjectFraming())
    outputs = rng.normal(size=(count, OUTPUT_ROWS))
    outputs[:, Output.FLAGS] = rng.integers(0, 2**13, count)
    outputs[:, Output.MODE] = rng.integers(0, 3, count)
    outputs[:, Output.SIGNATURE_DEPTH] = rng.choice([2, 3, 5], count)
    outputs[:, Output.KERNEL_MASK] = rng.integers(0, 16, count)
    results = ResultColumns(
        source_topic="ticks",
        source_partition=rng.integers(0, 32, count, dtype=np.int32),
        source_offset=10**9 + np.arange(count),
        sequence=rng.integers(0, 10**6, count),
        asset_id=[b"ASSET%d" % number for number in rng.integers(0, 1000, count)],
        timestamp_ns=1_700_000_000_000_000_000 + np.arange(count),
        processing_time_ns=np.full(count, 1_700_000_000_500_000_000),
        outputs=outputs,
    )
    schema = contract("PredictionResult").parsed
    records = [codec.decode(value) for value in codec.encode_batch(results)]
    return {
        "result encode, columnar": lambda: codec.encode_batch(results),
        "result encode, fastavro": lambda: write_all(schema, records),
    }


def write_all(schema: Any, records: Sequence[Any]) -> list[bytes]:
    values = []
    for record in records:
        body = BytesIO()
        schemaless_writer(body, schema, record)
        values.append(body.getvalue())
    return values


def measure(cases: dict[str, Case], *, count: int, rounds: int) -> dict[str, float]:
    """Best time of each case in microseconds a record."""
    best = dict.fromkeys(cases, float("inf"))
    for _ in range(rounds):
        for name, case in cases.items():
            start = time.perf_counter()
            case()
            best[name] = min(best[name], (time.perf_counter() - start) / count * 1e6)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, nargs="+", default=[256, 1024, 4096])
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    columns = {
        batch: measure(
            tick_cases(batch, rng) | result_cases(batch, rng), count=batch, rounds=options.rounds
        )
        for batch in options.batch
    }
    print(f"{'us a record, by batch size':36}" + "".join(f"{batch:>9}" for batch in columns))
    for name in next(iter(columns.values())):
        print(f"{name:36}" + "".join(f"{column[name]:9.3f}" for column in columns.values()))


if __name__ == "__main__":
    main()
