from dataclasses import replace

import pytest

from snapshots import InvalidSnapshotError
from snapshots.header import config_differences, layout_differences, runtime_differences
from tests.snapshots.builders import HEADER


def test_equal_headers_do_not_differ_whatever_the_order_and_kind_of_sequences() -> None:
    config = {"log_sig_depth": 3, "half_lives": [2, 8, 32], "epsilon": 1e-3}
    other = replace(HEADER, config=config)
    assert config_differences(HEADER, other) == ()
    assert layout_differences(HEADER, other) == ()
    assert runtime_differences(HEADER, other) == {}


def test_differing_missing_and_new_keys_are_named() -> None:
    config = {"epsilon": 2e-3, "half_lives": (2, 8, 32), "learning_rate": 0.01}
    other = replace(HEADER, config=config, fingerprint="f" * 16)
    assert config_differences(HEADER, other) == ("epsilon", "learning_rate", "log_sig_depth")


def test_a_version_or_a_fingerprint_alone_is_a_difference() -> None:
    assert config_differences(HEADER, replace(HEADER, schema_version="2.0")) == ("schema_version",)
    assert config_differences(HEADER, replace(HEADER, fingerprint="f" * 16)) == ("fingerprint",)


def test_layout_differences() -> None:
    other = replace(HEADER, dtype="float32", blocks={"global": (0, 12)})
    assert layout_differences(HEADER, other) == ("dtype", "blocks")


def test_runtime_differences_show_both_sides() -> None:
    other = replace(HEADER, runtime={"jax": "0.8.0", "backend": "cpu", "dtype": "float64"})
    assert runtime_differences(HEADER, other) == {
        "jax": ("0.7.0", "0.8.0"),
        "backend": (None, "cpu"),
    }


@pytest.mark.parametrize(
    "blocks",
    [{"a": (1, 2)}, {"a": (0, 2), "b": (3, 4)}, {"a": (0, 2), "b": (1, 4)}, {"a": (0, -1)}],
)
def test_layouts_with_holes_are_refused(blocks: dict[str, tuple[int, int]]) -> None:
    with pytest.raises(InvalidSnapshotError):
        replace(HEADER, blocks=blocks)


def test_unknown_dtypes_are_refused() -> None:
    with pytest.raises(InvalidSnapshotError):
        replace(HEADER, dtype="float16")
