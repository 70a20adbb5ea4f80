# SPDX-License-Identifier: Apache-2.0
"""What every page needs: templates, language, session, and the services of the process."""

import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import jinja2
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from lichen.demo import BUSINESS_DATE, HERE, LANGUAGES
from lichen.demo.assets import STATIC_DIR, Assets
from lichen.demo.backoffice_client import BackOfficeClient
from lichen.demo.database import Database
from lichen.demo.i18n import Translator, choose_language
from lichen.demo.products import Product
from lichen.demo.repository import Account
from lichen.demo.variants import Variant

SESSION_COOKIE: Final = "portal_session"
LANGUAGE_COOKIE: Final = "lang"
_TOKEN_BYTES: Final = 24


@dataclass(frozen=True)
class Site:
    """The services that the pages of one process share."""

    data: Path
    database: Database
    products: dict[str, Product]
    assets: Assets
    back_office: BackOfficeClient
    variant: Variant
    allow_reset: bool = False


def environment() -> jinja2.Environment:
    """Return the template engine: everything is escaped, a missing variable is an error."""
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["merge"] = lambda first, second: {**first, **second}
    templates.globals["business_date"] = BUSINESS_DATE
    # In the page itself: a picture from a file would come after the first paint, and lay the heading out again.
    templates.globals["mark"] = Markup((STATIC_DIR / "mark.svg").read_text().strip())  # noqa: S704 - our own file
    return templates


_ENVIRONMENT: Final = environment()


def site_of(request: Request) -> Site:
    """Return the services of the process that serves `request`."""
    site: Site = request.app.state.site
    return site


def translator_of(request: Request) -> Translator:
    """Return the translator in the language of the request."""
    return Translator(
        choose_language(
            request.query_params.get("lang"),
            request.cookies.get(LANGUAGE_COOKIE),
            request.headers.get("accept-language"),
        )
    )


def page(request: Request, template: str, status_code: int = 200, **context: Any) -> Response:
    """Render a template in the language of the request, and remember a language that was asked for."""
    site, translator = site_of(request), translator_of(request)
    html = _ENVIRONMENT.get_template(template).render(
        t=translator.text,
        tr=translator,
        language=translator.language,
        path=request.url.path,
        asset=site.assets.url,
        picture=site.assets.picture_url,
        variant=site.variant,
        account=account_of(request),
        json_data=_json_data,
        **context,
    )
    response = HTMLResponse(html, status_code=status_code, headers={"cache-control": "no-store"})
    if request.query_params.get("lang") in LANGUAGES:
        response.set_cookie(LANGUAGE_COOKIE, translator.language, httponly=True, samesite="lax")
    return response


def see(path: str) -> RedirectResponse:
    """Answer a form by sending the browser to a page."""
    return RedirectResponse(path, status_code=303)


def account_of(request: Request) -> Account | None:
    """Return who is signed in, or None."""
    token = request.cookies.get(SESSION_COOKIE)
    if not token or not hasattr(request.app.state, "site"):
        return None
    row = site_of(request).database.row(
        "SELECT account.* FROM session JOIN account ON account.id = session.account_id WHERE token = ?", [token]
    )
    return None if row is None else Account(row["id"], row["name"], row["email"], row["company_id"])


def session_token(request: Request) -> str | None:
    """Return the token of the visitor's session when the database knows it."""
    token = request.cookies.get(SESSION_COOKIE)
    known = token and site_of(request).database.row("SELECT 1 FROM session WHERE token = ?", [token])
    return token if known else None


def open_session(request: Request, response: Response, account_id: int | None) -> str:
    """Start a session with a fresh token, which `response` gives to the browser, and return the token."""
    token = secrets.token_hex(_TOKEN_BYTES)
    site_of(request).database.change("INSERT INTO session VALUES (?, ?)", [token, account_id])
    response.set_cookie(SESSION_COOKIE, token, httponly=True, samesite="lax")
    return token


def _json_data(value: object) -> Markup:
    """Write a value for a script element: no character may end the element."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))  # noqa: S704
