"""A TCP proxy before a broker that loses or delays the answers to chosen Kafka requests.

It reads no more of the protocol than frames: a length, then for a request its API key and
correlation id, for a response the correlation id.
"""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

__all__ = ["END_TXN", "LossyProxy", "lossy_proxy"]

END_TXN: Final = 26
_REQUEST: Final = struct.Struct(">hhi")  # api_key, api_version, correlation_id
_RESPONSE: Final = struct.Struct(">i")
_LENGTH: Final = struct.Struct(">I")


class LossyProxy:
    """Which answers to lose: the connection is closed in place of passing one on.

    Args:
        port: where clients connect; 0 is a free one.

    Attributes:
        port: where clients connect.
        lost: how many answers have been lost.
        late_s: how late the answers that are not lost come.
    """

    def __init__(self, port: int = 0) -> None:
        self._server = socket.create_server(("127.0.0.1", port))
        self.port: int = self._server.getsockname()[1]
        self.lost = 0
        self.late_s = 0.0
        self._upstream = ("127.0.0.1", 0)
        self._to_lose = 0
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = [self._server]

    def lose(self, count: int) -> None:
        """Lose the answers to the next requests to end a transaction."""
        with self._lock:
            self._to_lose = count

    def start(self, upstream_port: int) -> None:
        """Pass connections on to a broker's port."""
        self._upstream = ("127.0.0.1", upstream_port)
        threading.Thread(target=self._accept, name="lossy-proxy", daemon=True).start()

    def close(self) -> None:
        """Stop, and close every connection."""
        for one in self._sockets:
            _close(one)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._server.accept()
                broker = socket.create_connection(self._upstream, 5)
            except OSError:
                return
            self._sockets += [client, broker]
            awaited: set[int] = set()
            self._pump(client, broker, lambda frame, ids=awaited: self._sent(frame, ids))  # type: ignore[misc]
            self._pump(broker, client, lambda frame, ids=awaited: self._answers(frame, ids))  # type: ignore[misc]

    def _sent(self, frame: bytes, awaited: set[int]) -> bool:
        api_key, _, correlation_id = _REQUEST.unpack_from(frame)
        if api_key == END_TXN:
            awaited.add(correlation_id)
        return True

    def _answers(self, frame: bytes, awaited: set[int]) -> bool:
        """Whether to pass a response on."""
        (correlation_id,) = _RESPONSE.unpack_from(frame)
        if correlation_id not in awaited:
            return True
        awaited.discard(correlation_id)
        time.sleep(self.late_s)
        with self._lock:
            if self._to_lose == 0:
                return True
            self._to_lose -= 1
            self.lost += 1
        return False

    def _pump(
        self, source: socket.socket, sink: socket.socket, passes: Callable[[bytes], bool]
    ) -> None:
        def run() -> None:
            with contextlib.suppress(OSError), source.makefile("rb") as stream:
                while (head := stream.read(_LENGTH.size)) and len(head) == _LENGTH.size:
                    frame = stream.read(_LENGTH.unpack(head)[0])
                    if not passes(frame):
                        break
                    sink.sendall(head + frame)
            _close(source)
            _close(sink)

        threading.Thread(target=run, daemon=True).start()


@contextmanager
def lossy_proxy(port: int = 0) -> Iterator[LossyProxy]:
    """A proxy; `start` it once the broker's port is known."""
    proxy = LossyProxy(port)
    try:
        yield proxy
    finally:
        proxy.close()


def _close(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
