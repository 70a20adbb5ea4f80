# SPDX-License-Identifier: Apache-2.0
"""What the board shows, for programs: the portfolio, applications, journeys, teams, targets, actions, quality, methods."""

from __future__ import annotations

from typing import Annotated, Final, Generic, Literal, TypeVar

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from lichen.outputs.web.access import Reader
from lichen.outputs.web.api import answers
from lichen.outputs.web.api.answers import Code, Cursor, Indicator, Limit, PeriodName
from lichen.outputs.web.context import WebContext, context_of
from lichen.service.board.application import application, journey
from lichen.service.board.catalogue import JourneyItem, TeamItem, journey_items, team_items
from lichen.service.board.methods import factors_methods
from lichen.service.board.next import measure_next
from lichen.service.board.portfolio import portfolio, portfolio_rows
from lichen.service.board.quality import quality
from lichen.service.board.queries import SORTS, PortfolioQuery
from lichen.service.board.reading import HEADLINE
from lichen.service.board.rows import PortfolioRow
from lichen.service.board.targets import targets
from lichen.service.board.team import actions, team
from lichen.service.board.views import (
    ActionsView,
    ApplicationView,
    FactorsMethodsView,
    JourneyView,
    MeasureNextView,
    PortfolioView,
    QualityView,
    TargetsView,
    TeamView,
)

router = APIRouter(prefix="/api/v1", tags=["board"])
T = TypeVar("T")
Context = Annotated[WebContext, Depends(context_of)]
PageNumber = Annotated[int, Query(ge=1, le=100_000, description="Page, from 1.")]
Words = Annotated[str, Query(max_length=200, description="Words that must occur, in any case.")]
Several = Annotated[list[str] | None, Query(max_length=100, description="Alternatives; give it several times.")]


class Listing(BaseModel, Generic[T]):
    """A page of a list."""

    items: list[T]
    next: str | None = Field(description="Cursor of the next page; null on the last.")


class Filters(BaseModel):
    """What of the portfolio is asked for."""

    period: str | None = Field(
        None, pattern=r"^\d{4}(-(0[1-9]|1[0-2]))?$", description="A month, 2026-10, or a year, 2026."
    )
    indicator: str = Field(HEADLINE, min_length=1, max_length=64, description="Indicator of the nomenclature.")
    team: list[str] = Field(default_factory=list, max_length=100, description="Codes of teams, or unallocated.")
    domain: list[str] = Field(default_factory=list, max_length=100)
    criticality: list[str] = Field(default_factory=list, max_length=100, description="1 (a comfort) to 4 (vital).")
    measured: list[Literal["yes", "no"]] = Field(default_factory=list, max_length=2)
    search: str = Field("", max_length=200, description="Words of a code, name or tag.")
    sort: Literal[SORTS] = Field(SORTS[0], description="Column to sort by; what is unknown comes last.")  # type: ignore[valid-type]
    direction: Literal["asc", "desc"] | None = None

    def query(self, page: int = 1) -> PortfolioQuery:
        """The same for the board."""
        return PortfolioQuery(
            period=self.period, team=tuple(self.team), domain=tuple(self.domain), criticality=tuple(self.criticality),
            measured=tuple(self.measured), search=self.search, sort=self.sort, direction=self.direction, page=page,
            indicator=self.indicator,
        )  # fmt: skip


class PagedFilters(Filters):
    """The same with a page."""

    page: int = Field(1, ge=1, le=100_000)


class ListedFilters(Filters):
    """The same for a list."""

    cursor: str | None = Field(None, max_length=500, description="`next` of the page before.")
    limit: int = Field(25, ge=1, le=answers.LIMIT_MAX)


_DOCUMENTED: Final = answers.documented()
_WITH_404: Final = answers.documented(404)


@router.get("/portfolio", response_model=PortfolioView, responses=_DOCUMENTED, summary="The portfolio page")
def get_portfolio(
    request: Request, context: Context, caller: Reader, filters: Annotated[PagedFilters, Query()]
) -> Response:
    """One page of 25 applications, with sums over all that the filters leave, and how many each filter would leave."""
    return answers.answer(request, portfolio(context, filters.query(filters.page), caller.visibility()))


@router.get("/applications", response_model=Listing[PortfolioRow], responses=_DOCUMENTED, summary="Applications")
def list_applications(
    request: Request, context: Context, caller: Reader, filters: Annotated[ListedFilters, Query()]
) -> Response:
    """Applications with their figures of a period, each with its weight, rank and weighted rank beside the plain figure."""
    words = answers.read_cursor(filters.cursor, 1)
    start = answers.position(words)
    rows, more = portfolio_rows(context, filters.query(), start, filters.limit, caller.visibility())
    cursor = answers.cursor_of(str(start + filters.limit)) if more else None
    return answers.answer(request, {"items": rows, "next": cursor})


@router.get("/applications/{code}", response_model=ApplicationView, responses=_WITH_404, summary="An application")
def get_application(
    request: Request,
    context: Context,
    caller: Reader,
    code: Code,
    period: PeriodName = None,
    indicator: Indicator = HEADLINE,
    method: Annotated[
        str | None, Query(max_length=64, description="Look through another method than the settings'.")
    ] = None,
) -> Response:
    """Figures by tier, phase and journey, history, deployments, what a change is made of, runs and actions."""
    view = application(context, code, caller.visibility(), period=period, indicator=indicator, method=method)
    return answers.answer(request, answers.found(view, "This application"))


@router.get(
    "/applications/{code}/journeys/{journey_code}", response_model=JourneyView, responses=_WITH_404, summary="A journey"
)
def get_journey(
    request: Request,
    context: Context,
    caller: Reader,
    code: Code,
    journey_code: Code,
    period: PeriodName = None,
    indicator: Indicator = HEADLINE,
) -> Response:
    """Steps of its newest run, and its history per visit."""
    view = journey(context, code, journey_code, caller.visibility(), period=period, indicator=indicator)
    return answers.answer(request, answers.found(view, "This journey"))


@router.get("/journeys", response_model=Listing[JourneyItem], responses=_DOCUMENTED, summary="Journeys")
def list_journeys(
    request: Request, context: Context, caller: Reader, cursor: Cursor = None, limit: Limit = 100
) -> Response:
    """Journeys of every application that is seen."""
    return answers.by_position(request, journey_items(context, caller.visibility()), limit, cursor)


@router.get("/teams", response_model=Listing[TeamItem], responses=_DOCUMENTED, summary="Teams")
def list_teams(
    request: Request, context: Context, caller: Reader, cursor: Cursor = None, limit: Limit = 100
) -> Response:
    """Teams that are seen."""
    return answers.by_position(request, team_items(context, caller.visibility()), limit, cursor)


@router.get("/teams/{code}", response_model=TeamView, responses=_WITH_404, summary="A team")
def get_team(
    request: Request,
    context: Context,
    caller: Reader,
    code: Code,
    period: PeriodName = None,
    indicator: Indicator = HEADLINE,
) -> Response:
    """Sums of a team, with the range that its applications' shared factors give, and its applications."""
    view = team(context, code, caller.visibility(), period=period, indicator=indicator)
    return answers.answer(request, answers.found(view, "This team"))


@router.get("/targets", response_model=TargetsView, responses=_DOCUMENTED, summary="Targets")
def get_targets(
    request: Request,
    context: Context,
    caller: Reader,
    period: PeriodName = None,
    indicator: Indicator = HEADLINE,
    page: PageNumber = 1,
) -> Response:
    """The organisation's target, then its split: what the path allows, what is, and the gap between them."""
    return answers.answer(request, targets(context, caller.visibility(), period=period, indicator=indicator, page=page))


@router.get("/measure-next", response_model=MeasureNextView, responses=_DOCUMENTED, summary="What to measure next")
def get_measure_next(
    request: Request, context: Context, caller: Reader, period: PeriodName = None, page: PageNumber = 1
) -> Response:
    """Journeys by traffic x footprint x expected saving x weight; the plain saving stands beside the weighted score."""
    return answers.answer(request, measure_next(context, caller.visibility(), period=period, page=page))


@router.get("/actions", response_model=ActionsView, responses=_DOCUMENTED, summary="The register of actions")
def get_actions(
    request: Request,
    context: Context,
    caller: Reader,
    search: Words = "",
    status: Annotated[list[Literal["planned", "doing", "done", "dropped"]] | None, Query(max_length=4)] = None,
    page: PageNumber = 1,
) -> Response:
    """What was done about applications, by whom, with what effect."""
    return answers.answer(request, actions(context, caller.visibility(), search=search, status=status or (), page=page))


@router.get("/quality", response_model=QualityView, responses=_DOCUMENTED, summary="Data quality")
def get_quality(
    request: Request,
    context: Context,
    caller: Reader,
    period: PeriodName = None,
    indicator: Indicator = HEADLINE,
    page: PageNumber = 1,
) -> Response:
    """How figures are known, and what lacks, by application."""
    return answers.answer(request, quality(context, caller.visibility(), period=period, indicator=indicator, page=page))


@router.get("/methods", response_model=FactorsMethodsView, responses=_DOCUMENTED, summary="Methods and factors")
def get_methods(
    request: Request, context: Context, caller: Reader, search: Words = "", page: PageNumber = 1
) -> Response:
    """Methods that figures can be computed by, and factors whose id, place or source has the words."""
    del caller
    return answers.answer(request, factors_methods(context, search=search, page=page))
