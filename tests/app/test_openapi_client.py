"""A client that a generator makes of the OpenAPI document: it lists, uploads and searches a running gallery."""

import asyncio
import importlib
import json
import subprocess
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import CaughtUp, Client
from tests.factories import Gallery, picture

NAME = "likeness_client"
CONFIG = {
    "post_hooks": [],
    # The generator knows bytes by one name only.
    "content_type_overrides": {
        "application/offset+octet-stream": "application/octet-stream",
        "image/webp": "application/octet-stream",
    },
}


@pytest.fixture
async def generated(client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The modules of the generated package, which can be imported."""
    document = (await client.get("/api/openapi.json")).content
    monkeypatch.syspath_prepend(tmp_path)
    return await asyncio.to_thread(generate, document, tmp_path)


def generate(json_document: bytes, folder: Path) -> list[str]:
    """Let the generator make the package, and none of its warnings."""
    document, config, package = folder / "openapi.json", folder / "config.json", folder / NAME
    document.write_bytes(json_document)
    config.write_text(json.dumps(CONFIG), encoding="utf-8")
    command = ["generate", "--path", document, "--config", config, "--meta", "none", "--fail-on-warning"]
    made = subprocess.run(
        [sys.executable, "-m", "openapi_python_client", *command, "--output-path", package],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert made.returncode == 0, made.stdout + made.stderr
    return [".".join(file.relative_to(package).with_suffix("").parts) for file in package.rglob("*.py")]


def module(name: str) -> Any:
    """A module of the generated package."""
    return importlib.import_module(f"{NAME}.{name}")


async def test_a_generated_client_lists_uploads_and_searches(
    client: Client, gallery: Gallery, generated: list[str], caught_up: CaughtUp
) -> None:
    for name in generated:
        module(name)
    anna = await gallery.person("anna")
    bearer = await gallery.bearer(anna)
    files, models = module("types"), module("models")
    api = module("client").AuthenticatedClient(
        base_url="http://testserver.local",
        token=bearer["authorization"].removeprefix("Bearer "),
        httpx_args={"transport": httpx.ASGITransport(client.app)},
        raise_on_unexpected_status=True,
    )

    made = await module("api.collections.create_collection").asyncio(client=api, body=models.NewCollection("Birds"))
    assert (made.name, made.owner, made.images) == ("Birds", "anna", 0)
    refused = await module("api.collections.create_collection").asyncio(client=api, body=models.NewCollection("Birds"))
    assert (type(refused).__name__, refused.status) == ("Problem", 409)

    form = models.UploadForm(
        file=[files.File(BytesIO(picture(seed)), f"{seed}.png", "image/png") for seed in range(3)], collection="Birds"
    )
    uploaded = await module("api.images.upload_images").asyncio(client=api, body=form)
    ids = [one.image_id for one in uploaded.added]
    assert [one.filename for one in uploaded.added] == ["0.png", "1.png", "2.png"]
    await gallery.embed()
    await caught_up()

    listed = await module("api.images.list_images").asyncio(client=api, collection="Birds", limit=2)
    assert [one.image_id for one in listed.images] == [ids[2], ids[1]]
    rest = await module("api.images.list_images").asyncio(client=api, cursor=listed.next_cursor)
    assert ([one.image_id for one in rest.images], rest.next_cursor) == ([ids[0]], None)

    search = module("api.search.search")
    by_file = models.SearchFilesBody(file=files.File(BytesIO(picture(1)), "query.png", "image/png"), k=1)
    found = await search.asyncio(client=api, body=by_file)
    assert [one.image_id for one in found.results] == [ids[1]], found
    by_example = models.SearchJsonBody(image_id=ids[0])
    found = await search.asyncio(client=api, body=by_example)
    assert {one.image_id for one in found.results} == set(ids[1:])

    await module("api.images.change_image").asyncio(ids[0], client=api, body=models.ImageChange(labels=["wren"]))
    named = await module("api.labels.list_labels").asyncio(client=api, prefix="W")
    assert [(one.name, one.images) for one in named.labels] == [("wren", 1)]
