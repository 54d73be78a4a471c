"""Credentials that are rotated at work: who writes the file need not restart the worker."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from snapshots import StoreAccessError, StoreError, StoreOptions
from snapshots.s3_store import S3Store


class Bucket(ThreadingHTTPServer):
    """Takes what is signed with the key of the day, and refuses other keys with its code."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.key = "FIRST"
        self.code = ""


class _Handler(BaseHTTPRequestHandler):
    server: Bucket
    protocol_version = "HTTP/1.1"  # else the client waits a second to be told to go on

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        taken = f"Credential={self.server.key}/" in self.headers["Authorization"]
        body = b"" if taken else f"<Error><Code>{self.server.code}</Code></Error>".encode()
        self.send_response(200 if taken else 400)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test output quiet."""


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    with Bucket() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        ("ExpiredToken", StoreError),
        ("InvalidToken", StoreError),
        ("InvalidAccessKeyId", StoreAccessError),
        ("AccessDenied", StoreAccessError),
    ],
)
def test_a_file_that_is_written_anew_is_read_anew(
    bucket: Bucket,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: str,
    refusal: type[Exception],
) -> None:
    file = tmp_path / "credentials"
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(file))
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setattr("snapshots.s3_store._READ_ANEW_S", 0.0)
    bucket.code = code
    _write(file, "FIRST")
    url = f"http://127.0.0.1:{bucket.server_port}"
    store = S3Store("b", "", StoreOptions(endpoint_url=url, region="r", addressing_style="path"))
    store.put("k", b"x")

    bucket.key = "SECOND"
    with pytest.raises(refusal, match=code):
        store.put("k", b"x")
    _write(file, "SECOND")
    with pytest.raises(refusal, match=code):
        store.put("k", b"x")  # this client read the file before it was written
    store.put("k", b"x")


def _write(file: Path, key: str) -> None:
    file.write_text(f"[default]\naws_access_key_id = {key}\naws_secret_access_key = s\n")
