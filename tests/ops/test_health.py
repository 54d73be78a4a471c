"""Probes over real HTTP: status codes follow the worker's status, other paths do not exist."""

import http.client
import json
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from prometheus_client import CollectorRegistry

from ops.health import HealthServer
from ops.metrics import PrometheusTelemetry
from workers.errors import ConfigurationError
from workers.telemetry.health import WorkerHealth
from workers.telemetry.metrics import M


@pytest.fixture
def telemetry() -> PrometheusTelemetry:
    """A telemetry with nothing but the catalogue."""
    return PrometheusTelemetry(CollectorRegistry())


@pytest.fixture
def health() -> WorkerHealth:
    """A worker that is starting."""
    return WorkerHealth()


@pytest.fixture
def server(health: WorkerHealth, telemetry: PrometheusTelemetry) -> Iterator[HealthServer]:
    """A server on a free port."""
    with HealthServer(health, telemetry.registry) as running:
        yield running


def _ask(
    server: HealthServer,
    path: str,
    *,
    method: str = "GET",
    host: str = "127.0.0.1",
    **headers: str,
) -> tuple[int, str, str]:
    with closing(http.client.HTTPConnection(host, server.port, timeout=10)) as connection:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"] or "", answer.read().decode()


def test_readiness_follows_the_worker(server: HealthServer, health: WorkerHealth) -> None:
    status, _, body = _ask(server, "/readyz")
    assert (status, json.loads(body)["ok"], json.loads(body)["phase"]) == (503, False, "starting")
    health.update(ready=True, phase="live", partitions=4)
    status, content_type, body = _ask(server, "/readyz")
    assert (status, content_type) == (200, "application/json")
    assert json.loads(body)["partitions"] == 4
    health.update(ready=True, partitions=5)
    _, _, body = _ask(server, "/readyz")
    assert (json.loads(body)["phase"], json.loads(body)["partitions"]) == ("live", 5)
    health.update(ready=False, phase="stopping")
    assert _ask(server, "/readyz")[0] == 503
    assert _ask(server, "/livez")[0] == 200


def test_no_proxy_may_keep_an_answer(server: HealthServer) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as connection:
        connection.request("GET", "/readyz")
        assert connection.getresponse().headers["Cache-Control"] == "no-store"


def test_a_silent_loop_fails_both_probes(telemetry: PrometheusTelemetry) -> None:
    stuck = WorkerHealth(stall_after_s=0.0)
    stuck.update(ready=True)
    with HealthServer(stuck, telemetry.registry) as server:
        assert _ask(server, "/livez")[0] == 503
        assert _ask(server, "/readyz")[0] == 503


def test_metrics_are_exported_in_both_formats(
    server: HealthServer, telemetry: PrometheusTelemetry
) -> None:
    telemetry.inc(M.COMMITS, 3)
    status, content_type, body = _ask(server, "/metrics")
    assert (status, content_type.split(";")[0]) == (200, "text/plain")
    assert f"{M.COMMITS.name} 3.0\n" in body
    _, content_type, body = _ask(server, "/metrics", Accept="application/openmetrics-text")
    assert content_type.split(";")[0] == "application/openmetrics-text"
    assert body.endswith("# EOF\n")


@pytest.mark.parametrize("path", ["/", "/livez/", "/admin", "/../etc/passwd"])
def test_nothing_else_is_served(server: HealthServer, path: str) -> None:
    assert _ask(server, path)[0] == 404


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nothing_can_be_changed(server: HealthServer, method: str) -> None:
    assert _ask(server, "/readyz", method=method)[0] == 501


def test_head_has_the_status_and_no_body(server: HealthServer) -> None:
    assert _ask(server, "/readyz", method="HEAD")[::2] == (503, "")


def test_a_taken_port_is_named(server: HealthServer, health: WorkerHealth) -> None:
    with pytest.raises(ConfigurationError, match=rf"http\.port.*{server.port}.*another port"):
        HealthServer(health, CollectorRegistry(), port=server.port)


def test_an_address_of_another_machine_is_not_taken_for_a_port(health: WorkerHealth) -> None:
    with pytest.raises(ConfigurationError, match=r"http\.host.*192\.0\.2\.1.*an address of this"):
        HealthServer(health, CollectorRegistry(), host="192.0.2.1")


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize(("host", "reached_at"), [("::", ["::1", "127.0.0.1"]), ("::1", ["::1"])])
def test_probes_are_answered_over_ipv6(
    health: WorkerHealth, host: str, reached_at: list[str]
) -> None:
    with HealthServer(health, CollectorRegistry(), host=host) as server:
        assert [_ask(server, "/livez", host=one)[0] for one in reached_at] == [200] * len(
            reached_at
        )
