# SPDX-License-Identifier: Apache-2.0
"""When the visits of an application began to take more or less, and what is wrong now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from lichen.outputs.web.access import Reader
from lichen.outputs.web.context import context_of
from lichen.outputs.web.pages.addresses import segment
from lichen.outputs.web.pages.answers import HOME, answer, found
from lichen.service import alerts, history_watch
from lichen.service.alerts import AlertRow

router: Final = APIRouter(include_in_schema=False)
_SHOWN: Final = 15
_COUNTED: Final = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertsView:
    """Alerts that are open, and those that were over last; ``more``: open ones that are not listed."""

    firing: tuple[AlertRow, ...]
    resolved: tuple[AlertRow, ...]
    more: int


@router.get("/applications/{code}/history")
@router.get("/applications/{code}/history.json")
def show_history(request: Request, caller: Reader, code: str) -> Response:
    """Confirmed changes, what each deployment did, and upgrades."""
    view = found(history_watch.changes(context_of(request), code, caller.visibility()), "This application")
    crumbs = [HOME, (view.application.name or code, f"/applications/{segment(code)}")]
    return answer(request, view, "history", place="portfolio", crumbs=crumbs, shown=_SHOWN)


@router.get("/alerts")
@router.get("/alerts.json")
def show_alerts(request: Request, caller: Reader) -> Response:
    """Alerts of what the caller sees."""
    context, seen = context_of(request), caller.visibility()
    firing = alerts.listed(context, seen, state="firing", limit=_COUNTED)
    view = AlertsView(
        firing=tuple(firing[:_SHOWN]), more=max(0, len(firing) - _SHOWN),
        resolved=tuple(alerts.listed(context, seen, state="resolved", limit=_SHOWN)),
    )  # fmt: skip
    return answer(request, view, "alerts", place="quality", crumbs=[HOME])
