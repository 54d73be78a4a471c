"""The routes: a page, its files, and a JSON API of the same data. All of them only read."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from ops.web.board import Board
from ops.web.events import EventStream
from ops.web.guard import Guard
from ops.web.query import AssetQuery, BadQueryError, FlagQuery

__all__ = ["make_app"]

_STATIC: Final = Path(__file__).parent / "static"
_MOST_STREAMS: Final = 100
_FRESH: Final = {"Cache-Control": "no-store"}


def make_app(
    board: Board,
    *,
    names: Collection[str] = (),
    closing: Callable[[], bool] = lambda: False,
) -> Starlette:
    """The page over a board.

    Args:
        board: what is shown.
        names: host names besides localhost and addresses that it may be called by.
        closing: whether the server is ending: open streams then end too.
    """
    routes = [
        Route("/", _page),
        Route("/api/status", _json(lambda _: board.status())),
        Route("/api/fleet", _json(lambda _: board.fleet())),
        Route("/api/assets", _json(lambda asked: board.assets(AssetQuery.read(asked)))),
        Route("/api/asset", _json(lambda asked: _asset(board, asked))),
        Route("/api/flags", _json(lambda asked: board.flags(FlagQuery.read(asked)))),
        Route("/api/events", _events(board, closing)),
        Mount("/static", StaticFiles(directory=_STATIC)),
    ]
    return Starlette(
        routes=routes,
        middleware=[Middleware(Guard, names=names)],
        exception_handlers={HTTPException: _refused, BadQueryError: _misunderstood},
    )


def _json(look: Callable[[Mapping[str, str]], dict[str, Any]]) -> Callable[[Request], Response]:
    """Runs on a thread, so that a long list holds nobody's stream up."""

    def answer(request: Request) -> Response:
        return JSONResponse(look(request.query_params), headers=_FRESH)

    return answer


def _asset(board: Board, asked: Mapping[str, str]) -> dict[str, Any]:
    asset_id = asked.get("id", "")
    found = board.asset(asset_id)
    if found is None:
        raise HTTPException(404, f"no results of asset {asset_id!r} have come since the start")
    return found


def _events(board: Board, closing: Callable[[], bool]) -> Callable[[Request], Awaitable[ASGIApp]]:
    open_streams = 0

    async def answer(request: Request) -> Any:
        nonlocal open_streams
        if open_streams >= _MOST_STREAMS:
            raise HTTPException(503, f"{_MOST_STREAMS} browsers watch already: close one")
        stream = EventStream(
            board,
            asset=request.query_params.get("asset", ""),
            last=request.headers.get("last-event-id", ""),
            closing=closing,
        )

        async def counted(*of_the_request: Any) -> None:
            nonlocal open_streams
            open_streams += 1
            try:
                await stream(*of_the_request)
            finally:
                open_streams -= 1

        return counted

    return answer


def _page(_: Request) -> Response:
    return FileResponse(_STATIC / "index.html")


def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, status_code=error.status_code)


def _misunderstood(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, status_code=400)
