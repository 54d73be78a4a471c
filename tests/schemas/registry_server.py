"""A schema registry over HTTP on loopback: the REST paths the client uses, and faults on demand."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class RegistryServer(ThreadingHTTPServer):
    """Ids from 1 in order of registration; equal texts share an id, as in the real one."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.schemas: list[dict[str, Any]] = []
        self.subjects: dict[str, set[int]] = {}
        self.requests: list[str] = []
        self.fault: tuple[int, bytes] | None = None
        self.faults: dict[str, tuple[int, bytes]] = {}
        """As `fault`, of one path."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def add(self, schema: dict[str, Any], subject: str = "other-value") -> int:
        if schema not in self.schemas:
            self.schemas.append(schema)
        schema_id = self.schemas.index(schema) + 1
        self.subjects.setdefault(subject, set()).add(schema_id)
        return schema_id


class _Handler(BaseHTTPRequestHandler):
    server: RegistryServer

    def do_GET(self) -> None:
        path = self._path()
        if self._faulty(path):
            return
        if path.startswith("/subjects/"):
            self._answer_version(*path.removeprefix("/subjects/").split("/versions/"))
            return
        if not path.startswith("/schemas/ids/"):
            self._answer(404, {"error_code": 404, "message": "HTTP 404 Not Found"})
            return
        number = int(path.removeprefix("/schemas/ids/"))
        if 0 < number <= len(self.server.schemas):
            self._answer(200, self.server.schemas[number - 1])
        else:
            self._answer(404, {"error_code": 40403, "message": "Schema not found"})

    def _answer_version(self, subject: str, version: str) -> None:
        ids = sorted(self.server.subjects.get(subject, set()))
        number = int(version)
        if not ids:
            self._answer(404, {"error_code": 40401, "message": "Subject not found"})
        elif not 0 < number <= len(ids):
            self._answer(404, {"error_code": 40402, "message": "Version not found"})
        else:
            found = {"subject": subject, "version": number, "id": ids[number - 1]}
            self._answer(200, found | self.server.schemas[ids[number - 1] - 1])

    def do_POST(self) -> None:
        path = self._path()
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self._faulty(path):
            return
        schema = {"schema": body["schema"], "schemaType": body.get("schemaType", "AVRO")}
        if body.get("references"):
            schema["references"] = body["references"]
        subject = path.removeprefix("/subjects/").removesuffix("/versions")
        if path.endswith("/versions"):
            self._answer(200, {"id": self.server.add(schema, subject)})
        elif schema in self.server.schemas and (
            found := self.server.schemas.index(schema) + 1
        ) in self.server.subjects.get(subject, set()):
            self._answer(200, {"id": found, "subject": subject, "version": 1, **schema})
        else:
            self._answer(404, {"error_code": 40403, "message": "Schema not found"})

    def _path(self) -> str:
        path = self.path.partition("?")[0]
        self.server.requests.append(f"{self.command} {path}")
        return path

    def _faulty(self, path: str) -> bool:
        fault = self.server.fault or self.server.faults.get(path)
        if fault is None:
            return False
        status, body = fault
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        return True

    def _answer(self, status: int, document: dict[str, Any]) -> None:
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Keep the test output quiet."""


@contextmanager
def running_registry() -> Iterator[RegistryServer]:
    with RegistryServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
