"""A picture says what is wrong in words that stand out."""

from rich.console import Console

from ops.top import FleetPicture, PartitionPicture, render


def _shown(picture: FleetPicture, trouble: str = "") -> str:
    console = Console(width=120, no_color=True)
    with console.capture() as captured:
        console.print(render(picture, trouble))
    return captured.get()


def test_partitions_without_an_owner_and_flags_are_named() -> None:
    healthy = PartitionPicture(0, "w-0", 1_233, 4, 250.0, 3.4, 120)
    orphan = PartitionPicture(1, "", -1, 50_000, 0.0, None, 0)
    picture = FleetPicture(
        "fleet", "PREPARING_REBALANCING", ("w-0",), (healthy, orphan), {"FrozenSignal": 2}
    )
    lines = _shown(picture).splitlines()
    assert "preparing_rebalancing" in lines[0]
    assert "1 workers   250 ticks/s   lag 50,004" in lines[0]
    assert lines[2].split() == ["0", "w-0", "1,233", "250", "4", "3", "s", "120"]
    assert lines[3].split() == ["1", "nobody", "-", "0", "50,000", "none", "0"]
    assert "FrozenSignal 2" in lines[4]


def test_a_quiet_fleet_says_so() -> None:
    quiet = FleetPicture("fleet", "STABLE", (), (), {})
    assert "no flags since this began to look" in _shown(quiet)


def test_what_is_not_as_it_should_be_is_said_below_it() -> None:
    assert "missing topics: x" in _shown(
        FleetPicture("f", "STABLE", (), (), {}, ("missing topics: x",))
    )


def test_why_a_picture_is_an_old_one_is_said_below_it() -> None:
    quiet = FleetPicture("fleet", "STABLE", (), (), {})
    *before, last = _shown(quiet, "the brokers do not answer").splitlines()
    assert last == "the brokers do not answer"
    assert "stable" in before[0]
