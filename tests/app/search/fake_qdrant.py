"""A Qdrant server for tests: the REST calls that the gallery makes, over the client's in-memory mode, with faults.

What local mode lacks is checked here: payload indexes are remembered, and ordering by a field without a range index
is refused, as a server does. Local mode is not thread-safe: one request at a time.
"""

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal

from pydantic import BaseModel, TypeAdapter
from qdrant_client import QdrantClient, models

Fault = Literal["500", "429", "hang", "cut", "html"]
Answer = tuple[int, Any]
ALIASES: TypeAdapter[list[models.AliasOperations]] = TypeAdapter(list[models.AliasOperations])


class FakeQdrant:
    """One server at one port. `fault` is asked at each request; `key` is what clients must send."""

    def __init__(self) -> None:
        self.local = QdrantClient(":memory:")
        self.indexes: dict[str, dict[str, Any]] = {}
        self.asked: Counter[str] = Counter()
        self.fault: Callable[[str, str], Fault | None] = lambda _method, _path: None
        self.key: str | None = None
        self.hang_s = 30.0
        self.lock = threading.Lock()
        self.port = 0
        self._server: ThreadingHTTPServer | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        fake = self

        class Handler(_Handler):
            server_of = fake

        self._server = _Server(("127.0.0.1", self.port), Handler)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Refuse connections from now on; `start` takes the same port again."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, method: str, path: str, body: Any) -> Answer:
        """What a server says to this request."""
        for pattern, of_method, handle in ROUTES:
            found = re.fullmatch(pattern, path)
            if found and of_method == method:
                try:
                    with self.lock:
                        return 200, handle(self, body, *found.groups())
                except Refused as refused:
                    return refused.status, None
                except ValueError as error:
                    return (404 if "not found" in str(error) else 400), str(error)
        return 404, None


class Refused(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    allow_reuse_address = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server_of: FakeQdrant
    protocol_version = "HTTP/1.1"

    def _handle(self) -> None:
        fake = self.server_of
        data = self.rfile.read(int(self.headers.get("content-length") or 0))
        path = self.path.split("?")[0]
        fake.asked[f"{self.command} {re.sub(r'likeness_[^/]+', '*', path)}"] += 1
        if fake.key is not None and self.headers.get("api-key") != fake.key:
            self._send(401, b"Must provide an API key or an Authorization bearer token")
            return
        fault = fake.fault(self.command, path)
        if fault == "hang":
            time.sleep(fake.hang_s)
            self.close_connection = True
            return
        if fault == "html":
            self._send(200, b"<html>a captive portal</html>")
            return
        if fault in ("500", "429"):
            self._send(int(fault), b'{"status": {"error": "not now"}}')
            return
        status, result = fake.answer(self.command, path, json.loads(data) if data else None)
        told = {"result": result, "time": 0.0, "status": "ok" if status == 200 else {"error": str(result)}}
        self._send(status, json.dumps(told).encode(), cut=fault == "cut")

    def _send(self, status: int, body: bytes, *, cut: bool = False) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if cut else body)
        self.close_connection = self.close_connection or cut

    do_GET = do_PUT = do_POST = do_DELETE = _handle  # noqa: N815  # the server's own names

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the server's own name
        """Tests print nothing of their own."""


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def _filter(body: dict[str, Any], key: str = "filter") -> models.Filter | None:
    return models.Filter.model_validate(body[key]) if body.get(key) else None


def _collections(fake: FakeQdrant, _: Any) -> Any:
    return _plain(fake.local.get_collections())


def _collection(fake: FakeQdrant, _: Any, name: str) -> Any:
    return _plain(fake.local.get_collection(name))


def _create(fake: FakeQdrant, body: Any, name: str) -> Any:
    if fake.local.collection_exists(name):
        raise Refused(409)
    fake.indexes[name] = {}
    return fake.local.create_collection(name, vectors_config=models.VectorParams.model_validate(body["vectors"]))


def _drop(fake: FakeQdrant, _: Any, name: str) -> Any:
    return fake.local.delete_collection(name)


def _index(fake: FakeQdrant, body: Any, name: str) -> Any:
    if fake.local.count(name).count:
        raise AssertionError("payload indexes come before the first point")
    fake.indexes[name][body["field_name"]] = body["field_schema"]
    return {"operation_id": 0, "status": "completed"}


def _upsert(fake: FakeQdrant, body: Any, name: str) -> Any:
    points = [models.PointStruct.model_validate(one) for one in body["points"]]
    return _plain(fake.local.upsert(name, points))


def _delete(fake: FakeQdrant, body: Any, name: str) -> Any:
    return _plain(fake.local.delete(name, body["points"]))


def _count(fake: FakeQdrant, body: Any, name: str) -> Any:
    return _plain(fake.local.count(name, _filter(body)))


def _scroll(fake: FakeQdrant, body: Any, name: str) -> Any:
    order = models.OrderBy.model_validate(body["order_by"]) if body.get("order_by") else None
    if order is not None:
        aliases = {one.alias_name: one.collection_name for one in fake.local.get_aliases().aliases}
        if not fake.indexes[aliases.get(name, name)].get(order.key, {}).get("range"):
            raise Refused(400)
    page, offset = fake.local.scroll(
        name,
        _filter(body),
        limit=body.get("limit", 10),
        offset=body.get("offset"),
        order_by=order,
        with_payload=body.get("with_payload", True),
    )
    return {"points": [_plain(one) for one in page], "next_page_offset": offset}


def _query(fake: FakeQdrant, body: Any, name: str) -> Any:
    return _plain(
        fake.local.query_points(
            name, query=body["query"]["nearest"], query_filter=_filter(body), limit=body["limit"], with_payload=False
        )
    )


def _aliases(fake: FakeQdrant, body: Any) -> Any:
    return fake.local.update_collection_aliases(ALIASES.validate_python(body["actions"]))


ROUTES: list[tuple[str, str, Callable[..., Any]]] = [
    ("/collections", "GET", _collections),
    ("/collections/aliases", "POST", _aliases),
    ("/collections/([^/]+)", "GET", _collection),
    ("/collections/([^/]+)", "PUT", _create),
    ("/collections/([^/]+)", "DELETE", _drop),
    ("/collections/([^/]+)/index", "PUT", _index),
    ("/collections/([^/]+)/points", "PUT", _upsert),
    ("/collections/([^/]+)/points/delete", "POST", _delete),
    ("/collections/([^/]+)/points/count", "POST", _count),
    ("/collections/([^/]+)/points/scroll", "POST", _scroll),
    ("/collections/([^/]+)/points/query", "POST", _query),
]
