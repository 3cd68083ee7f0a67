"""Every operation of the API, asked with what its document allows and with what it does not, by schemathesis."""

import asyncio
import contextlib
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.python import asgi
from schemathesis.schemas import APIOperation
from schemathesis.specs.openapi import checks

from app import main
from app.accounts.records import Viewer
from app.core.database import Database
from app.core.runtime import open_blobs
from app.core.settings import Settings
from app.images import service as images
from app.ingest import service_uploads
from app.ingest.pipeline import Intake
from ml.decoder import Decoder
from tests.factories import Gallery, picture

schemathesis.serializer.alias("application/offset+octet-stream", "application/octet-stream")

EXAMPLES, HEAVY_EXAMPLES = 25, 1000
CHECKS = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
]
FAR_IDS = 10**6  # of tokens: none that an example may name is the one that asks


@dataclass(frozen=True, slots=True)
class Stage:
    """A running gallery with something behind every kind of address."""

    operations: list[APIOperation[Any, Any, Any, Any]]
    bearer: dict[str, str]
    names: dict[str, list[Any]]


@pytest.fixture
def stage(conninfo: str, settings: Settings, decoder: Decoder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr(main, "Decoder", lambda *_, **__: nullcontext(decoder))
    names, bearer = asyncio.run(_furnish(conninfo, settings, decoder))
    app = main.create_app(settings, conninfo)
    schema = schemathesis.openapi.from_asgi("/api/openapi.json", app)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    operations.sort(key=lambda operation: operation.method == "delete")  # what is deleted can be asked no more
    yield Stage(operations, bearer, names)
    asgi.shutdown_lifespans()


async def _furnish(conninfo: str, settings: Settings, decoder: Decoder) -> tuple[dict[str, list[Any]], dict[str, str]]:
    """Pictures, some of them in the trash, collections, uploads, people: an admin's own, who asks."""
    async with Database(conninfo) as db:
        blobs = await open_blobs(db, settings)
        intake = Intake.of(settings, db, blobs, decoder)
        gallery = Gallery(intake, settings)
        ada = await gallery.person("ada", admin=True)
        shelves = [await gallery.collection(ada, name, public=name == "Open") for name in ("Open", "Mine", "Spare")]
        pictures = await gallery.pictures(ada, shelves[0], range(20), ["dunes"])
        trashed = await gallery.pictures(ada, shelves[1], range(20, 30))
        await gallery.embed()
        for image_id in trashed:
            await images.trash(db, ada, image_id)
        uploads = [await service_uploads.announce(intake, ada, "a.zip", size, shelves[1].id) for size in range(5, 15)]
        async with db.transaction() as conn:
            await conn.execute("SELECT setval(pg_get_serial_sequence('api_token', 'id'), %s)", (FAR_IDS,))
        names = {
            "image_id": pictures + trashed,
            "collection_id": [one.id for one in shelves],
            "upload_id": [str(one.id) for one in uploads],
            "user_id": [await _account(gallery, "grace")],
        }
        return names, await gallery.bearer(ada)


async def _account(gallery: Gallery, name: str) -> int:
    person: Viewer = await gallery.person(name)
    assert person.account_id is not None
    return person.account_id


def test_no_operation_fails_or_answers_what_its_document_does_not_say(stage: Stage) -> None:
    failures = _failures(stage, EXAMPLES)
    assert not failures, "\n\n".join(failures)


@pytest.mark.heavy
def test_no_operation_fails_in_a_thousand_examples(stage: Stage) -> None:
    failures = _failures(stage, HEAVY_EXAMPLES)
    assert not failures, "\n\n".join(failures)


def _failures(stage: Stage, examples: int) -> list[str]:
    """What is wrong with each operation: a mistake of one does not hide those of the others."""
    failures: list[str] = []
    for operation in stage.operations:
        for mode in GenerationMode:
            # What takes no value cannot be given a wrong one.
            unaskable = contextlib.suppress(Unsatisfiable) if mode is GenerationMode.NEGATIVE else nullcontext()
            try:
                with unaskable:
                    _ask(stage, operation, mode, examples)
            except (FailureGroup, AssertionError) as error:
                told = "; ".join(str(one) for one in getattr(error, "exceptions", [error]))
                failures.append(f"{operation.label} ({mode.value}): {told}")
    return failures


def _ask(stage: Stage, operation: APIOperation[Any, Any, Any, Any], mode: GenerationMode, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=examples == EXAMPLES,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
    )
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        case = data.draw(operation.as_strategy(generation_mode=mode))
        if mode is GenerationMode.POSITIVE:
            _point_at_something(case, stage, data)
        bearer = data.draw(st.sampled_from([stage.bearer, stage.bearer, stage.bearer, {}, {"authorization": "no"}]))
        response = case.call(headers=bearer)
        case.validate_response(response, checks=CHECKS)

    ask()


def _point_at_something(case: Any, stage: Stage, data: st.DataObject) -> None:
    """Numbers and files of chance name nothing: half of the time these are of what is there."""
    for name in case.path_parameters or {}:
        if name in stage.names and data.draw(st.booleans()):
            case.path_parameters[name] = data.draw(st.sampled_from(stage.names[name]))
    if case.media_type == "multipart/form-data" and isinstance(case.body, dict) and "file" in case.body:
        file = data.draw(st.sampled_from([picture(1), picture(100), b"no picture", b""]))
        case.body["file"] = [file] if isinstance(case.body["file"], list) else file
