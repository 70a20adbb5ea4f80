# SPDX-License-Identifier: Apache-2.0
"""An application, its journeys, its runs, two of them compared, a figure opened, and its page in plain words."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from lichen.outputs.web.access import Reader, public
from lichen.outputs.web.context import context_of
from lichen.outputs.web.pages.addresses import segment
from lichen.outputs.web.pages.answers import HOME, answer, around, found
from lichen.outputs.web.pages.rendering import CHART
from lichen.service.board.application import application, journey
from lichen.service.board.bills import LEVEL
from lichen.service.board.compare import compare_periods, compare_runs
from lichen.service.board.explain import ExplainQuery, explain
from lichen.service.board.public import business
from lichen.service.board.public import public as public_view
from lichen.service.board.reading import HEADLINE
from lichen.service.board.run import run
from lichen.service.board.shapes import Named
from lichen.store.queries import declared

router: Final = APIRouter(include_in_schema=False)


def _crumb(named: Named) -> tuple[str, str]:
    return named.name or named.code, f"/applications/{segment(named.code)}"


@router.get("/applications/{code}")
@router.get("/applications/{code}.json")
def show_application(
    request: Request, caller: Reader, code: str, *, period: str | None = None, method: str | None = None,
    indicator: str = HEADLINE, done: str = "",
) -> Response:  # fmt: skip
    """One application: parts, journeys, history, actions."""
    view = found(
        application(
            context_of(request),
            code,
            caller.visibility(),
            period=period or None,
            indicator=indicator,
            method=method or None,
        )
    )
    before, after = around(view.frame)
    with context_of(request).store.reading() as session:
        mine = declared.applications(session, [code])
    return answer(
        request, view, "application", place="portfolio", assets=CHART, before=before, after=after, crumbs=[HOME],
        may_write=caller.is_person and any(caller.may_write(one) for one in mine),
        may_administer=caller.is_person and any(caller.may_manage(one) for one in mine), done=done in ("retire", "restore"),
    )  # fmt: skip


@router.get("/applications/{code}/business")
@router.get("/applications/{code}/business.json")
def show_business(request: Request, caller: Reader, code: str, period: str | None = None) -> Response:
    """An application in plain words, with what it costs and brings."""
    view = found(business(context_of(request), code, caller.visibility(), period=period or None))
    return answer(request, view, "business", place="portfolio", crumbs=[HOME, _crumb(view.application)])


@router.get("/applications/{code}/journeys/{journey_code}")
@router.get("/applications/{code}/journeys/{journey_code}.json")
def show_journey(request: Request, caller: Reader, code: str, journey_code: str, period: str | None = None) -> Response:
    """A journey: its steps in the newest run, and its history."""
    view = found(journey(context_of(request), code, journey_code, caller.visibility(), period=period or None))
    return answer(request, view, "journey", place="portfolio", assets=CHART, crumbs=[HOME, _crumb(view.application)])


@router.get("/applications/{code}/compare")
@router.get("/applications/{code}/compare.json")
def show_periods(request: Request, caller: Reader, code: str, left: str, right: str) -> Response:
    """Two periods of an application side by side."""
    view = found(compare_periods(context_of(request), code, left, right, caller.visibility()))
    return answer(request, view, "compare", place="portfolio", crumbs=[HOME, _crumb(view.application)])


@router.get("/runs/{run_id}")
@router.get("/runs/{run_id}.json")
def show_run(
    request: Request, caller: Reader, run_id: str, method: str | None = None, journey: str | None = None
) -> Response:
    """One run: one of its journeys, with steps and requests."""
    view = found(run(context_of(request), run_id, caller.visibility(), method=method or None))
    shown = next((one for one in view.journeys if one.journey.code == journey), next(iter(view.journeys), None))
    return answer(request, view, "run", place="portfolio", shown=shown, crumbs=[HOME, _crumb(view.run.application)])


@router.get("/compare")
@router.get("/compare.json")
def show_compare(request: Request, caller: Reader, left: str, right: str) -> Response:
    """Two runs side by side."""
    view = found(compare_runs(context_of(request), left.strip(), right.strip(), caller.visibility()))
    return answer(request, view, "compare", place="portfolio", crumbs=[HOME, _crumb(view.application)])


@router.get("/explain")
@router.get("/explain.json")
def show_explain(
    request: Request, caller: Reader, level: str = "organisation", ref: str = "", indicator: str = HEADLINE,
    period: str | None = None,
) -> Response:  # fmt: skip
    """A figure opened into what it adds up, formulas, factors and runs."""
    query = ExplainQuery(level=level, ref=ref, indicator=indicator, period=period or None)
    view = found(explain(context_of(request), query, caller.visibility()))
    code = ref.partition("/")[0]
    is_bill = level == LEVEL
    place = "bills" if is_bill else "portfolio"
    crumbs = [HOME]
    if code and level not in ("organisation", "team"):
        crumbs.append((code, f"/applications/{segment(code)}{'/bill' if is_bill else ''}"))
    return answer(request, view, "explain", place=place, crumbs=crumbs)


@router.get("/public/{key}", dependencies=[Depends(public("its address holds a secret key"))])
@router.get("/public/{key}.json", dependencies=[Depends(public("its address holds a secret key"))])
def show_public(request: Request, key: str, period: str | None = None) -> Response:
    """An application in plain words, for whoever has its link."""
    view = found(public_view(context_of(request), key, period=period or None))
    page = answer(request, view, "public")
    page.headers["Referrer-Policy"] = "no-referrer"
    page.headers["X-Robots-Tag"] = "noindex"
    return page
