"""The OpenAPI document: what Litestar makes of the handlers, completed by all that each operation can answer."""

import copy
from http import HTTPStatus
from typing import Any

from litestar import Litestar, Request, Response, Router
from litestar.exceptions import NotFoundException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.routes import HTTPRoute

from app.accounts.guards import require_admin, require_signed_in, scope_of
from app.core.problems import PROBLEM_JSON
from app.openapi_operations import OPERATIONS, Told

Json = dict[str, Any]

WORDS = {
    400: "The body cannot be read as what it says it is.",
    401: "Nobody is signed in, or the token is no live one.",
    403: "It may be seen, but not done; or the token has not the scope that this needs.",
    404: "There is no such thing, or it is not the caller's to see: both answer the same.",
    409: "It contradicts what is there.",
    412: "Another version of tus than 1.0.0.",
    413: "More bytes or files than this gallery takes at once.",
    415: "Another content type than the one that this takes.",
    422: "A value cannot be used; `detail` names it.",
    429: "Too often: `Retry-After` says when to try again.",
    503: "Not now: a part is starting or down, or too many wait already.",
    507: "The disk, or what the caller may keep, is full.",
}
RETRY_AFTER = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
PROBLEM: Json = {
    "title": "Problem",
    "description": "A refusal (RFC 9457). Further members may tell more, such as which files were `refused`.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "hint": {"type": "string"},
    },
}
TUS_HEADER: Json = {
    "name": "Tus-Resumable",
    "in": "header",
    "required": True,
    "description": "The version of tus that is spoken.",
    "schema": {"type": "string", "enum": ["1.0.0"]},
}
PIECE: Json = {
    "required": True,
    "content": {"application/offset+octet-stream": {"schema": {"type": "string", "format": "binary"}}},
}
SHARE: Json = {
    "name": "Likeness-Share",
    "in": "header",
    "required": False,
    "description": "The key of a share link (`/api/v1/links/open`): what it leads to is seen, too.",
    "schema": {"type": "string"},
}
IF_NONE_MATCH: Json = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The `ETag` of bytes that the caller has.",
    "schema": {"type": "string"},
}


class CompleteDocument(JsonRenderPlugin):
    """Serves the document, completed once."""

    def __init__(self) -> None:
        super().__init__()
        self._completed: bytes | None = None

    def render(self, request: Request[Any, Any, Any], openapi_schema: Json) -> bytes:
        """The completed document as JSON."""
        if self._completed is None:
            self._completed = self.render_json(request, complete(openapi_schema, request.app))
        return self._completed


def openapi_config() -> OpenAPIConfig:
    """Where the document is, and what it says of the API as a whole."""
    return OpenAPIConfig(
        title="Likeness",
        version="1",
        description="Find pictures by likeness. Public collections need no token; for others send "
        "`Authorization: Bearer likeness_…` (from your account page, or `likeness user token`). "
        "Each operation's security names the scope that its token needs: read, write or admin.",
        render_plugins=[CompleteDocument()],
        openapi_router=Router("/api", route_handlers=[], include_in_schema=False, after_request=_plainly_missing),
        components=Components(
            security_schemes={"bearer": SecurityScheme(type="http", scheme="bearer")},
        ),
        security=[{}, {"bearer": []}],
        use_handler_docstrings=True,
    )


def complete(document: Json, app: Litestar) -> Json:
    """The document with every answer that an operation can give, and with examples."""
    document = copy.deepcopy(document)
    document["components"]["schemas"]["Problem"] = PROBLEM
    document["components"]["responses"] = {HTTPStatus(status).name: _refusal(status) for status in WORDS}
    handlers = _handlers(app)
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            name = operation["operationId"]
            known: set[int] = set()
            if path.startswith("/api/"):
                known = _complete_security(method, operation, handlers[name])
            _complete_operation(method, operation, OPERATIONS.get(name, Told()), known)
    return document


def _complete_security(method: str, operation: Json, handler: HTTPRouteHandler) -> set[int]:
    """Which scope a token needs, and whether one may come without, perhaps with a share link's key.

    Returns the refusals that follow.
    """
    guards = handler.resolve_guards()
    bearer: Json = {"bearer": [scope_of(handler, method.upper())]}
    if require_signed_in in guards or require_admin in guards:
        operation["security"] = [bearer]
    else:
        operation["security"] = [{}, bearer]
        operation.setdefault("parameters", []).append(SHARE)
    return {401, 403, 404} if require_admin in guards else {401, 403}


def _complete_operation(method: str, operation: Json, told: Told, known: set[int]) -> None:
    _complete_parameters(operation, told)
    responses: Json = operation["responses"]
    responses.pop("400", None)  # Litestar's own words: a value that cannot be used is answered 422 here
    success = next(one for code, one in responses.items() if code.startswith("2"))
    _complete_success(success, told)
    for status, words in told.also.items():
        responses[str(status)] = {**success, "description": words}
        if status == HTTPStatus.NOT_MODIFIED:
            responses[str(status)].pop("content", None)
    for status in sorted(known | _refusals(operation, told)):
        # What answers HEAD has no body.
        bare = {"description": WORDS[status]}
        shared = {"$ref": f"#/components/responses/{HTTPStatus(status).name}"}
        responses[str(status)] = bare if method == "head" else shared
    for media_type, media in operation.get("requestBody", {}).get("content", {}).items():
        example = told.request if media_type == "application/json" else told.form
        if example is not None:
            media["example"] = example


def _refusals(operation: Json, told: Told) -> set[int]:
    """What it can be refused with: its own refusals, and those that follow from what it takes."""
    refusals = {503, *told.refusals}
    if operation.get("parameters") or operation.get("requestBody"):
        refusals.add(422)
    if operation.get("requestBody") and 415 not in refusals:
        refusals |= {400, 413}
    return refusals


def _refusal(status: int) -> Json:
    problem = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": WORDS[status],
        "instance": "/api/v1/images/12",
    }
    schema = {"$ref": "#/components/schemas/Problem"}
    answer: Json = {
        "description": WORDS[status],
        "content": {PROBLEM_JSON: {"schema": schema, "example": problem}},
    }
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        answer["headers"] = RETRY_AFTER
    return answer


def _complete_parameters(operation: Json, told: Told) -> None:
    parameters: list[Json] = operation.setdefault("parameters", [])
    for one in parameters:
        kinds = [kind for kind in one["schema"].get("oneOf", []) if kind != {"type": "null"}]
        if len(kinds) == 1:  # an address has no null: what is optional is left out
            del one["schema"]["oneOf"]
            one["schema"].update(kinds[0])
    if 412 in told.refusals:
        parameters.append(TUS_HEADER)
    if 304 in told.also:
        parameters.append(IF_NONE_MATCH)
    if 415 in told.refusals:
        operation["requestBody"] = PIECE
    if not parameters:
        del operation["parameters"]


def _complete_success(success: Json, told: Told) -> None:
    if told.media:
        binary = {"schema": {"type": "string", "format": "binary"}}
        success["content"] = dict.fromkeys(told.media, binary)
    elif told.answer is None:
        success.pop("content", None)  # such an answer has no body
    else:
        for media in success["content"].values():
            media["example"] = told.answer
    headers = {name: {"description": words, "schema": {"type": "string"}} for name, words in told.headers.items()}
    if headers:
        success["headers"] = headers


def _handlers(app: Litestar) -> dict[str, HTTPRouteHandler]:
    """The handler of each operation."""
    return {
        str(handler.operation_id): handler
        for route in app.routes
        if isinstance(route, HTTPRoute)
        for handler in route.route_handlers
        if handler.operation_id is not None and handler.resolve_include_in_schema()
    }


async def _plainly_missing(response: Response[Any]) -> Response[Any]:
    """The schema's router has a 404 page of its own; ours is the one for every address."""
    if response.status_code == HTTPStatus.NOT_FOUND:
        raise NotFoundException
    return response
