"""Serves the page on threads of its own, so that whoever starts it decides when it ends."""

import ipaddress
import socket
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Final

import uvicorn

from ops.web.app import make_app
from ops.web.board import Board
from ops.web.feeds import Feeds
from workers.config import WorkerConfig
from workers.errors import ConfigurationError

__all__ = ["is_loopback", "serving"]

_STREAMS_END_S: Final = 3


@contextmanager
def serving(
    config: WorkerConfig, *, host: str, port: int, names: Collection[str], most_assets: int
) -> Iterator[str]:
    """Fill a board and serve it as long as the context lasts; yields the page's address.

    Args:
        config: the fleet.
        host: address to listen on.
        port: 0 takes any free one.
        names: see `make_app`.
        most_assets: see `Board`.

    Raises:
        ConfigurationError: the address cannot be listened on.
    """
    board = Board(config.group_id, most_assets=most_assets)
    with _listen(host, port) as listener, Feeds(config, board), _http(board, listener, names):
        place, port = listener.getsockname()[:2]
        yield f"http://[{place}]:{port}/" if ":" in place else f"http://{place}:{port}/"


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the address."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen on {host}:{port} ({error.strerror}): choose another with --port, or "
            "0 for any free one"
        ) from error


@contextmanager
def _http(board: Board, listener: socket.socket, names: Collection[str]) -> Iterator[None]:
    ending = threading.Event()
    server = uvicorn.Server(
        uvicorn.Config(
            make_app(board, names=names, closing=ending.is_set),
            log_level="warning",
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=_STREAMS_END_S,
        )
    )
    thread = threading.Thread(target=server.run, args=([listener],), name="web", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ending.set()
        server.should_exit = True
        thread.join(2 * _STREAMS_END_S)
