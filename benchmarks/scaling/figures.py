"""The measured figures that everything else is derived from."""

import json
import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Final

__all__ = ["FIGURES", "SOURCES", "Figures", "load", "save", "with_given"]

FIGURES: Final = Path(__file__).parents[1] / "results" / "scaling.json"


@dataclass(frozen=True, slots=True)
class Figures:
    """One machine's figures, with float64 state.

    Attributes:
        cpu_us_a_tick: worker's CPU from Kafka to Kafka, exactly once.
        replay_us_a_tick: decode, order and step, without outputs.
        snapshot_bytes_an_asset: of a chunk.
        encode_us_an_asset: serialise and hash, one thread.
        decode_us_an_asset: verify and decode, one thread.
        memory_bytes_an_asset: growth of the resident set.
        tick_bytes, result_bytes, journal_bytes: of a record's key and value.
        start_s: process start to results, executables cached.
        stop_s: SIGTERM to exit.
    """

    cpu_us_a_tick: float
    replay_us_a_tick: float
    snapshot_bytes_an_asset: float
    encode_us_an_asset: float
    decode_us_an_asset: float
    memory_bytes_an_asset: float
    tick_bytes: float
    result_bytes: float
    journal_bytes: float
    start_s: float
    stop_s: float


SOURCES: Final = {
    "cpu_us_a_tick": "benchmarks.end_to_end",
    "replay_us_a_tick": "benchmarks.stages",
    "snapshot_bytes_an_asset": "benchmarks.scaling --measure",
    "encode_us_an_asset": "benchmarks.scaling --measure",
    "decode_us_an_asset": "benchmarks.scaling --measure",
    "memory_bytes_an_asset": "benchmarks.recovery",
    "tick_bytes": "benchmarks.scaling --measure",
    "result_bytes": "benchmarks.scaling --measure",
    "journal_bytes": "benchmarks.scaling --measure",
    "start_s": "benchmarks.recovery",
    "stop_s": "benchmarks.recovery",
}


def load() -> Figures:
    """The figures of the last measurement."""
    values = json.loads(FIGURES.read_text("utf-8"))
    return Figures(**{field.name: float(values[field.name]) for field in fields(Figures)})


def save(figures: Figures) -> None:
    """Keep them for the page."""
    FIGURES.write_text(json.dumps(asdict(figures), indent=1) + "\n", "utf-8")


def with_given(figures: Figures, given: Iterable[str]) -> Figures:
    """`figures` with some replaced, each as `KEY=VALUE`.

    Raises:
        ValueError: a key is no figure, or a value no number above 0; the message names it.
    """
    known = [field.name for field in fields(Figures)]
    for pair in given:
        key, _, text = pair.partition("=")
        if key not in known:
            raise ValueError(f"{key} is no figure: use one of {', '.join(known)}")
        try:
            value = float(text)
        except ValueError:
            value = 0.0
        if not 0.0 < value < math.inf:
            raise ValueError(f"{key}={text}: give a number above 0")
        figures = replace(figures, **{key: value})
    return figures
