"""An HTTP proxy in front of an S3 endpoint that misbehaves on command."""

import http.client
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum, auto
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


class Fault(Enum):
    NONE = auto()
    ERROR_500 = auto()
    SLOW_DOWN = auto()
    CUT = auto()  # the connection is closed at once, as where nobody listens
    HANG = auto()  # no reply, and the endpoint never sees the request
    HANG_AFTER_SUCCESS = auto()  # the endpoint has done it, the reply is lost
    TRUNCATE = auto()
    FLIP_BIT = auto()
    TRICKLE = auto()  # bytes arrive often enough for every socket timeout, but for ever
    GARBAGE = auto()
    DENIED = auto()
    DENIED_WITHIN = auto()  # of several objects in one request, one may not be deleted
    NOT_IMPLEMENTED = auto()
    REDIRECT = auto()


_ERRORS = {
    Fault.ERROR_500: (500, b"<Error><Code>InternalError</Code></Error>"),
    Fault.SLOW_DOWN: (503, b"<Error><Code>SlowDown</Code></Error>"),
    Fault.GARBAGE: (502, b"<html>Bad gateway"),
    Fault.DENIED: (403, b"<Error><Code>AccessDenied</Code></Error>"),
    Fault.DENIED_WITHIN: (
        200,
        b"<DeleteResult><Error><Key>p/a/2</Key><Code>AccessDenied</Code></Error></DeleteResult>",
    ),
    Fault.REDIRECT: (301, b"<html>Moved permanently"),
    Fault.NOT_IMPLEMENTED: (501, b"<Error><Code>NotImplemented</Code></Error>"),
}
_DROPPED_HEADERS = {"transfer-encoding", "connection", "content-length", "date", "server"}


class Plan:
    """Faults for the next requests, in order; `then` for all that follow. Counts requests."""

    hang_s = 2.0

    def __init__(self) -> None:
        self.next: deque[Fault] = deque()
        self.then = Fault.NONE
        self.requests: list[str] = []
        self._lock = threading.Lock()

    def take(self, method: str) -> Fault:
        with self._lock:
            self.requests.append(method)
            return self.next.popleft() if self.next else self.then


@contextmanager
def faulty_proxy(endpoint: str) -> Iterator[tuple[str, Plan]]:
    """The proxy's URL and its plan."""
    plan = Plan()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(urlsplit(endpoint).netloc, plan))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", plan
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(upstream: str, plan: Plan) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            fault = plan.take(self.command)
            self.close_connection = True
            if fault is Fault.CUT:
                return
            if fault is Fault.HANG:
                time.sleep(plan.hang_s)
            elif fault in _ERRORS:
                status, reply = _ERRORS[fault]
                self._reply(status, {}, reply, fault)
            else:
                self._reply(*self._forward(body), fault)

        def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
            connection = http.client.HTTPConnection(upstream, timeout=10)
            connection.request(self.command, self.path, body, dict(self.headers))
            response = connection.getresponse()
            reply = response.read()
            connection.close()
            return response.status, dict(response.getheaders()), reply

        def _reply(self, status: int, headers: dict[str, str], body: bytes, fault: Fault) -> None:
            if fault is Fault.HANG_AFTER_SUCCESS:
                time.sleep(plan.hang_s)
                return
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in _DROPPED_HEADERS:
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Connection", "close")
            self.end_headers()
            if fault is Fault.TRUNCATE:
                body = body[: len(body) // 2]
            if fault is Fault.FLIP_BIT:
                body = bytes([body[0] ^ 1]) + body[1:]
            if fault is Fault.TRICKLE:
                self._trickle(body)
            else:
                self.wfile.write(body)

        def _trickle(self, body: bytes) -> None:
            for start in range(0, len(body), 1 << 10):
                time.sleep(0.05)
                self.wfile.write(body[start : start + (1 << 10)])

        do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815 - http.server's names

        def log_message(self, *_args: object) -> None:
            """Silent."""

    return Handler
