"""Pages for signing in and out, and for claiming an account."""

from dataclasses import dataclass
from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, QueryParameter, URLEncodedBody

from app.accounts import service_claims, service_sessions
from app.accounts.identity import client_of, expired_cookie, session_cookie
from app.accounts.passwords import WrongPassword
from app.accounts.records import Account, Viewer
from app.core.database import Database
from app.core.errors import Conflict, Invalid, TooMany
from app.core.pages import Notice, redirect, render
from app.core.problems import waiting_headers
from app.core.settings import Settings
from app.core.words import capfirst

FORM_BYTES = 64 * 1024
HOME = "/"


@dataclass(frozen=True, slots=True)
class SignInForm:
    """What the sign-in form sends."""

    name: str = ""
    password: str = ""
    next: str = HOME


@dataclass(frozen=True, slots=True)
class ClaimForm:
    """What the claim form sends."""

    name: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True)
class SignInPage:
    """What `accounts/sign_in.html` shows: what was typed before, and in `next` where to go afterwards."""

    error: str | None
    name: str
    next: str
    retry_after_s: int | None = None


@dataclass(frozen=True, slots=True)
class ClaimPage:
    """What `accounts/claim.html` shows. `action` is where its form leads, `first_admin` who is meant."""

    error: str | None
    action: str
    name: str
    first_admin: bool


def local_path(text: str) -> str:
    """The text if it is a path on this site, else the home page: no link leads elsewhere by way of us."""
    local = text.startswith("/") and not text.startswith("//") and "\\" not in text and text.isprintable()
    return text if local else HOME


@get("/sign-in")
async def sign_in_form(
    request: Request[Any, Any, Any],
    viewer: NamedDependency[Viewer],
    destination: Annotated[str, QueryParameter(name="next")] = HOME,
) -> Response[Any]:
    destination = local_path(destination)
    if viewer.signed_in:
        return redirect(destination)
    return render(request, "accounts/sign_in.html", SignInPage(None, "", destination), title="Sign in")


@post("/sign-in")
async def sign_in(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    settings: NamedDependency[Settings],
    data: URLEncodedBody[SignInForm],
) -> Response[Any]:
    destination = local_path(data.next)
    try:
        secret = await service_sessions.sign_in(db, viewer, client_of(request), data.name, data.password)
    except WrongPassword as error:
        page = SignInPage(error.detail, data.name, destination)
        return render(request, "accounts/sign_in.html", page, title="Sign in", status_code=error.status)
    except TooMany as error:
        page = SignInPage(f"{capfirst(error.detail)}.", data.name, destination, error.retry_after_s)
        headers = waiting_headers(error)
        return render(
            request, "accounts/sign_in.html", page, title="Sign in", status_code=error.status, headers=headers
        )
    return redirect(destination, cookies=[session_cookie(secret, secure=settings.secure_cookies)])


@post("/sign-out")
async def sign_out(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    settings: NamedDependency[Settings],
) -> Response[Any]:
    await service_sessions.sign_out(db, viewer, client_of(request))
    response = redirect(
        HOME, Notice("info", "You are signed out."), cookies=[expired_cookie(secure=settings.secure_cookies)]
    )
    # Private pictures stay in no cache. Not "cookies": it would take the notice with it.
    response.set_header("Clear-Site-Data", '"cache", "storage"')
    return response


@get("/claim/{token:str}")
async def claim_form(
    request: Request[Any, Any, Any], db: NamedDependency[Database], token: FromPath[str]
) -> Response[Any]:
    account = await service_claims.get_claimed(db, token)
    return _claim_page(request, account, account.name)


@post("/claim/{token:str}")
async def claim(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    settings: NamedDependency[Settings],
    token: FromPath[str],
    data: URLEncodedBody[ClaimForm],
) -> Response[Any]:
    account = await service_claims.get_claimed(db, token)
    try:
        secret = await service_claims.claim(db, token, data.name, data.password, client_of(request))
    except (Invalid, Conflict) as error:
        return _claim_page(request, account, data.name, error.detail)
    cookie = session_cookie(secret, secure=settings.secure_cookies)
    return redirect(HOME, Notice("success", "Welcome. This account is yours now."), cookies=[cookie])


def _claim_page(
    request: Request[Any, Any, Any], account: Account, name: str, error: str | None = None
) -> Response[Any]:
    return render(
        request,
        "accounts/claim.html",
        ClaimPage(error, request.url.path, name, account.is_admin),
        title="Choose a name and a password",
        status_code=422 if error else 200,
    )


router = Router(
    "/",
    route_handlers=[sign_in_form, sign_in, sign_out, claim_form, claim],
    request_max_body_size=FORM_BYTES,
    include_in_schema=False,
)
