"""The matrix of rights: every route of the app, asked by everybody that there is."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from litestar.routes import HTTPRoute

from app.accounts.identity import SESSION_COOKIE
from app.collections import service as collections
from app.core.settings import Settings
from app.main import create_app
from tests.app.explore.asks import a_grouping, a_grouping_by_the_api, the_proposals, the_proposals_by_the_api
from tests.app.training.asks import (
    a_new_evaluation,
    a_new_evaluation_by_the_api,
    a_new_training,
    a_new_training_by_the_api,
    a_promoted_training,
    a_stopped_training,
    a_training,
    a_training_that_made_a_model,
    an_ended_evaluation,
    an_evaluation,
)
from tests.app.world import (
    ACCOUNTS,
    NO_QUERY,
    NOBODIES,
    NOWHERE,
    PERSONAS,
    Ask,
    Persona,
    Ready,
    World,
    a_claim,
    a_crop,
    a_crop_of_the_owners_query,
    a_deletion,
    a_deletion_by_the_api,
    a_failed_job,
    a_failed_job_of_an_import,
    a_failure,
    a_file,
    a_guest,
    a_guest_by_the_api,
    a_guest_to_change,
    a_job,
    a_link,
    a_link_to_open,
    a_member_gone,
    a_member_gone_by_the_api,
    a_model,
    a_new_collection,
    a_new_collection_by_the_api,
    a_new_description,
    a_new_link,
    a_new_link_by_the_api,
    a_new_member,
    a_new_member_by_the_api,
    a_piece,
    a_refused_file,
    a_step,
    a_step_by_the_api,
    a_stored_image,
    a_trashed_image,
    a_version_before,
    an_announcement,
    an_image,
    an_import,
    an_import_that_failed,
    an_import_that_refused,
    an_invited_guest,
    an_invited_guest_by_the_api,
    an_upload,
    ask,
    files_for_the_api,
    files_for_the_page,
    new_settings,
    no_cover,
    nowhere,
    plainly,
    sent,
    the_collection,
    the_collection_by_id,
    the_image,
    the_image_ticked,
    the_job_of_an_import,
    the_links,
    the_owners_link,
    the_owners_query,
    the_owners_session,
    the_owners_token,
    the_owners_undo,
    the_words,
    the_words_by_the_api,
)
from tests.factories import PASSWORD

Answer = Literal["ok", "sign-in", "not-allowed", "missing", "conflict"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What everybody is answered: nobody, then those with accounts in their order, then who holds a link.

    An expired link is worth nothing: its holder is answered as nobody, and so is that of a live one unless told.
    """

    answers: tuple[Answer, Answer, Answer, Answer, Answer, Answer]
    holder: Answer | None = None

    def __getitem__(self, persona: Persona) -> Answer:
        if persona == "holder" and self.holder is not None:
            return self.holder
        return self.answers[0] if persona in NOBODIES else self.answers[1 + ACCOUNTS.index(persona)]


EVERYBODY = Rule(("ok", "ok", "ok", "ok", "ok", "ok"))
NO_SUCH_PAGE = Rule(("missing", "missing", "missing", "missing", "missing", "missing"))
SIGNED_IN = Rule(("sign-in", "ok", "ok", "ok", "ok", "ok"))
ADMIN = Rule(("sign-in", "missing", "missing", "missing", "missing", "ok"))
# What LIKENESS_MODEL, which the tests' gallery has, keeps even an admin from.
FIXED = Rule(("sign-in", "missing", "missing", "missing", "missing", "conflict"))
# Of a private collection, and of what stands in it. An admin runs the gallery and sees nobody's pictures.
SEE = Rule(("missing", "missing", "ok", "ok", "ok", "missing"), holder="ok")
EDIT = Rule(("missing", "missing", "not-allowed", "ok", "ok", "missing"), holder="not-allowed")
MEMBERS = Rule(("missing", "missing", "ok", "ok", "ok", "missing"), holder="not-allowed")
UPLOAD = Rule(("sign-in", "missing", "not-allowed", "ok", "ok", "missing"))
PROPOSE = UPLOAD
MANAGE = Rule(("sign-in", "missing", "not-allowed", "not-allowed", "ok", "missing"))
FORGET = Rule(("missing", "missing", "missing", "missing", "missing", "missing"), holder="ok")
TRASH = Rule(("missing", "missing", "not-allowed", "not-allowed", "ok", "missing"), holder="not-allowed")
# Of what is one person's own: a trashed picture, a query.
OWN = Rule(("missing", "missing", "missing", "missing", "ok", "missing"))
OWN_ACCOUNT = Rule(("sign-in", "missing", "missing", "missing", "ok", "missing"))
# Counts and file names of an import, which an admin sees as well; its pictures are seen where they stand.
OWN_OR_ADMIN = Rule(("sign-in", "missing", "missing", "missing", "ok", "ok"))


MATRIX: dict[str, tuple[Rule, Ready]] = {
    # Who you are.
    "GET /sign-in": (EVERYBODY, plainly()),
    "POST /sign-in": (EVERYBODY, sent(name="bystander", password=PASSWORD)),
    "POST /sign-out": (EVERYBODY, plainly()),
    "GET /claim/{token}": (EVERYBODY, a_claim),
    "POST /claim/{token}": (EVERYBODY, a_claim),
    "GET /account": (SIGNED_IN, plainly()),
    "POST /account/password": (SIGNED_IN, sent(current=PASSWORD, new="purple lamps at noon")),
    "POST /account/privacy": (SIGNED_IN, sent(share_metadata="yes")),
    "POST /account/sessions/{session_id}/revoke": (OWN_ACCOUNT, the_owners_session),
    "POST /account/tokens": (SIGNED_IN, sent(name="a script", read="yes")),
    "POST /account/tokens/{token_id}/revoke": (OWN_ACCOUNT, the_owners_token),
    "GET /api/v1/me": (SIGNED_IN, plainly()),
    "GET /api/v1/tokens": (SIGNED_IN, plainly()),
    "DELETE /api/v1/tokens/{token_id}": (OWN_ACCOUNT, the_owners_token),
    # What you share.
    "GET /collections": (EVERYBODY, plainly()),
    "POST /collections": (SIGNED_IN, a_new_collection),
    "GET /collections/{ref}": (SEE, the_collection),
    "POST /collections/{collection_id}": (MANAGE, new_settings),
    "POST /collections/{collection_id}/members": (MANAGE, a_new_member),
    "POST /collections/{collection_id}/members/{account_id}/remove": (MANAGE, a_member_gone),
    "POST /collections/{collection_id}/cover": (MANAGE, no_cover),
    "POST /collections/{collection_id}/delete": (MANAGE, a_deletion),
    "GET /collections/{collection_id}/links": (MANAGE, the_links),
    "POST /collections/{collection_id}/links": (MANAGE, a_new_link),
    "POST /collections/{collection_id}/links/{link_id}/revoke": (MANAGE, the_owners_link),
    # Of one who holds a link; the holder of an expired one holds none.
    "POST /collections/{collection_id}/forget": (FORGET, the_collection_by_id),
    "GET /s/{token}": (EVERYBODY, a_link),
    "POST /s/{token}": (EVERYBODY, a_link),
    "GET /api/v1/collections/{collection_id}/links": (MANAGE, the_links),
    "POST /api/v1/collections/{collection_id}/links": (MANAGE, a_new_link_by_the_api),
    "DELETE /api/v1/collections/{collection_id}/links/{link_id}": (MANAGE, the_owners_link),
    "POST /api/v1/links/open": (EVERYBODY, a_link_to_open),
    "GET /collections/{collection_id}/proposals": (PROPOSE, the_proposals),
    "POST /collections/{collection_id}/proposals": (PROPOSE, a_grouping),
    "POST /collections/{collection_id}/proposals/{group_id}/accept": (PROPOSE, the_proposals),
    "POST /collections/{collection_id}/proposals/{group_id}/drop": (PROPOSE, the_proposals),
    "POST /collections/{collection_id}/proposals/{group_id}/reopen": (PROPOSE, the_proposals),
    "GET /api/v1/collections/{collection_id}/proposals": (PROPOSE, the_proposals),
    "POST /api/v1/collections/{collection_id}/proposals": (PROPOSE, a_grouping_by_the_api),
    "POST /api/v1/collections/{collection_id}/proposals/{group_id}/accept": (PROPOSE, the_proposals_by_the_api),
    "POST /api/v1/collections/{collection_id}/proposals/{group_id}/drop": (PROPOSE, the_proposals),
    "POST /api/v1/collections/{collection_id}/proposals/{group_id}/reopen": (PROPOSE, the_proposals),
    "GET /api/v1/collections": (EVERYBODY, plainly()),
    "POST /api/v1/collections": (SIGNED_IN, a_new_collection_by_the_api),
    "GET /api/v1/collections/{collection_id}": (SEE, the_collection_by_id),
    "PATCH /api/v1/collections/{collection_id}": (MANAGE, a_new_description),
    "DELETE /api/v1/collections/{collection_id}": (MANAGE, a_deletion_by_the_api),
    "GET /api/v1/collections/{collection_id}/members": (MEMBERS, the_collection_by_id),
    "PUT /api/v1/collections/{collection_id}/members": (MANAGE, a_new_member_by_the_api),
    "DELETE /api/v1/collections/{collection_id}/members/{user_id}": (MANAGE, a_member_gone_by_the_api),
    "GET /api/v1/labels": (EVERYBODY, plainly()),
    # What you keep.
    "GET /": (EVERYBODY, plainly()),
    "GET /images/{image_id}": (SEE, the_image),
    "POST /images/{image_id}": (EDIT, the_words),
    "POST /images/{image_id}/trash": (TRASH, an_image),
    "POST /images/{image_id}/restore": (OWN, a_trashed_image),
    "POST /images/{image_id}/purge": (OWN, a_trashed_image),
    "GET /images/{image_id}/thumbnails/{width}": (SEE, the_image),
    "GET /images/{image_id}/original": (SEE, the_image),
    "POST /images/batch": (SIGNED_IN, a_step),
    "POST /images/batch/download": (SEE, the_image_ticked),
    "POST /images/batch/find": (EVERYBODY, the_image_ticked),
    "POST /undo/{undo_id}": (SIGNED_IN, the_owners_undo),  # leads back, and tells there
    "POST /api/v1/images/batch": (SIGNED_IN, a_step_by_the_api),
    "POST /api/v1/undo/{undo_id}": (OWN_ACCOUNT, the_owners_undo),
    "GET /trash": (SIGNED_IN, plainly()),
    "GET /api/v1/images": (EVERYBODY, plainly()),
    "GET /api/v1/trash": (SIGNED_IN, plainly()),
    "GET /api/v1/images/{image_id}": (SEE, the_image),
    "PATCH /api/v1/images/{image_id}": (EDIT, the_words_by_the_api),
    "DELETE /api/v1/images/{image_id}": (TRASH, an_image),
    "POST /api/v1/images/{image_id}/restore": (OWN, a_trashed_image),
    "POST /api/v1/images/{image_id}/purge": (OWN, a_trashed_image),
    "GET /api/v1/images/{image_id}/original": (SEE, the_image),
    "GET /api/v1/images/{image_id}/thumbnail": (SEE, the_image),
    # How pictures come in.
    "GET /upload": (SIGNED_IN, plainly()),
    "POST /uploads": (UPLOAD, files_for_the_page),
    "POST /api/v1/images": (UPLOAD, files_for_the_api),
    "POST /uploads/archives": (UPLOAD, an_announcement),
    "HEAD /uploads/archives/{upload_id}": (OWN_ACCOUNT, an_upload),
    "PATCH /uploads/archives/{upload_id}": (OWN_ACCOUNT, a_piece),
    "DELETE /uploads/archives/{upload_id}": (OWN_ACCOUNT, an_upload),
    "POST /api/v1/uploads": (UPLOAD, an_announcement),
    "HEAD /api/v1/uploads/{upload_id}": (OWN_ACCOUNT, an_upload),
    "PATCH /api/v1/uploads/{upload_id}": (OWN_ACCOUNT, a_piece),
    "DELETE /api/v1/uploads/{upload_id}": (OWN_ACCOUNT, an_upload),
    "GET /imports": (SIGNED_IN, plainly()),
    "GET /imports/{import_id}": (OWN_OR_ADMIN, an_import),
    "GET /imports/{import_id}/progress": (OWN_OR_ADMIN, an_import),
    "POST /imports/{import_id}/cancel": (OWN_OR_ADMIN, an_import),
    "POST /imports/{import_id}/resume": (OWN_OR_ADMIN, an_import_that_failed),
    "POST /imports/{import_id}/retry": (OWN_OR_ADMIN, an_import_that_refused),
    "GET /api/v1/imports": (SIGNED_IN, plainly()),
    "GET /api/v1/imports/{import_id}": (OWN_OR_ADMIN, an_import),
    "POST /api/v1/imports/{import_id}/cancel": (OWN_OR_ADMIN, an_import),
    "POST /api/v1/imports/{import_id}/resume": (OWN_OR_ADMIN, an_import_that_failed),
    "POST /api/v1/imports/{import_id}/retry": (OWN_OR_ADMIN, an_import_that_refused),
    # How they become vectors.
    "POST /api/v1/embeddings": (EVERYBODY, a_file),
    # How they are found.
    "GET /search": (EVERYBODY, plainly()),
    "POST /search": (EVERYBODY, a_file),
    "POST /queries": (EVERYBODY, a_file),
    "POST /queries/{query_id}/crops": (OWN, a_crop_of_the_owners_query),
    "GET /queries/{query_id}": (OWN, the_owners_query),
    "GET /queries/{query_id}/picture": (OWN, the_owners_query),
    "GET /images/{image_id}/similar": (SEE, the_image),
    "POST /images/{image_id}/crops": (SEE, a_crop),
    "GET /images/{image_id}/copies": (SEE, the_image),
    "POST /api/v1/search": (SEE, a_stored_image),
    "GET /api/v1/images/{image_id}/similar": (SEE, the_image),
    # How the model learns.
    "GET /admin/training": (ADMIN, plainly()),
    "POST /admin/training": (ADMIN, a_new_training),
    "GET /admin/training/new": (ADMIN, plainly()),
    "GET /admin/training/estimate": (ADMIN, plainly()),
    "GET /admin/training/{training_id}": (ADMIN, a_training),
    "POST /admin/training/{training_id}/cancel": (ADMIN, a_training),
    "POST /admin/training/{training_id}/resume": (ADMIN, a_stopped_training),
    "POST /admin/training/{training_id}/promote": (FIXED, a_training_that_made_a_model),
    "POST /admin/training/{training_id}/rollback": (ADMIN, a_promoted_training),
    "POST /admin/training/{training_id}/delete": (ADMIN, a_stopped_training),
    "GET /api/v1/trainings": (ADMIN, plainly()),
    "POST /api/v1/trainings": (ADMIN, a_new_training_by_the_api),
    "GET /api/v1/trainings/{training_id}": (ADMIN, a_training),
    "DELETE /api/v1/trainings/{training_id}": (ADMIN, a_stopped_training),
    "POST /api/v1/trainings/{training_id}/cancel": (ADMIN, a_training),
    "POST /api/v1/trainings/{training_id}/resume": (ADMIN, a_stopped_training),
    "POST /api/v1/trainings/{training_id}/promote": (FIXED, a_training_that_made_a_model),
    "POST /api/v1/trainings/{training_id}/rollback": (ADMIN, a_promoted_training),
    "GET /admin/evaluations/new": (ADMIN, plainly()),
    "POST /admin/evaluations": (ADMIN, a_new_evaluation),
    "GET /admin/evaluations/{evaluation_id}": (ADMIN, an_ended_evaluation),
    "GET /admin/evaluations/{evaluation_id}/report": (ADMIN, an_ended_evaluation),
    "GET /admin/evaluations/{evaluation_id}/results.json": (ADMIN, an_ended_evaluation),
    "POST /admin/evaluations/{evaluation_id}/again": (ADMIN, an_ended_evaluation),
    "POST /admin/evaluations/{evaluation_id}/cancel": (ADMIN, an_evaluation),
    "POST /admin/evaluations/{evaluation_id}/delete": (ADMIN, an_ended_evaluation),
    "GET /api/v1/evaluations": (ADMIN, plainly()),
    "POST /api/v1/evaluations": (ADMIN, a_new_evaluation_by_the_api),
    "GET /api/v1/evaluations/{evaluation_id}": (ADMIN, an_evaluation),
    "DELETE /api/v1/evaluations/{evaluation_id}": (ADMIN, an_ended_evaluation),
    "POST /api/v1/evaluations/{evaluation_id}/again": (ADMIN, an_ended_evaluation),
    "POST /api/v1/evaluations/{evaluation_id}/cancel": (ADMIN, an_evaluation),
    # How it is kept running.
    "GET /admin": (ADMIN, plainly()),
    "POST /admin/index/rebuild": (ADMIN, plainly()),
    "POST /admin/index/rollback": (ADMIN, a_version_before),
    "POST /admin/index/versions/{version_id}/activate": (ADMIN, a_version_before),
    "POST /admin/index/versions/{version_id}/delete": (ADMIN, a_version_before),
    "GET /api/v1/jobs": (SIGNED_IN, plainly()),
    "GET /api/v1/jobs/{job_id}": (OWN_OR_ADMIN, the_job_of_an_import),
    "POST /api/v1/jobs/{job_id}/cancel": (OWN_OR_ADMIN, the_job_of_an_import),
    "GET /api/v1/models": (ADMIN, plainly()),
    "POST /api/v1/models/use": (ADMIN, a_model),
    "GET /api/v1/index": (ADMIN, plainly()),
    "POST /api/v1/index/build": (ADMIN, plainly()),
    "POST /api/v1/index/rollback": (ADMIN, a_version_before),
    "POST /api/v1/index/versions/{version_id}/activate": (ADMIN, a_version_before),
    "POST /api/v1/index/versions/{version_id}/delete": (ADMIN, a_version_before),
    "GET /admin/users": (ADMIN, plainly()),
    "POST /admin/users": (ADMIN, a_guest),
    "POST /admin/users/{account_id}/invite": (ADMIN, an_invited_guest),
    "POST /admin/users/{account_id}/withdraw": (ADMIN, an_invited_guest),
    "POST /admin/users/{account_id}/disable": (ADMIN, an_invited_guest),
    "POST /admin/users/{account_id}/enable": (ADMIN, an_invited_guest),
    "POST /admin/users/{account_id}/quota": (ADMIN, an_invited_guest),
    "GET /admin/events": (ADMIN, plainly()),
    "GET /api/v1/admin/events": (ADMIN, plainly()),
    "GET /metrics": (ADMIN, plainly()),
    "GET /api/v1/admin/users": (ADMIN, plainly()),
    "POST /api/v1/admin/users": (ADMIN, a_guest_by_the_api),
    "PATCH /api/v1/admin/users/{account_id}": (ADMIN, a_guest_to_change),
    "POST /api/v1/admin/users/{account_id}/invite": (ADMIN, an_invited_guest_by_the_api),
    "DELETE /api/v1/admin/users/{account_id}/invite": (ADMIN, an_invited_guest_by_the_api),
    "POST /admin/failures/retry": (ADMIN, plainly()),
    "POST /admin/failures/{image_id}/retry": (ADMIN, a_failure),
    "POST /admin/quarantine/retry": (ADMIN, plainly()),
    "POST /admin/quarantine/{import_id}/{position}/retry": (ADMIN, a_refused_file),
    "GET /api/v1/admin/failures": (ADMIN, plainly()),
    "POST /api/v1/admin/failures/retry": (ADMIN, plainly()),
    "POST /api/v1/admin/failures/{image_id}/retry": (ADMIN, a_failure),
    "GET /api/v1/admin/quarantine": (ADMIN, plainly()),
    "POST /api/v1/admin/quarantine/retry": (ADMIN, plainly()),
    "POST /api/v1/admin/quarantine/{import_id}/{position}/retry": (ADMIN, a_refused_file),
    "POST /admin/models/use": (ADMIN, sent(model="baseline")),
    "POST /admin/jobs/{job_id}/retry": (ADMIN, a_failed_job),
    "POST /api/v1/jobs/{job_id}/retry": (OWN_OR_ADMIN, a_failed_job_of_an_import),
    "GET /styleguide": (EVERYBODY, plainly()),
    "GET /admin/jobs/{job_id}": (ADMIN, a_job),
    "POST /admin/jobs/{job_id}/cancel": (ADMIN, a_job),
    "GET /livez": (EVERYBODY, plainly()),
    "GET /readyz": (EVERYBODY, plainly()),
    # Words, files and the rest.
    "GET /help": (EVERYBODY, plainly()),
    "GET /api": (EVERYBODY, plainly()),
    "GET /api/docs": (EVERYBODY, plainly()),
    "GET /api/openapi.json": (EVERYBODY, plainly()),
    "GET /api/{path}": (NO_SUCH_PAGE, plainly(path="nothing")),
    "GET /{path}": (NO_SUCH_PAGE, plainly(path="nothing")),
    "GET /static/{file_path}": (EVERYBODY, plainly(file_path="css/base.css")),
    "HEAD /static/{file_path}": (EVERYBODY, plainly(file_path="css/base.css")),
}
HIDING = (SEE, EDIT, FORGET, MEMBERS, UPLOAD, MANAGE, TRASH, OWN, OWN_ACCOUNT, OWN_OR_ADMIN)
HIDDEN = {name: rule for name, (rule, _) in MATRIX.items() if rule in HIDING}


def routes_of_the_app() -> set[str]:
    app = create_app(Settings(data_dir=Path("/nowhere")), "")
    return {
        f"{method} {re.sub(r':[a-z]+}', '}', route.path)}"
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for method in route.methods
        if method != "OPTIONS"
    }


def test_a15_the_matrix_knows_every_route() -> None:
    assert set(MATRIX) == routes_of_the_app()


def in_words(response: httpx.Response) -> Answer | str:
    """The class of an answer."""
    if response.status_code in (200, 201, 202, 204, 303):
        return "ok"
    known: dict[int, Answer] = {401: "sign-in", 403: "not-allowed", 404: "missing", 409: "conflict"}
    return known.get(response.status_code, f"{response.status_code}: {response.text[:300]}")


@pytest.mark.parametrize("persona", PERSONAS)
async def test_a15_every_route_answers_everybody_as_the_matrix_says(world: World, persona: Persona) -> None:
    different: list[str] = []
    # The password last: it ends the sessions, and what it was is no longer so.
    for name in sorted(MATRIX, key=lambda name: name == "POST /account/password"):
        rule, ready = MATRIX[name]
        got = in_words(await ask(world, name, persona, await ready(world, persona)))
        if got != rule[persona]:
            different.append(f"{name}: {got}, not {rule[persona]}")
    assert different == []


@pytest.mark.parametrize("persona", ["anonymous", "expired", "stranger", "admin"])
async def test_a17_forbidden_answers_as_missing_does_byte_for_byte(world: World, persona: Persona) -> None:
    different: list[str] = []
    for name in (name for name, rule in HIDDEN.items() if rule[persona] != "ok"):
        request = await MATRIX[name][1](world, persona)
        forbidden = await ask(world, name, persona, request)
        missing = await ask(world, name, persona, nowhere(request))
        if told(forbidden, world, request) != told(missing, world, request):
            different.append(f"{name}\n  forbidden: {forbidden.text}\n  missing: {missing.text}")
    assert different == []


def told(response: httpx.Response, world: World, request: Ask) -> tuple[Any, ...]:
    """An answer without the address that was asked for."""
    text = response.text
    for value in (*request.names.values(), NOWHERE, NO_QUERY):
        text = re.sub(rf"(?<=/){re.escape(str(value))}(?![0-9])", "ID", text)
    headers = {name: value for name, value in response.headers.items() if name != "content-length"}
    return response.status_code, headers, text


async def test_lists_show_only_what_one_may_see(world: World) -> None:
    hidden = f"/images/{world.image_id}"
    for persona in PERSONAS:
        may = SEE[persona] == "ok"
        gallery = await ask(world, "GET /", persona, Ask({}))
        assert (f'"{hidden}"' in gallery.text) == may, persona
        listed = await ask(world, "GET /api/v1/images", persona, Ask({}))
        assert (world.image_id in [one["image_id"] for one in listed.json()["images"]]) == may, persona
        shelves = await ask(world, "GET /api/v1/collections", persona, Ask({}))
        assert ("Shared" in json.dumps(shelves.json())) == may, persona


async def test_a_public_collection_is_everybodys_to_see_and_nobodys_to_change(world: World) -> None:
    owner = world.people["owner"]
    await collections.update(
        world.gallery.intake.db, owner, world.collection.id, name="Shared", description="", is_public=True
    )
    for persona in PERSONAS:
        for name in (name for name, (rule, _) in MATRIX.items() if rule == SEE):
            answer = await ask(world, name, persona, await MATRIX[name][1](world, persona))
            assert in_words(answer) == "ok", (persona, name)
        words = await ask(world, "POST /images/{image_id}", persona, await the_words(world, persona))
        assert (in_words(words) == "ok") == (persona in ("editor", "owner")), persona
        trashed = await ask(world, "POST /images/{image_id}/trash", persona, await an_image(world, persona))
        assert (in_words(trashed) == "ok") == (persona == "owner"), persona


async def test_a14_a_cookie_is_nothing_to_the_api_nor_a_token_to_the_pages(world: World) -> None:
    owner = world.people["owner"]
    cookie = {"cookie": f"{SESSION_COOKIE}={await world.gallery.session(owner)}"}
    bearer = await world.gallery.bearer(owner)
    assert (await world.client.get(f"/images/{world.image_id}", headers=cookie)).status_code == 200
    assert (await world.client.get(f"/api/v1/images/{world.image_id}", headers=bearer)).status_code == 200
    assert (await world.client.get(f"/api/v1/images/{world.image_id}", headers=cookie)).status_code == 404
    assert (await world.client.get(f"/images/{world.image_id}", headers=bearer)).status_code == 404
