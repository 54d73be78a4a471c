"""What every answer carries and every request must show, whatever the route."""

import ipaddress
from collections.abc import Collection
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["Guard", "host_allowed"]

_HEADERS: Final = {
    # Everything comes from here, and nothing may be written into the page as code.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


class Guard:
    """ASGI middleware: a Host that is ours, reading methods only, and the headers.

    The Host is what tells a DNS-rebinding page apart: its name points here, but is not ours.

    Args:
        app: what answers.
        names: host names that the page may be called by, besides addresses and localhost.
    """

    def __init__(self, app: ASGIApp, *, names: Collection[str]) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                # Unless said otherwise: what is live is never kept, files are asked for again.
                headers.setdefault("Cache-Control", "no-cache")
            await send(message)

        host = Headers(scope=scope).get("host", "")
        answer: ASGIApp = self._app
        if not host_allowed(host, self._names):
            text = "this host name is not known here; `tickfleet web --name` adds one"
            answer = JSONResponse({"error": text}, status_code=421)
        elif scope["method"] not in {"GET", "HEAD"}:
            text = "this page only reads"
            answer = JSONResponse({"error": text}, status_code=405, headers={"Allow": "GET, HEAD"})
        await answer(scope, receive, with_headers)


def host_allowed(host: str, names: Collection[str]) -> bool:
    """Whether a Host header names us: localhost, an address (no name can point elsewhere), or
    one of `names`."""
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() else host
    name = name.removesuffix(".").lower()
    if name in names or name == "localhost":
        return True
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True
