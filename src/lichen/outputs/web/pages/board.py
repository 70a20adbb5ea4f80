# SPDX-License-Identifier: Apache-2.0
"""The portfolio, its filters, teams, targets, what to measure next, data quality, methods."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from lichen.outputs.web.access import Identity, Reader
from lichen.outputs.web.context import context_of
from lichen.outputs.web.pages.answers import HOME, answer, around, found
from lichen.service import alerts
from lichen.service.board.methods import factors_methods
from lichen.service.board.next import measure_next
from lichen.service.board.portfolio import portfolio
from lichen.service.board.quality import quality
from lichen.service.board.queries import UNALLOCATED, PortfolioQuery
from lichen.service.board.shapes import FacetValue
from lichen.service.board.targets import targets
from lichen.service.board.team import team
from lichen.service.board.views import PortfolioView
from lichen.store.queries import declared

router: Final = APIRouter(include_in_schema=False)
CSV: Final = "/api/v1/exports/joined?format=csv"
"""What the portfolio links to for spreadsheets: every application and month."""
Words = Annotated[list[str], Query()]
Number = Annotated[int, Query(ge=1, le=100_000)]
_FILTERS: Final = ("team", "domain", "criticality", "measured")
_COLUMNS: Final = (
    ("name", "asc"), ("visits", "desc"), ("cost", "desc"), ("value", "desc"), ("gwp100", "desc"), ("trend", "desc"),
    ("gap", "desc"), ("weighted", "desc"),
)  # fmt: skip
"""What the columns are sorted by, and which way first."""
_OWN_TEAMS: Final = 4
_ALERTS_SHOWN: Final = 4
_ALERTS_COUNTED: Final = 1000


@router.get("/portfolio")
@router.get("/filters")
@router.get("/")
@router.get("/portfolio.json")
def show_portfolio(
    request: Request, caller: Reader, *, period: str | None = None, team: Words = [], domain: Words = [],  # noqa: B006
    criticality: Words = [], measured: Words = [], search: str = "", sort: str = "gwp100",  # noqa: B006
    direction: Literal["asc", "desc"] | None = None, page: Number = 1, indicator: str = "gwp100",
) -> Response:  # fmt: skip
    """Every application with its traffic, cost, value and footprint; or what it may be filtered by."""
    query = PortfolioQuery(
        period=period or None, team=tuple(team), domain=tuple(domain), criticality=tuple(criticality),
        measured=tuple(measured), search=search.strip(), sort=sort, direction=direction, page=page, indicator=indicator,
    )  # fmt: skip
    view = portfolio(context_of(request), query, caller.visibility())
    before, after = around(view.frame)
    if request.url.path == "/filters":
        return answer(request, view, "filters", place="portfolio", crumbs=[HOME])
    return answer(
        request, view, "portfolio", place="portfolio", before=before, after=after, columns=_columns(query), csv=CSV,
        is_empty=_is_empty(view, caller), own_teams=_own_teams(view, caller),
        chosen=[(name, value) for name in _FILTERS for value in getattr(query, name)],
    )  # fmt: skip


def _columns(query: PortfolioQuery) -> list[tuple[str, str, str]]:
    """Columns, the way that a click sorts them, and how they are sorted now."""
    way = "desc" if query.falling else "asc"
    listed = []
    for name, first in _COLUMNS:
        is_sorted = name == query.sort
        follows = ("asc" if way == "desc" else "desc") if is_sorted else first
        listed.append((name, follows, ("descending" if way == "desc" else "ascending") if is_sorted else ""))
    return listed


def _own_teams(view: PortfolioView, caller: Identity) -> list[FacetValue]:
    """The teams of somebody who is in a few: their own page is what they come for."""
    if caller.is_admin or not caller.is_person:
        return []
    listed = next(facet for facet in view.facets if facet.name == "team").values
    return [one for one in listed if one.value != UNALLOCATED][:_OWN_TEAMS]


def _is_empty(view: PortfolioView, caller: Identity) -> str:
    """Whether there is nothing at all yet: ``nothing``, for an administrator ``offer``; empty where filters left nothing."""
    is_filtered = view.query.search or any(getattr(view.query, name) for name in _FILTERS)
    if view.page.rows or is_filtered:
        return ""
    return "offer" if caller.is_admin and caller.is_person else "nothing"


@router.get("/teams/{code}")
@router.get("/teams/{code}.json")
def show_team(request: Request, caller: Reader, code: str, period: str | None = None) -> Response:
    """A team: its sums, its applications, what is wrong with them, its actions."""
    view = found(team(context_of(request), code, caller.visibility(), period=period or None))
    before, after = around(view.frame)
    with context_of(request).store.reading() as session:
        found_team = declared.team(session, code)
        may = caller.is_person and found_team is not None and caller.may_administer(found_team.id)
    firing = alerts.listed(context_of(request), caller.visibility(), state="firing", team=code, limit=_ALERTS_COUNTED)
    return answer(
        request, view, "team", place="portfolio", before=before, after=after, crumbs=[HOME], may_administer=may,
        alerts=firing[:_ALERTS_SHOWN], alerts_more=max(0, len(firing) - _ALERTS_SHOWN),
    )  # fmt: skip


@router.get("/targets")
@router.get("/targets.json")
def show_targets(request: Request, caller: Reader, period: str | None = None, page: Number = 1) -> Response:
    """The organisation's target first, then what falls to teams and applications."""
    view = targets(context_of(request), caller.visibility(), period=period or None, page=page)
    return answer(request, view, "targets", place="targets")


@router.get("/measure-next")
@router.get("/measure-next.json")
def show_next(request: Request, caller: Reader, period: str | None = None, page: Number = 1) -> Response:
    """What is worth measuring next."""
    view = measure_next(context_of(request), caller.visibility(), period=period or None, page=page)
    return answer(request, view, "next", place="next")


@router.get("/quality")
@router.get("/quality.json")
def show_quality(request: Request, caller: Reader, period: str | None = None, page: Number = 1) -> Response:
    """How far the data can be trusted."""
    view = quality(context_of(request), caller.visibility(), period=period or None, page=page)
    return answer(request, view, "quality", place="quality")


@router.get("/methods")
@router.get("/methods.json")
def show_methods(request: Request, caller: Reader, search: str = "", page: Number = 1) -> Response:  # noqa: ARG001 - its role is checked
    """Methods and factors."""
    view: Any = factors_methods(context_of(request), search=search, page=page)
    return answer(request, view, "methods", place="methods")
