"""Keys by code read like the list of keys."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workers.batching.keys import CodedKeys, taken

_KEYS = st.lists(st.sampled_from([b"A", b"B", b"C", None]), max_size=30)


@given(_KEYS, st.data())
def test_they_read_like_the_list(keys: list[bytes | None], data: st.DataObject) -> None:
    coded = CodedKeys.of(keys)
    assert CodedKeys.of(coded) is coded
    index = data.draw(st.lists(st.integers(0, len(keys) - 1), max_size=40)) if keys else []
    for mine, whole in ((coded, keys), (taken(coded, np.array(index, int)), None)):
        wanted = taken(keys, np.array(index, int)) if whole is None else whole
        assert isinstance(mine, CodedKeys)
        assert list(mine) == list(wanted)
        assert len(mine) == len(wanted)
        assert [mine[i] for i in range(len(wanted))] == list(wanted)
        assert mine[1:3] == list(wanted[1:3])
        assert [mine.names[code] for code in mine.distinct()] == list(dict.fromkeys(wanted))
