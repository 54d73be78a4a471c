"""One HTTP port for the platform: `/livez`, `/readyz` and `/metrics`, and nothing else.

It reads; nothing here changes the worker. It runs on threads of its own, so that a probe is
answered while the worker's loop is busy.
"""

import errno
import json
import socket
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from workers.errors import ConfigurationError
from workers.telemetry.health import WorkerHealth

__all__ = ["HealthServer"]

_CLIENT_TIMEOUT_S: Final = 5.0
_OF_THE_PORT: Final = {errno.EADDRINUSE, errno.EACCES}


class HealthServer:
    """Serves probes and metrics from construction to `close`.

    Args:
        health: what the probes report.
        registry: what `/metrics` exports.
        host: address to listen on; `::` is every one, of IPv4 too.
        port: 0 takes any free one; see `.port`.

    Raises:
        ConfigurationError: the address cannot be listened on.
    """

    def __init__(
        self,
        health: WorkerHealth,
        registry: CollectorRegistry,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        handler = type("_BoundHandler", (_Handler,), {"health": health, "registry": registry})
        try:
            self._server = _Server((host, port), handler)
        except OSError as error:
            remedy = (
                "choose another port, or 0 for any"
                if error.errno in _OF_THE_PORT
                else "choose an address of this machine, or 0.0.0.0 for all of them"
            )
            raise ConfigurationError(
                f"http.host/http.port: cannot listen on {host}:{port} ({error.strerror}): {remedy}"
            ) from error
        self._thread = threading.Thread(
            target=self._server.serve_forever, name="health", args=(0.1,), daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler]) -> None:
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, handler)

    def server_bind(self) -> None:
        """`::` takes IPv4 in, whatever the system's default is."""
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up early is its own affair: no traceback in the worker's log."""


class _Handler(BaseHTTPRequestHandler):
    health: WorkerHealth
    registry: CollectorRegistry
    timeout = _CLIENT_TIMEOUT_S
    server_version = "tickfleet"
    sys_version = ""

    def do_GET(self) -> None:
        """Answer one request."""
        report = self.health.report()
        match self.path.split("?", 1)[0]:
            case "/livez":
                self._probe(report.alive, report.detail)
            case "/readyz":
                self._probe(report.ready, report.detail)
            case "/metrics":
                encode, content_type = choose_encoder(self.headers.get("Accept") or "")
                self._send(HTTPStatus.OK, content_type, encode(self.registry))
            case _:
                self._send(HTTPStatus.NOT_FOUND, "text/plain", b"/livez, /readyz or /metrics\n")

    do_HEAD = do_GET  # noqa: N815  (the base class looks methods up by these names)

    def log_message(self, format: str, *args: Any) -> None:
        """Probes come every few seconds: they are not logged."""

    def _probe(self, passed: bool, detail: dict[str, str | int | float]) -> None:
        status = HTTPStatus.OK if passed else HTTPStatus.SERVICE_UNAVAILABLE
        body = json.dumps({"ok": passed, **detail}, default=str).encode() + b"\n"
        self._send(status, "application/json", body)

    def _send(self, status: HTTPStatus, content_type: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
