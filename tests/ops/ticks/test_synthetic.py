"""Made-up ticks are reproducible and look like ticks."""

import numpy as np

from ops.ticks import synthetic_ticks


def test_the_seed_decides() -> None:
    one, same, other = (
        synthetic_ticks(500, assets=7, seed=seed, start_ns=10, interval_ns=1_000)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.price, same.price)
    np.testing.assert_array_equal(one.timestamp_ns, same.timestamp_ns)
    assert list(one.asset_id) == list(same.asset_id)
    assert not np.array_equal(one.price, other.price)


def test_they_look_like_ticks() -> None:
    count, interval_ns = 20_000, 1_000
    table = synthetic_ticks(count, assets=7, seed=3, start_ns=10, interval_ns=interval_ns)
    assert len(set(table.asset_id)) == 7
    assert (np.diff(table.timestamp_ns) >= 0).all()
    # The mean of n exponential gaps has a standard error of 1/sqrt(n): five of them.
    mean_gap_ns = (table.timestamp_ns[-1] - 10) / count
    assert abs(mean_gap_ns / interval_ns - 1) < 5 / np.sqrt(count)
    assets = np.array(table.asset_id)
    for asset in set(table.asset_id):
        returns = np.diff(np.log(table.price[assets == asset]))
        assert 0 < returns.std() < 1e-3
