"""The live page on a real fleet, in a real browser."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote
from urllib.request import urlopen

import numpy as np
import pytest
from confluent_kafka.cimpl import NewPartitions
from playwright.sync_api import Page, expect, sync_playwright

from ops.web import serving
from tests.fixtures.kafka import KafkaCluster, unique_name
from tests.kafka.conftest import MakeFleet, make_fleet
from tests.kafka.feed import Ticks, produce, random_ticks
from tests.kafka.worker_process import config_from_json

__all__ = ["make_fleet"]

pytestmark = pytest.mark.kafka
CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
HOSTILE = "<img src=/x onerror=document.title='owned'>&\"'"
PARTITIONS = 2
ASSETS = 12
TICKS = 900


def _ticks() -> Ticks:
    """A tick each 50 ms; one asset's name is an attack."""
    made = random_ticks(TICKS, ASSETS, seed=3)
    names = [HOSTILE if name == "asset-00007" else name for name in made.asset]
    # The price jumps once for each asset: a change of regime.
    price = made.price * np.where(np.arange(TICKS) > 700, 1.05, 1.0)
    return Ticks(names, price, made.timestamp_ns[0] + np.arange(TICKS) * 50_000_000)


def _get(url: str) -> Any:
    with urlopen(url, timeout=30) as answer:
        return json.load(answer)


def _wait(condition: Callable[[], Any], timeout_s: float = 90.0) -> Any:
    deadline_s = time.monotonic() + timeout_s
    while not (found := condition()):
        assert time.monotonic() < deadline_s
        time.sleep(0.1)
    return found


@contextmanager
def _browser(width: int, height: int, said: list[str]) -> Iterator[Page]:
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(60_000)
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        yield page
        browser.close()


def test_the_page_shows_a_fleet_and_the_api_its_exact_numbers(
    kafka: KafkaCluster, make_fleet: MakeFleet
) -> None:
    ticks = kafka.create_topic("ticks", partitions=PARTITIONS)
    fleet = make_fleet("fleet", ticks, PARTITIONS)
    sent = _ticks()
    produce(kafka, ticks, sent)
    fleet.start("w-0")
    config = config_from_json(fleet.config_json("page"))
    with serving(config, host="127.0.0.1", port=0, names=(), most_assets=50) as url:

        def lines() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = _get(f"{url}api/assets?sort=name")["assets"]
            return found

        # Sequences begin at 1: the newest of all assets add up to the ticks.
        _wait(lambda: sum(one["sequence"] for one in lines()) == TICKS)
        for one in lines():
            newest = max(n for n, name in enumerate(sent.asset) if name == one["asset_id"])
            assert one["price"] == pytest.approx(float(sent.price[newest]), rel=1e-12)
        picture = _wait(
            lambda: (
                (found := _get(f"{url}api/fleet")["picture"])
                and sum(one["answered_to"] + 1 for one in found["partitions"]) == TICKS
                and found
            )
        )
        assert picture["state"] == "STABLE"
        assert picture["members"] == ["w-0"]
        flags = _get(f"{url}api/flags")["flags"]
        assert flags
        hostile = _get(f"{url}api/asset?id={quote(HOSTILE, safe='')}")
        assert hostile["asset"]["asset_id"] == HOSTILE
        if CHROMIUM is None:
            pytest.skip("no Chromium on this machine: the page itself is not looked at")
        _look(url, flags_of=flags[0]["asset_id"])
    # Nobody has joined or committed but the worker.
    admin = kafka.admin()  # kept until the answer: the future dies with its client
    group = admin.describe_consumer_groups([fleet.group])[fleet.group].result(60)
    assert [member.group_instance_id for member in group.members] == ["w-0"]


def _look(url: str, *, flags_of: str) -> None:
    """What a person does: look, search, choose, follow a flag; then the same on a phone."""
    said: list[str] = []
    with _browser(1280, 800, said) as page:
        page.goto(url)
        expect(page.locator("#state")).to_have_text("stable", timeout=60_000)
        expect(page.locator("#assets-rows tr")).to_have_count(ASSETS)
        expect(page.locator("#fleet-rows tr")).to_have_count(PARTITIONS)
        page.keyboard.press("/")
        page.keyboard.type("IMG SRC")
        expect(page.locator("#assets-rows tr")).to_have_count(1)
        page.locator("#assets-rows a").click()
        expect(page.locator("#asset-title")).to_have_text(HOSTILE)
        expect(page.locator("#numbers dd").first).not_to_be_empty()
        assert page.locator("#charts canvas").count() == 4
        assert all(page.evaluate(_INK))
        chart = page.locator("#charts canvas").first
        label = chart.get_attribute("aria-label")
        chart.press("Home")
        assert chart.get_attribute("aria-label") != label
        page.locator("#search").fill("")
        page.locator("#flags-list a[href]").first.click()
        expect(page.locator("#asset-title")).to_have_text(flags_of)
        page.locator("#flag-severity").select_option("critical")
        shown = page.locator("#flags-list li")
        expect(shown).to_have_count(page.locator("#flags-list li.critical").count())
        for wanted, scheme in (("light", "light"), ("dark", "dark")):
            page.locator("#theme").click()
            expect(page.locator("#theme")).to_have_text(f"Theme: {wanted}")
            assert page.evaluate("getComputedStyle(document.documentElement).colorScheme") == scheme
        page.set_viewport_size({"width": 375, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 375
        assert "owned" not in page.title()
    assert said == []


# Whether each chart has drawn something: pixels that are not transparent.
_INK = """[...document.querySelectorAll("#charts canvas")].map((canvas) =>
  canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data
    .some((value, place) => place % 4 === 3 && value > 0))"""


def test_a_page_that_came_before_its_fleet_says_what_is_missing_and_goes_on(
    kafka: KafkaCluster,
) -> None:
    names = {
        name: unique_name(name)
        for name in ("ticks", "predictions", "flags", "dead_letters", "journal")
    }
    values = {
        "bootstrap_servers": kafka.bootstrap,
        "group_id": unique_name("fleet"),
        "worker_id": "page",
        "snapshot_url": "file:///unused",
        "topics": names,
    }
    config = config_from_json(json.dumps(values))
    with serving(config, host="127.0.0.1", port=0, names=(), most_assets=5) as url:

        def problems() -> dict[str, str]:
            found: dict[str, str] = _get(f"{url}api/status")["problems"]
            return found

        _wait(lambda: set(problems()) == {"predictions", "flags", "fleet"})
        assert all("tickfleet topics create" in text for text in problems().values())
        for name in names.values():
            kafka.create_topic(name=name)
        _wait(lambda: not problems())
        assert _get(f"{url}api/fleet")["picture"]["members"] == []
        admin = kafka.admin()
        grown = [NewPartitions(names[name], 2) for name in ("journal", "predictions", "ticks")]
        for answer in admin.create_partitions(grown).values():
            answer.result(60)
        _wait(lambda: len(_get(f"{url}api/fleet")["picture"]["partitions"]) == 2)
