"""A model hub on this machine: it serves one checkpoint, honours Range, counts what it sends, and fails on demand."""

import hashlib
import threading
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Self

HUB = "/facebook/dinov2-small/resolve/main/"
STORE = "/store/"
WEIGHTS = "model.safetensors"


class LocalHub:
    """Serves the files of `folder` as those of `facebook/dinov2-small`.

    `sent` counts the bytes of each file's content that went out. Once `cut_after` bytes of the weights have, the
    connection breaks, and the weights are not to be had until `repair`.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.sent: Counter[str] = Counter()
        self.cut_after: int | None = None
        self.damages = False
        self._broken = False
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.address = f"http://127.0.0.1:{self._server.server_port}"

    def repair(self) -> None:
        self.cut_after, self._broken, self.damages = None, False, False

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self._answer()

            def do_GET(self) -> None:
                body = self._answer()
                if self.path == STORE + WEIGHTS and hub.cut_after is not None and len(body) > hub.cut_after:
                    hub._broken, body = True, body[: hub.cut_after]
                if body:
                    hub.sent[Path(self.path).name] += len(body)
                self.wfile.write(bytes(len(body)) if hub.damages else body)

            def _answer(self) -> bytes:
                """Send the header. Returns what belongs behind it."""
                name = Path(self.path).name
                file = hub.folder / name
                if self.path not in (HUB + name, STORE + name) or not file.is_file():
                    return self._head(200 if self.path == "/" else 404, b"", {})
                content = file.read_bytes()
                etag = f'"{hashlib.sha256(content).hexdigest()}"'
                if self.path == HUB + WEIGHTS:
                    # As the hub does with large files: they lie on another host.
                    store = f"http://localhost:{hub._server.server_port}{STORE}{name}"
                    linked = {"Location": store, "X-Linked-Size": str(len(content)), "X-Linked-ETag": etag}
                    return self._head(302, b"", linked)
                if self.path == STORE + WEIGHTS and hub._broken:
                    return self._head(503, b"", {})
                first = int(self.headers.get("Range", "bytes=0-").removeprefix("bytes=").rstrip("-"))
                part = {"Content-Range": f"bytes {first}-{len(content) - 1}/{len(content)}"} if first else {}
                return self._head(206 if first else 200, content[first:], {"ETag": etag, **part})

            def _head(self, status: int, body: bytes, headers: dict[str, str]) -> bytes:
                self.send_response(status)
                for name, value in {"X-Repo-Commit": "0" * 40, "Content-Length": str(len(body)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                return body

            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                """Quiet."""

        return Handler
