"""A sender that speaks tus 1.0.0, and archives for it to send."""

import base64
import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

from tests.conftest import Client

VERSION = {"tus-resumable": "1.0.0"}
PIECE = {"content-type": "application/offset+octet-stream"}


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A ZIP of these files."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as writer:
        for name, content in files.items():
            writer.writestr(name, content)
    return archive.getvalue()


def metadata(**values: str) -> dict[str, str]:
    """The header Upload-Metadata."""
    pairs = (f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())
    return {"upload-metadata": ",".join(pairs)}


@dataclass
class Sender:
    """Uploads by `client` to `path`; `headers` say who it is."""

    client: Client
    path: str = "/api/v1/uploads"
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    async def announce(self, size: int | str, **values: str) -> httpx.Response:
        sent = {**self.headers, **VERSION, "upload-length": str(size), **metadata(**values)}
        return await self.client.post(self.path, headers=sent)

    async def begin(self, size: int, **values: str) -> str:
        """Where the pieces go."""
        answer = await self.announce(size, **values)
        assert answer.status_code == 201, answer.text
        return answer.headers["location"]

    async def send(self, url: str, offset: int, piece: bytes, **headers: str) -> httpx.Response:
        sent = {**self.headers, **VERSION, **PIECE, "upload-offset": str(offset), **headers}
        return await self.client.patch(url, headers=sent, content=piece)

    async def look(self, url: str) -> httpx.Response:
        return await self.client.head(url, headers={**self.headers, **VERSION})

    async def give_up(self, url: str) -> httpx.Response:
        return await self.client.delete(url, headers={**self.headers, **VERSION})

    async def upload(self, content: bytes, **values: str) -> int:
        """The id of the import that a whole archive begins."""
        url = await self.begin(len(content), **values)
        answer = await self.send(url, 0, content)
        assert answer.status_code == 204, answer.text
        return int(answer.headers["likeness-import"])
