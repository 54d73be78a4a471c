"""What stands at the axes of charts."""

import re

import numpy as np
import pytest

from ops.html.frame import Scale, time_axis

_BEGIN_NS = 1_700_000_000 * 10**9


@pytest.mark.parametrize("span_s", [20e-6, 2e-3, 1.0, 4.9, 5.0, 3_600.0, 14_400.0, 4e5, 1e9])
def test_the_times_at_an_axis_differ(span_s: float) -> None:
    time_ns = _BEGIN_NS + np.array([0.0, span_s * 1e9])
    scale = Scale(time_ns[0], time_ns[1], 0.0, 700.0)
    texts = re.findall(">([^<]+)</text>", time_axis(time_ns, scale))
    assert len(texts) == len(set(texts)) == 5


def test_one_moment_stands_there_once() -> None:
    axis = time_axis(np.full(120, float(_BEGIN_NS)), Scale(0.0, 1.0, 0.0, 700.0))
    assert re.findall(">([^<]+)</text>", axis) == ["22:13:20.000000"]
