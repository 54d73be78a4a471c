"""The JSON API over a board, asked as a browser would."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from ops.top import FleetPicture, PartitionPicture
from ops.web import Board, make_app
from schemas import FlagState, FlagType, Severity
from tests.ops.web.made_up import flag, result

DOCS = Path(__file__).parents[3] / "docs" / "web.md"
STATIC = Path(__file__).parents[3] / "ops" / "web" / "static"


@pytest.fixture
def board() -> Board:
    return Board("fleet", most_assets=3)


@pytest.fixture
def client(board: Board) -> Iterator[TestClient]:
    with TestClient(make_app(board, names=["desk.example"]), base_url="http://localhost") as made:
        yield made


def _get(client: TestClient, path: str, status: int = 200) -> dict[str, Any]:
    answer = client.get(path)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def _names(client: TestClient, query: str) -> list[str]:
    return [one["asset_id"] for one in _get(client, f"/api/assets?{query}")["assets"]]


def test_the_fleet_is_what_top_prints(board: Board, client: TestClient) -> None:
    assert _get(client, "/api/fleet")["picture"] is None
    partition = PartitionPicture(0, "w-0", 99, 4, 250.0, None, 12)
    board.add_picture(FleetPicture("fleet", "STABLE", ("w-0",), (partition,), {"FrozenSignal": 2}))
    picture = _get(client, "/api/fleet")["picture"]
    assert picture["members"] == ["w-0"]
    assert picture["partitions"][0]["lag_records"] == 4
    assert picture["flags"] == {"FrozenSignal": 2}


def test_an_asset_has_its_price_its_error_and_its_points(board: Board, client: TestClient) -> None:
    # The first result expects 101.5 with scale 2; 104.5 came: an error of 1.5 deviations.
    board.add_results([result("ES/H6", 0), result("ES/H6", 1, price=104.5, kurtosis=float("inf"))])
    found = _get(client, "/api/asset?id=ES%2FH6")
    row = found["asset"]
    assert row["price"] == pytest.approx(104.5)
    assert row["mean_error"] == pytest.approx(1.5)
    assert row["change"] == pytest.approx(0.045)
    assert row["alarm_share"] == pytest.approx(0.2)
    assert row["kurtosis"] is None
    assert found["points"]["price"] == pytest.approx([100.0, 104.5])
    assert found["points"]["weights"] == [[0.25] * 4] * 2
    board.add_results([result("ES/H6", 0)])  # a reader that began anew
    assert _get(client, "/api/asset?id=ES%2FH6")["asset"]["price"] == pytest.approx(104.5)
    assert "nobody" in _get(client, "/api/asset?id=nobody", 404)["error"]


def test_assets_are_searched_and_sorted_and_no_more_than_allowed(
    board: Board, client: TestClient
) -> None:
    board.add_results([result("ALPHA", 0), result("beta", 0), result("gamma", 0)])
    board.add_results([result("beta", 1, price=110.0, cusum_drift=4.9)])
    board.add_results([result("gamma", 1, price=80.0)])
    assert _names(client, "sort=name") == ["ALPHA", "beta", "gamma"]
    assert _names(client, "sort=movers") == ["gamma", "beta", "ALPHA"]
    assert _names(client, "sort=worst") == ["gamma", "beta", "ALPHA"]
    assert _names(client, "sort=alarm")[0] == "beta"
    assert _names(client, "search=ALP") == ["ALPHA"]
    assert _names(client, "sort=name&limit=1&offset=1") == ["beta"]
    board.add_flags([flag("ALPHA", 1)])
    assert _names(client, "")[0] == "ALPHA"
    board.add_results([result("delta", 0)])
    assert not board.follows("delta")
    assert _get(client, "/api/assets")["matching"] == 3
    assert "sort=up" in _get(client, "/api/assets?sort=up", 400)["error"]
    assert "limit=-1" in _get(client, "/api/assets?limit=-1", 400)["error"]


def test_flags_come_once_newest_first_and_filtered(board: Board, client: TestClient) -> None:
    critical = flag("A", 2, kind=FlagType.REGIME_CHANGE_DETECTED, severity=Severity.CRITICAL)
    board.add_flags([flag("A", 1), critical, flag("B", 3, state=FlagState.CLEARED)])
    board.add_flags([critical])
    found = _get(client, "/api/flags")
    assert [one["event_id"] for one in found["flags"]] == ["event-3", "event-2", "event-1"]
    assert found["flags"][0]["values"] == {"cusum_drift": 6.0}

    def chosen(query: str) -> list[str]:
        return [one["event_id"] for one in _get(client, f"/api/flags?{query}")["flags"]]

    assert chosen("severity=critical") == ["event-2"]
    assert chosen("type=FrozenSignal&state=raised,cleared") == ["event-3", "event-1"]
    assert chosen("asset=B") == ["event-3"]
    assert chosen("after=2") == ["event-3"]
    assert chosen("limit=1") == ["event-3"]
    assert "severity=high" in _get(client, "/api/flags?severity=high", 400)["error"]
    board.add_flags(flag("A", number) for number in range(10, 1_200))
    assert len(chosen("limit=5000")) == 1_000


def test_names_that_point_here_from_elsewhere_and_writing_are_refused(client: TestClient) -> None:
    for host in ("localhost", "LOCALHOST:8642", "127.0.0.1:1", "[::1]:8642", "10.1.2.3"):
        assert client.get("/api/status", headers={"host": host}).status_code == 200, host
    assert client.get("/api/status", headers={"host": "desk.example:80"}).status_code == 200
    for host in ("evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "x:y"):
        assert client.get("/api/status", headers={"host": host}).status_code == 421, host
    for method in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS"):
        assert client.request(method, "/api/flags").status_code == 405
    for path in ("/static/../app.py", "/static/%2e%2e/app.py", "/api/none"):
        assert client.get(path).status_code == 404


def test_every_answer_says_that_only_its_own_code_may_run(client: TestClient) -> None:
    for path in ("/", "/static/app.js", "/api/status", "/api/none"):
        headers = client.get(path).headers
        policy = dict(
            part.strip().partition(" ")[::2]
            for part in headers["content-security-policy"].split(";")
        )
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == "'self'"
        assert "access-control-allow-origin" not in headers
        assert headers["x-content-type-options"] == "nosniff"


def test_the_page_needs_nothing_from_elsewhere() -> None:
    for file in STATIC.iterdir():
        text = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "//" not in re.sub(r"^\s*//.*$|; //.*$", "", text, flags=re.MULTILINE), file
        assert "innerHTML" not in text and "eval(" not in text, file


def test_the_api_is_the_one_that_the_page_describes() -> None:
    described = set(re.findall(r"^\| `(/api/\w+)", DOCS.read_text("utf-8"), re.MULTILINE))
    routes = {str(getattr(one, "path", "")) for one in make_app(Board("g", most_assets=1)).routes}
    assert described == {path for path in routes if path.startswith("/api")}


def test_a_stream_tells_what_is_new_and_goes_on_where_it_was_cut(board: Board) -> None:
    ends = iter([False, True, False, True])
    client = TestClient(make_app(board, closing=lambda: next(ends)), base_url="http://localhost")
    board.add_results([result("A", 0)])
    board.add_flags([flag("A", 1), flag("A", 2)])
    first = _events(client.get("/api/events?asset=A").text)
    assert [kind for _, kind, _ in first] == ["status", "flags", "asset"]
    assert [one["event_id"] for one in first[1][2]["flags"]] == ["event-2", "event-1"]
    assert first[2][2]["points"]["price"] == pytest.approx([100.0])
    board.add_flags([flag("A", 3)])
    headers = {"last-event-id": first[1][0]}
    again = _events(client.get("/api/events", headers=headers).text)
    assert [one["event_id"] for one in again[1][2]["flags"]] == ["event-3"]


def _events(text: str) -> list[tuple[str, str, Any]]:
    found = []
    for block in text.strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines())
        found.append((lines.get("id", ""), lines["event"], json.loads(lines["data"])))
    return found
