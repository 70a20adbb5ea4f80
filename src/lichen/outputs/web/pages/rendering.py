# SPDX-License-Identifier: Apache-2.0
"""A page from a template: the words of the reader's language, the frame around it, and its own footprint in the footer."""

from __future__ import annotations

import json
import secrets
import unicodedata
from collections.abc import Sequence
from datetime import date
from functools import cache
from typing import Any, Final

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, JSONResponse, Response

from lichen.outputs.web.access import ANONYMOUS, Identity
from lichen.outputs.web.context import context_of
from lichen.outputs.web.pages.addresses import Addresses, segment
from lichen.outputs.web.pages.drawings import Drawings
from lichen.outputs.web.pages.footprint import Weight, footprint, weigh
from lichen.outputs.web.pages.static import asset
from lichen.outputs.web.pages.words import Words
from lichen.render import charts
from lichen.render.figures import plain, shorten
from lichen.render.i18n import LANGUAGES
from lichen.render.names import foreign
from lichen.service.board.rows import Curve
from lichen.service.board.shapes import to_json
from lichen.service.workspace import Workspace

ASSETS: Final = ("app.css", "app.js")
"""What every page loads."""
CHART: Final = (*ASSETS, "chart.css", "chart.js")
"""What a page with a series loads."""
NAVIGATION: Final = (
    ("portfolio", "/"), ("targets", "/targets"), ("next", "/measure-next"), ("actions", "/actions"), ("bills", "/bills"),
    ("quality", "/quality"), ("methods", "/methods"), ("settings", "/settings"),
)  # fmt: skip
_TITLE_MAX: Final = 400
_LEFTWARDS: Final = frozenset(("R", "AL", "AN"))
"""Classes of letters that run from right to left (Unicode Standard Annex #9)."""
_EPOCH: Final = date(1970, 1, 1)
_PLACE: Final = f"@{secrets.token_hex(12)}@"
"""Where the footprint goes; nobody's text can hold it."""


def language_of(request: Request) -> str:
    """The language of an answer: of the address, of the account, the first that the browser asks for, else English."""
    asked = request.query_params.get("lang")
    if asked in LANGUAGES:
        return str(asked)
    caller: Identity = getattr(request.state, "identity", ANONYMOUS)
    if caller.lang in LANGUAGES:
        return str(caller.lang)
    wanted = [
        part.partition(";")[0].strip()[:2].lower() for part in request.headers.get("accept-language", "").split(",")
    ]
    return next((lang for lang in wanted if lang in LANGUAGES), LANGUAGES[0])


def show(
    request: Request, template: str, *, status: int = 200, assets: Sequence[str] = ASSETS, **values: Any
) -> HTMLResponse:
    """A page as the answer to a request.

    Args:
        request: whose caller, language and address it is for.
        template: name below ``templates``.
        status: of HTTP.
        assets: style sheets and scripts that it loads.
        values: what the template shows.
    """
    lang = language_of(request)
    caller: Identity = getattr(request.state, "identity", ANONYMOUS)
    context = context_of(request)
    html = render(
        template, lang, Addresses.of(request), assets=assets, caller=caller, base_url=context.base_url, **values
    )
    html = with_footprint(html, lang, context.workspace, assets)
    headers = {"Vary": "Accept-Language, Cookie", "Content-Language": lang}
    return HTMLResponse(html, status, headers)


def render(
    template: str, lang: str, addresses: Addresses, *, assets: Sequence[str] = ASSETS, caller: Identity = ANONYMOUS,
    **values: Any,
) -> str:  # fmt: skip
    """The page without its own footprint."""
    words = Drawings(lang)
    known: dict[str, Any] = {
        "lang": lang, "say": words.say, "w": words, "here": addresses.here, "to": addresses.to, "path": addresses.path,
        "twin": addresses.twin, "caller": caller, "assets": [asset(name).url for name in assets], "navigation": NAVIGATION,
        "place": "", "crumbs": (), "frame": None, "has_twin": False, "base_url": "",
        "may_write": False, "may_administer": False, "own_teams": (), "done": "",
    }  # fmt: skip
    return environment().get_template(template).render(known | values)


def with_footprint(html: str, lang: str, workspace: Workspace, assets: Sequence[str]) -> str:
    """The page with what it weighs, in its footer."""
    weight = weigh(html, assets)
    rounded = Weight(round(weight.transfer_bytes, -2), weight.requests, weight.elements)
    found, words = footprint(workspace, rounded), Words(lang)
    climate = words.numbers.amount(found.gwp100, "gCO2e", low=found.low, high=found.high)
    said = words.say(
        "web.footer.page", size=words.numbers.amount(rounded.transfer_bytes, "B", half_width=50.0).text,
        requests=words.count("web.footer.requests", weight.requests), elements=words.integer(weight.elements),
        score=words.integer(found.score), grade=found.grade, climate=climate.full,
    )  # fmt: skip
    return html.replace(_PLACE, str(escape(said)))


def twin(view: Any) -> Response:
    """A view as JSON."""
    return JSONResponse(to_json(view))


def named(text: str, limit: int = 60) -> Markup:
    """A name that somebody chose: escaped, shortened with a title that is bounded too, isolated where it may run leftwards."""
    clean = shorten(plain(text), _TITLE_MAX)
    if len(clean) <= limit and not any(unicodedata.bidirectional(letter) in _LEFTWARDS for letter in clean):
        return escape(clean)
    return foreign(clean, limit)


def _curve_data(curve: Curve, planned: Curve | None) -> str:
    """A series for the script: days since 1970, values and bounds, and what a plan allows."""
    plan = {point.at: point.value for point in planned.points} if planned else {}
    rows: dict[str, list[float | None]] = {
        "t": [(point.at - _EPOCH).days for point in curve.points], "v": [point.value for point in curve.points],
        "l": [point.low for point in curve.points], "h": [point.high for point in curve.points],
    }  # fmt: skip
    if plan:
        rows["p"] = [plan.get(point.at) for point in curve.points]
    return json.dumps({name: [_short(one) for one in row] for name, row in rows.items()}, separators=(",", ":"))


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.5g}")


@cache
def environment() -> Environment:
    """The templates of this room; what they print is escaped."""
    made = Environment(
        loader=PackageLoader("lichen.outputs.web", "templates"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
        autoescape=select_autoescape(default=True, default_for_string=True), auto_reload=False,
    )  # fmt: skip
    made.filters["named"] = named
    made.filters["segment"] = segment
    made.filters["plain"] = plain
    made.globals["nl"] = "\n"
    made.globals["curve_data"] = _curve_data
    made.globals["patterns"] = charts.definitions
    made.globals["swatch"] = charts.swatch
    made.globals["footprint"] = _PLACE
    return made
