"""The page of one's own account: password, sessions, API tokens."""

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, URLEncodedBody

from app.accounts import service, service_sessions, service_tokens
from app.accounts.guards import require_signed_in
from app.accounts.identity import client_of, expired_cookie, session_cookie
from app.accounts.pages import FORM_BYTES
from app.accounts.passwords import WrongPassword
from app.accounts.records import SCOPES, ApiToken, Scope, Session, Viewer
from app.core.database import Database
from app.core.errors import Conflict, Invalid, TooMany
from app.core.pages import Notice, redirect, render
from app.core.problems import waiting_headers
from app.core.settings import Settings

ACCOUNT = "/account"


@dataclass(frozen=True, slots=True)
class PasswordForm:
    """What the form for a new password sends."""

    current: str = ""
    new: str = ""


@dataclass(frozen=True, slots=True)
class TokenForm:
    """What the form for a new token sends: its name, and "yes" for each scope that it is to have."""

    name: str = ""
    read: str = ""
    write: str = ""
    admin: str = ""

    @property
    def scopes(self) -> list[Scope]:
        ticked = {"read": self.read, "write": self.write, "admin": self.admin}
        return [scope for scope in SCOPES if ticked[scope]]


@dataclass(frozen=True, slots=True)
class PrivacyForm:
    """What the form for privacy sends: "yes", or nothing."""

    share_metadata: str = ""


@dataclass(frozen=True, slots=True)
class UserView:
    name: str
    shares_metadata: bool
    created_text: str


@dataclass(frozen=True, slots=True)
class SessionView:
    id: int
    user_agent: str
    address: str
    last_seen_text: str
    current: bool


@dataclass(frozen=True, slots=True)
class TokenView:
    id: int
    name: str
    prefix: str
    scopes_text: str
    created_text: str
    last_used_text: str
    expires_text: str


@dataclass(frozen=True, slots=True)
class AccountPage:
    """What `accounts/account.html` shows. `errors` go by the name of their field: current, new, name."""

    user: UserView
    sessions: list[SessionView]
    tokens: list[TokenView]
    new_token: str | None = None
    errors: dict[str, str] = field(default_factory=dict[str, str])


@get()
async def show(
    request: Request[Any, Any, Any], db: NamedDependency[Database], viewer: NamedDependency[Viewer]
) -> Response[Any]:
    return await _page(request, db, viewer)


@post("/password")
async def change_password(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    settings: NamedDependency[Settings],
    data: URLEncodedBody[PasswordForm],
) -> Response[Any]:
    try:
        secret = await service.change_password(db, viewer, client_of(request), data.current, data.new)
    except WrongPassword as error:
        return await _page(request, db, viewer, errors={"current": error.detail})
    except TooMany as error:
        minutes = math.ceil((error.retry_after_s or 0) / 60)
        words = f"{error.detail}: try again in {minutes} minute{'' if minutes == 1 else 's'}"
        return await _page(request, db, viewer, errors={"current": words}, throttled=error)
    except (Invalid, Conflict) as error:
        return await _page(request, db, viewer, errors={"new": error.detail})
    notice = Notice("success", "Your password is changed, and all other browsers are signed out.")
    return redirect(ACCOUNT, notice, cookies=[session_cookie(secret, secure=settings.secure_cookies)])


@post("/privacy")
async def change_privacy(
    db: NamedDependency[Database], viewer: NamedDependency[Viewer], data: URLEncodedBody[PrivacyForm]
) -> Response[Any]:
    shares = data.share_metadata == "yes"
    await service.share_metadata(db, viewer, shares=shares)
    told = "Others get your originals as they are." if shares else "Others get your originals without place and time."
    return redirect(ACCOUNT, Notice("success", told))


@post("/sessions/{session_id:int}/revoke")
async def revoke_session(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    settings: NamedDependency[Settings],
    session_id: FromPath[int],
) -> Response[Any]:
    await service_sessions.revoke_session(db, viewer, client_of(request), session_id)
    if session_id == viewer.session_id:
        return redirect("/sign-in", cookies=[expired_cookie(secure=settings.secure_cookies)])
    return redirect(ACCOUNT, Notice("success", "That browser is signed out."))


@post("/tokens")
async def make_token(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    data: URLEncodedBody[TokenForm],
) -> Response[Any]:
    """Answers with the page itself: the secret is shown this once, and a redirect would have to carry it."""
    try:
        made = await service_tokens.make_token(
            db, viewer, data.name, scopes=data.scopes, address=client_of(request).address
        )
    except Invalid as error:
        return await _page(request, db, viewer, errors={"name": error.detail})
    return await _page(request, db, viewer, new_token=made.secret)


@post("/tokens/{token_id:int}/revoke")
async def revoke_token(
    request: Request[Any, Any, Any],
    db: NamedDependency[Database],
    viewer: NamedDependency[Viewer],
    token_id: FromPath[int],
) -> Response[Any]:
    await service_tokens.revoke_token(db, viewer, token_id, address=client_of(request).address)
    return redirect(ACCOUNT, Notice("success", "The token is revoked."))


async def _page(
    request: Request[Any, Any, Any],
    db: Database,
    viewer: Viewer,
    *,
    new_token: str | None = None,
    errors: dict[str, str] | None = None,
    throttled: TooMany | None = None,
) -> Response[Any]:
    account = await service.get_own(db, viewer)
    sessions = await service_sessions.list_sessions(db, viewer)
    tokens = await service_tokens.list_tokens(db, viewer)
    page = AccountPage(
        user=UserView(account.name, account.shares_metadata, _text(account.created_at)),
        sessions=[_session_view(session, viewer) for session in sessions],
        tokens=[_token_view(token) for token in tokens],
        new_token=new_token,
        errors=errors or {},
    )
    return render(
        request,
        "accounts/account.html",
        page,
        title="Your account",
        status_code=throttled.status if throttled else 422 if errors else 200,
        headers={"Cache-Control": "no-store"} if new_token else waiting_headers(throttled) if throttled else None,
    )


def _session_view(session: Session, viewer: Viewer) -> SessionView:
    return SessionView(
        session.id,
        session.user_agent or "unknown browser",
        session.address,
        _text(session.seen_at),
        session.id == viewer.session_id,
    )


def _token_view(token: ApiToken) -> TokenView:
    return TokenView(
        token.id,
        token.name,
        token.prefix,
        ", ".join(token.scopes),
        _text(token.created_at),
        _text(token.used_at) if token.used_at else "never",
        _text(token.expires_at),
    )


def _text(moment: datetime) -> str:
    return f"{moment:%-d %B %Y, %H:%M} UTC"


router = Router(
    ACCOUNT,
    route_handlers=[show, change_password, change_privacy, revoke_session, make_token, revoke_token],
    guards=[require_signed_in],
    request_max_body_size=FORM_BYTES,
    include_in_schema=False,
)
