from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from core import OUTPUT_ROWS, Flag, Mode, Output
from schemas import EncodingError, ResultCodec, ResultColumns, SingleObjectFraming, UndecodableError
from tests.schemas import reference

CODEC = ResultCodec(SingleObjectFraming())
LONG = st.integers(-(2**63), 2**63 - 1)
ID = st.text(st.characters(exclude_categories=["Cs"]), max_size=90).map(str.encode)
MODES = {Mode.STANDARD: "Standard", Mode.ROBUST: "Robust", Mode.EMERGENCY: "Emergency"}
DOUBLES = [
    *("predicted_next", "predicted_price", "location", "scale", "holder_exponent", "cusum_drift"),
    *("distance_to_collapse", "free_energy", "kurtosis", "dgm_entropy", "adaptive_threshold"),
]
LEVELS = [
    *("degraded_inference_mode", "emergency_mode", "mode_collapse_warning"),
    *("frequency_warning", "frozen_signal", "kurtosis_outlier_warning"),
    *("regime_change_detected", "sinkhorn_converged", "warming_up"),
]


@st.composite
def result_columns(draw: st.DrawFn) -> ResultColumns:
    count = draw(st.integers(0, 5))
    outputs = draw(
        hnp.arrays(np.float64, (count, OUTPUT_ROWS), elements=st.floats(allow_subnormal=True))
    )
    integers = {
        Output.FLAGS: st.integers(0, 2**13 - 1),
        Output.MODE: st.sampled_from(Mode),
        Output.SIGNATURE_DEPTH: st.integers(0, 63),
        Output.KERNEL_MASK: st.integers(0, 15),
    }
    for row, values in integers.items():
        outputs[:, row] = draw(hnp.arrays(np.int64, count, elements=values.map(int)))
    long_column = hnp.arrays(np.int64, count, elements=LONG)
    int_column = hnp.arrays(np.int32, count, elements=st.integers(-(2**31), 2**31 - 1))
    return ResultColumns(
        source_topic=draw(st.text(max_size=70)),
        source_partition=draw(int_column),
        source_offset=draw(long_column),
        sequence=draw(long_column),
        asset_id=draw(st.lists(ID, min_size=count, max_size=count)),
        timestamp_ns=draw(long_column),
        processing_time_ns=draw(long_column),
        outputs=outputs,
    )


def record(columns: ResultColumns, index: int) -> dict[str, Any]:
    """Row `index` as the contract says it, field by field."""
    out = columns.outputs[index]
    flags = Flag(int(out[Output.FLAGS]))
    return {
        "source_topic": columns.source_topic,
        "source_partition": int(columns.source_partition[index]),
        "source_offset": int(columns.source_offset[index]),
        "sequence": int(columns.sequence[index]),
        "asset_id": columns.asset_id[index].decode(),
        "timestamp_ns": int(columns.timestamp_ns[index]),
        "processing_time_ns": int(columns.processing_time_ns[index]),
        **{name: float(out[Output[name.upper()]]) for name in DOUBLES},
        "weights": [float(out[Output[f"WEIGHT_{kernel}"]]) for kernel in "ABCD"],
        "kernel_forecasts": [float(out[Output[f"FORECAST_{kernel}"]]) for kernel in "ABCD"],
        **{name: Flag[name.upper()] in flags for name in LEVELS},
        "outlier_rejected": Flag.DOMAIN_ERROR in flags,
        "mode": MODES[Mode(int(out[Output.MODE]))],
        "signature_depth": int(out[Output.SIGNATURE_DEPTH]),
        "kernel_mask": int(out[Output.KERNEL_MASK]),
    }


@given(result_columns())
def test_results_are_written_as_fastavro_does(columns: ResultColumns) -> None:
    records = [record(columns, index) for index in range(len(columns.asset_id))]
    assert CODEC.encode_batch(columns) == [
        reference.write("PredictionResult", one) for one in records
    ]


def seeded(count: int) -> ResultColumns:
    rng = np.random.default_rng(7)
    outputs = rng.normal(size=(count, OUTPUT_ROWS))
    outputs[:, Output.DGM_ENTROPY] = 1.5
    outputs[:, Output.FLAGS] = rng.integers(0, 2**13, count)
    outputs[:, Output.MODE] = rng.integers(0, 3, count)
    outputs[:, Output.SIGNATURE_DEPTH] = rng.choice([2, 3, 5], count)
    outputs[:, Output.KERNEL_MASK] = rng.integers(0, 16, count)
    return ResultColumns(
        source_topic="ticks",
        source_partition=rng.integers(0, 300, count, dtype=np.int32),
        source_offset=rng.integers(0, 2**40, count),
        sequence=np.arange(count),
        asset_id=[b"A" * int(size) for size in rng.integers(1, 257, count)],
        timestamp_ns=rng.integers(0, 2**63 - 1, count),
        processing_time_ns=rng.integers(0, 2**63 - 1, count),
        outputs=outputs,
    )


@pytest.mark.parametrize("count", [1023, 1024, 1025, 2500])
def test_large_batches_are_whole_and_in_order(count: int) -> None:
    columns = seeded(count)
    values = CODEC.encode_batch(columns)
    assert len(values) == count
    for index, value in enumerate(values):
        assert value == reference.write("PredictionResult", record(columns, index))


def test_results_come_back_as_dictionaries() -> None:
    columns = seeded(3)
    values = CODEC.encode_batch(columns)
    assert [CODEC.decode(value) for value in values] == [record(columns, i) for i in range(3)]
    with pytest.raises(UndecodableError):
        CODEC.decode(values[0][:-1])


@pytest.mark.parametrize("row", [Output.MODE, Output.SIGNATURE_DEPTH, Output.KERNEL_MASK])
@pytest.mark.parametrize("value", [-1.0, 64.0, np.nan, np.inf])
def test_outputs_outside_the_contract_are_refused(row: Output, value: float) -> None:
    columns = seeded(3)
    columns.outputs[1, row] = value
    with pytest.raises(EncodingError, match="outputs do not come"):
        CODEC.encode_batch(columns)


def test_columns_that_do_not_fit_are_refused() -> None:
    columns = seeded(3)
    with pytest.raises(EncodingError, match="shape"):
        CODEC.encode_batch(replace(columns, sequence=np.arange(2)))
    with pytest.raises(EncodingError, match="shape"):
        CODEC.encode_batch(replace(columns, outputs=columns.outputs[:, :-1]))
