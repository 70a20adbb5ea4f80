# SPDX-License-Identifier: Apache-2.0
"""The cookie of a session: unreadable by scripts, not sent by other sites' forms, bound to this host when over TLS."""

from __future__ import annotations

from typing import Final

from starlette.requests import HTTPConnection
from starlette.responses import Response

from lichen.outputs.web.context import context_of
from lichen.service.accounts import SESSION_MAX

_SECURE_NAME: Final = "__Host-lichen"
"""Browsers keep such a cookie only when it is Secure, for the whole host and for no other (RFC 6265bis, section 4.1.3.2)."""
PLAIN_NAME: Final = "lichen_session"


def is_secure(request: HTTPConnection) -> bool:
    """Whether people reach the server over TLS, its own or a proxy's."""
    return context_of(request).base_url.startswith("https://")


def cookie_name(request: HTTPConnection) -> str:
    """Name of the session's cookie."""
    return _SECURE_NAME if is_secure(request) else PLAIN_NAME


def secret_of(request: HTTPConnection) -> str | None:
    """The secret in the cookie; None without one."""
    return request.cookies.get(cookie_name(request)) or None


def keep(response: Response, request: HTTPConnection, secret: str) -> None:
    """Gives the browser the secret of its session."""
    response.set_cookie(
        cookie_name(request), secret, max_age=int(SESSION_MAX.total_seconds()), path="/", secure=is_secure(request),
        httponly=True, samesite="lax",
    )  # fmt: skip


def drop(response: Response, request: HTTPConnection) -> None:
    """Takes it back."""
    response.delete_cookie(cookie_name(request), path="/", secure=is_secure(request), httponly=True, samesite="lax")
