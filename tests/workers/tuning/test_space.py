"""A search space says what is wrong with it, by the setting's name."""

from math import inf, nan
from pathlib import Path
from typing import Any

import pytest

from core import PredictorConfig
from workers.tuning import SearchSpace, TuningError, read_space

_BASE = PredictorConfig()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, "the space is empty"),
        ({"cusum": {"type": "float"}}, "cusum is no setting of the predictor: did you mean cusum_"),
        ({"schema_version": {}}, "schema_version names the state's meaning"),
        ({"staleness_ttl_ns": {}}, "staleness_ttl_ns has no effect at event time"),
        ({"cusum_h": 3}, "cusum_h: write a table, as in [cusum_h]"),
        ({"cusum_h": {"low": 1}}, "cusum_h: type=None: one of float, int, categorical"),
        ({"cusum_h": {"type": "int", "low": 1, "high": 2}}, "this setting can be float or cat"),
        ({"dgm_every": {"type": "float", "low": 1, "high": 2}}, "this setting can be int or"),
        ({"kernel_gate": {"type": "int", "low": 0, "high": 1}}, "this setting can be categorical"),
        ({"cusum_h": {"type": "float", "low": 1, "max": 9}}, "max means nothing for a float: it"),
        ({"cusum_h": {"type": "float", "low": 1}}, "cusum_h: high must be a number, not None"),
        ({"dgm_every": {"type": "int", "low": 1, "high": 2.5}}, "high=2.5: a whole number"),
        ({"dgm_every": {"type": "int", "low": 1, "high": inf}}, "dgm_every: high=inf: a finite"),
        ({"dgm_every": {"type": "int", "low": nan, "high": 3}}, "dgm_every: low=nan: a finite"),
        ({"cusum_h": {"type": "float", "low": 1, "high": 10**309}}, "00: a finite number"),
        ({"cusum_h": {"type": "float", "low": 1, "high": 2, "step": nan}}, "step=nan: a finite"),
        ({"cusum_h": {"type": "float", "low": 1, "high": 2, "step": inf}}, "step=inf: a finite"),
        ({"cusum_h": {"type": "float", "low": 5, "high": 5}}, "low=5 must be below high=5"),
        ({"cusum_k": {"type": "float", "low": 0, "high": 5, "log": True}}, "needs low > 0"),
        ({"cusum_h": {"type": "float", "low": 1, "high": 5, "log": 1}}, "log must be true or"),
        (
            {"cusum_h": {"type": "float", "low": 1, "high": 5, "log": True, "step": 1}},
            "give either log or step",
        ),
        ({"cusum_h": {"type": "float", "low": 1, "high": 5, "step": 0}}, "step must be above 0"),
        ({"kernel_a": {"type": "categorical", "choices": ["rls"]}}, "at least two values"),
        (
            {"kernel_a": {"type": "categorical", "choices": ["rls", "lms"]}},
            "the space allows kernel_a='lms'",
        ),
        ({"log_sig_depth": {"type": "int", "low": 2, "high": 7}}, "must lie in [2, 5]"),
    ],
)
def test_what_is_wrong_is_said(table: dict[str, Any], message: str) -> None:
    with pytest.raises(TuningError) as error:
        SearchSpace.parse(table, _BASE)
    assert message in str(error.value)


def test_a_space_is_the_table_again_with_its_defaults() -> None:
    table = {
        "cusum_h": {"type": "float", "low": 3, "high": 12.5, "log": True},
        "log_sig_depth": {"type": "int", "low": 2, "high": 5, "step": 3},
        "kernel_gate": {"type": "categorical", "choices": [True, False]},
    }
    space = SearchSpace.parse(table, _BASE)
    assert space.to_dict() == {
        "cusum_h": {"type": "float", "low": 3.0, "high": 12.5, "log": True, "step": None},
        "log_sig_depth": {"type": "int", "low": 2, "high": 5, "log": False, "step": 3},
        "kernel_gate": {"type": "categorical", "choices": [True, False]},
    }
    held = zip(space.dimensions, (5.0, 5, True), strict=True)
    assert all(one.holds(value) for one, value in held)
    assert not space.dimensions[0].holds(2.9)
    assert not space.dimensions[1].holds(3)


def test_a_files_byte_order_mark_is_no_statement(tmp_path: Path) -> None:
    space = tmp_path / "space.toml"
    space.write_text("\ufeff[cusum_h]\nlow = 1.0\n", "utf-8")
    assert read_space(space) == {"cusum_h": {"low": 1.0}}
