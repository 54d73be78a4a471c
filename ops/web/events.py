"""Server-sent events: what changed, once a second, at each browser's own pace.

Nothing is queued for a browser: a turn looks at the board, sends what is new, and waits until
the socket has taken it. Who reads slowly gets fewer, larger turns; who does not read is let go.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator
from typing import Any, Final

from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from ops.web.board import Board
from ops.web.query import FlagQuery

__all__ = ["EventStream"]

_TURN_S: Final = 1.0
_SEND_TIMEOUT_S: Final = 20.0
_NO_FLAGS_YET: Final = -1


class EventStream:
    """One browser's stream: an ASGI response.

    Args:
        board: what is told of.
        asset: the asset whose points are wanted; empty for none.
        last: the id of the last flags event that the browser had before it lost the connection.
        closing: asked each turn whether the server ends.
    """

    def __init__(self, board: Board, *, asset: str, last: str, closing: Callable[[], bool]) -> None:
        self._board = board
        self._asset = asset
        self._closing = closing
        boot, _, number = last.partition("-")
        known = boot == board.boot and number.isdecimal()
        self._flags_to = int(number) if known else _NO_FLAGS_YET
        self._points_from = 0
        self._seen_asset = (0, 0)
        self._seen_fleet_ms = 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Send until the browser or the server goes."""
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        gone = asyncio.create_task(_gone(receive))
        try:
            while not gone.done() and not self._closing():
                body = await run_in_threadpool(self._turn)
                async with asyncio.timeout(_SEND_TIMEOUT_S):
                    await send({"type": "http.response.body", "body": body, "more_body": True})
                await asyncio.wait([gone], timeout=_TURN_S)
        except (TimeoutError, OSError):
            return  # it does not read; it will connect again if it still lives
        finally:
            gone.cancel()
        with contextlib.suppress(OSError):
            await send({"type": "http.response.body", "body": b"", "more_body": False})

    def _turn(self) -> bytes:
        return "".join(self._news()).encode()

    def _news(self) -> Iterator[str]:
        board = self._board
        yield _event("status", board.status())
        fleet = board.fleet()
        if fleet["at_ms"] != self._seen_fleet_ms:
            self._seen_fleet_ms = fleet["at_ms"]
            yield _event("fleet", fleet)
        flags = board.flags(FlagQuery(after=self._flags_to))
        if flags["end"] != self._flags_to:
            self._flags_to = flags["end"]
            yield _event("flags", flags, number=f"{board.boot}-{self._flags_to}")
        version = board.version(self._asset)
        if version != self._seen_asset:
            self._seen_asset = version
            found = board.asset(self._asset, since=self._points_from)
            if found is not None:
                # The last point may still change: it comes again with the next ones.
                self._points_from = max(version[0] - 1, 0)
                yield _event("asset", found)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _event(kind: str, data: Any, *, number: str | None = None) -> str:
    head = f"id: {number}\n" if number is not None else ""
    return f"{head}event: {kind}\ndata: {json.dumps(data, allow_nan=False)}\n\n"
