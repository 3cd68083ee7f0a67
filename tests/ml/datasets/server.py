"""A web server on this machine that sends one file, honours Range, and fails as it is told to."""

import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self


class LocalServer:
    """Serves `content` at `/archive.tar.gz`.

    The connection breaks after `cut_after` bytes of an answer; `status` is answered in place of the file;
    `redirect` is where requests are sent to. `sent` and `ranges` tell what went out and what was asked for.
    """

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.cut_after: int | None = None
        self.status: int | None = None
        self.redirect: str | None = None
        self.knows_ranges = True
        self.wrong_range = False
        self.tells_length = True
        self.sent = 0
        self.ranges: list[str | None] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self.url = f"{self.address}/archive.tar.gz"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked = self.headers.get("Range")
                server.ranges.append(asked)
                first = int(asked.removeprefix("bytes=").rstrip("-")) if asked and server.knows_ranges else 0
                if server.redirect is not None:
                    self._head(302, {"Location": server.redirect, "Content-Length": "0"})
                elif server.status is not None:
                    self._head(server.status, {"Content-Length": "0"})
                elif first and first >= len(server.content):
                    self._head(416, {"Content-Length": "0"})
                else:
                    self._send(first)

            def _send(self, first: int) -> None:
                body = server.content[first:]
                stated = first + 1 if server.wrong_range else first
                headers = {"Content-Range": f"bytes {stated}-{len(server.content) - 1}/{len(server.content)}"}
                length = {"Content-Length": str(len(body))} if server.tells_length else {}
                self._head(206 if first else 200, (headers if first else {}) | length)
                part = body[: server.cut_after]
                server.sent += len(part)
                with suppress(ConnectionError):  # who does not like the header hangs up
                    self.wfile.write(part)

            def _head(self, status: int, headers: dict[str, str]) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                """Quiet."""

        return Handler
