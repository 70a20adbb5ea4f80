# SPDX-License-Identifier: Apache-2.0
"""Signing in (password, identity provider, one-time link, invitation) and out."""

from __future__ import annotations

import ipaddress
import threading
from typing import Annotated, Final
from urllib.parse import urlsplit

from fastapi import APIRouter, Depends, FastAPI, Request
from starlette.responses import RedirectResponse, Response

from lichen.errors import UsageError
from lichen.outputs.web import account, administration, sessions
from lichen.outputs.web.access import SIGN_IN_PATH, public
from lichen.outputs.web.context import context_of
from lichen.outputs.web.forms import HOME, Form, by_of, read, safe_target
from lichen.outputs.web.limits import address_of, limits_of
from lichen.outputs.web.oidc import Beginning, Provider, ProviderFailed, unpacked
from lichen.outputs.web.pages.addresses import Addresses
from lichen.outputs.web.showing import page
from lichen.service import accounts

router = APIRouter(include_in_schema=False)
_OPEN: Final = [Depends(public("who signs in is not signed in yet"))]
_CALLBACK: Final = f"{SIGN_IN_PATH}/oidc/callback"
_BEGINNING_LASTS_S: Final = 600
Fields = Annotated[Form, Depends(read)]


@router.get(SIGN_IN_PATH, dependencies=_OPEN)
def show_sign_in(request: Request, next: str = HOME) -> Response:  # noqa: A002 - the name in the address
    """The sign-in page."""
    return _sign_in_page(request, target=next)


@router.post(SIGN_IN_PATH, dependencies=_OPEN)
def sign_in(request: Request, form: Fields) -> Response:
    """Signs in with an address and a password; wrong ones are slowed down, for the account and for where they come from."""
    context, limits = context_of(request), limits_of(request)
    email, target = form.one("email").strip(), form.one("next")
    origin, account_key = address_of(request), email.casefold()[:254]
    # Counted before the password is checked: of many that come at once, no more pass than of those that come in turn.
    wait_s = limits.accounts.add(account_key) or limits.sign_ins.add(origin)
    if wait_s:
        answer = _sign_in_page(request, target=target, email=email, error="throttled", wait_s=wait_s, status=429)
        answer.headers["Retry-After"] = str(wait_s)
        return answer
    person = accounts.check_password(context.store, email, form.one("password"))
    if person is None:
        with context.store.session() as session:
            accounts.note(session, by_of(request, "anonymous"), "session.refuse", "email", email, {"way": "password"})
        return _sign_in_page(request, target=target, email=email, error="wrong", status=401)
    limits.accounts.forget(account_key)
    limits.sign_ins.give_back(origin)
    return _signed_in(request, person.user_id, way="password", target=target)


@router.post("/sign-out", dependencies=[Depends(public("signing out twice does no harm"))])
def sign_out(request: Request) -> Response:
    """Ends the session."""
    answer = RedirectResponse(SIGN_IN_PATH, 303)
    _end_session(request)
    sessions.drop(answer, request)
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


@router.get(f"{SIGN_IN_PATH}/once", dependencies=_OPEN)
def show_once(request: Request, code: str = "") -> Response:
    """The page of the one-time link: one button, so that whoever fetches the address in advance does not use it up."""
    return page(request, "access/once.html.j2", code=code, error="" if _is_local(request) else "not_local")


@router.post(f"{SIGN_IN_PATH}/once", dependencies=_OPEN)
def sign_in_once(request: Request, form: Fields) -> Response:
    """Signs in the first administrator, from this machine only."""
    if not _is_local(request):
        return page(request, "access/once.html.j2", status=403, code="", error="not_local")
    with context_of(request).store.session() as session:
        user_id = accounts.redeem_link(session, form.one("code"), by=by_of(request, "anonymous"))
    if user_id is None:
        return page(request, "access/once.html.j2", status=401, code="", error="used")
    return _signed_in(request, user_id, way="link", target=HOME)


@router.get(f"{SIGN_IN_PATH}/welcome", dependencies=_OPEN)
def show_welcome(request: Request, code: str = "") -> Response:
    """The page of an invitation: the choice of a password."""
    return page(request, "access/welcome.html.j2", code=code, error="", problem=None)


@router.post(f"{SIGN_IN_PATH}/welcome", dependencies=_OPEN)
def accept_invitation(request: Request, form: Fields) -> Response:
    """Sets the password that an invitation asks for, and signs in."""
    code = form.one("code")
    try:
        with context_of(request).store.session() as session:
            user_id = accounts.accept_invitation(session, code, form.one("password"), by=by_of(request, "anonymous"))
    except UsageError as error:
        return page(request, "access/welcome.html.j2", status=422, code=code, error="", problem=error)
    if user_id is None:
        return page(request, "access/welcome.html.j2", status=401, code="", error="used", problem=None)
    return _signed_in(request, user_id, way="invitation", target=HOME)


@router.get(f"{SIGN_IN_PATH}/oidc", dependencies=_OPEN)
def begin_oidc(request: Request, next: str = HOME) -> Response:  # noqa: A002 - the name in the address
    """Sends the browser to the identity provider."""
    provider = provider_of(request)
    if provider is None:
        return _sign_in_page(request, target=next, error="no_provider", status=404)
    try:
        beginning, url = provider.begin(safe_target(next))
    except ProviderFailed as error:
        return _sign_in_page(request, target=next, failed=error, status=502)
    answer = RedirectResponse(url, 303)
    answer.set_cookie(
        _oidc_cookie(request), beginning.packed(), max_age=_BEGINNING_LASTS_S, path="/",
        secure=sessions.is_secure(request), httponly=True, samesite="lax",
    )  # fmt: skip
    return answer


@router.get(_CALLBACK, dependencies=_OPEN)
def finish_oidc(request: Request) -> Response:
    """Signs in whom the identity provider vouches for."""
    provider = provider_of(request)
    beginning = unpacked(request.cookies.get(_oidc_cookie(request), ""))
    if provider is None or beginning is None:
        return _sign_in_page(request, target=HOME, error="no_beginning", status=400)
    answer = _finish(request, provider, beginning)
    answer.delete_cookie(
        _oidc_cookie(request), path="/", secure=sessions.is_secure(request), httponly=True, samesite="lax"
    )
    return answer


def _finish(request: Request, provider: Provider, beginning: Beginning) -> Response:
    context = context_of(request)
    try:
        claims = provider.finish(beginning, dict(request.query_params))
    except ProviderFailed as error:
        with context.store.session() as session:
            accounts.note(
                session,
                by_of(request, "anonymous"),
                "session.refuse",
                "provider",
                provider.name,
                {"cause": error.cause},
            )
        return _sign_in_page(
            request, target=beginning.target, failed=error, status=502 if error.cause == "silent" else 401
        )
    with context.store.session() as session:
        user_id = accounts.user_of_subject(
            session, claims.subject, email=claims.email, name=claims.name, by=by_of(request, "anonymous"),
            create=context.settings.oidc.create_accounts,
        )  # fmt: skip
    if user_id is None:
        return _sign_in_page(request, target=beginning.target, error="no_account", status=403)
    return _signed_in(request, user_id, way="oidc", target=beginning.target)


def provider_of(request: Request) -> Provider | None:
    """The identity provider of the settings; None when they name none.

    Raises:
        ConfigError: its settings are wrong.
    """
    context, state = context_of(request), request.app.state
    if context.settings.oidc.issuer is None:
        return None
    with state.making_provider:
        if state.provider is None:
            state.provider = Provider(context.settings.oidc, redirect_uri=context.base_url + _CALLBACK)
        provider: Provider = state.provider
    return provider


def _signed_in(request: Request, user_id: str, *, way: str, target: str) -> Response:
    """A new session in place of the one that the browser may have had: nobody can prepare one for somebody else."""
    _end_session(request)
    with context_of(request).store.session() as session:
        secret = accounts.open_session(session, user_id, by=by_of(request, f"user:{user_id}"), way=way)
    answer = RedirectResponse(safe_target(target), 303)
    sessions.keep(answer, request, secret)
    return answer


def _end_session(request: Request) -> None:
    secret = sessions.secret_of(request)
    context = context_of(request)
    person = accounts.find_session(context.store, secret, now=context.clock()) if secret else None
    if person is not None:
        with context.store.session() as session:
            accounts.close_session(session, person.session_hash, by=by_of(request, f"user:{person.user_id}"))


def _sign_in_page(
    request: Request, *, target: str, status: int = 200, email: str = "", error: str = "", wait_s: int = 0,
    failed: ProviderFailed | None = None,
) -> Response:  # fmt: skip
    provider = provider_of(request)
    # The page of a sign-in that failed links to the plain one: what a provider sent in the address is not handed on.
    plain = Addresses(SIGN_IN_PATH, [("next", safe_target(target))])
    return page(
        request, "access/sign_in.html.j2", status=status, target=safe_target(target), email=email, error=error, wait_s=wait_s,
        failed=failed, provider=provider.name if provider else None,
        here=plain.here,
    )  # fmt: skip


def _oidc_cookie(request: Request) -> str:
    return f"{sessions.cookie_name(request)}_oidc"


def _is_local(request: Request) -> bool:
    """Whether the browser is on this machine: its address, no proxy in between, and the name that it asked for."""
    hosts = [
        request.client.host if request.client else "",
        urlsplit(f"//{request.headers.get('host', '')}").hostname or "",
    ]
    forwarded = any(name in request.headers for name in ("forwarded", "x-forwarded-for", "x-real-ip", "via"))
    return not forwarded and all(_is_loopback(host) for host in hosts)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def install(app: FastAPI) -> None:
    """Gives an application its identity provider, made when it is first asked for."""
    app.state.provider = None
    app.state.making_provider = threading.Lock()


router.include_router(account.router)
router.include_router(administration.router)
