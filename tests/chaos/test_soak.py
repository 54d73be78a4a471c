"""What the soak compares."""

from tests.chaos.soak import Sample, growth


def test_the_last_quarter_is_held_against_the_second() -> None:
    samples = [Sample(float(n), 10.0, 20.0, float(n % 2)) for n in range(40)]
    assert growth(samples) == {
        "resident_mib": (14.5, 34.5),
        "descriptors": (10.0, 10.0),
        "threads": (20.0, 20.0),
        "behind": (0.5, 0.5),
    }
