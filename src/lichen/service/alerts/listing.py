# SPDX-License-Identifier: Apache-2.0
"""Alerts as a list."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lichen.service.alerts.machine import path_of
from lichen.service.board.queries import EVERYTHING, Visibility
from lichen.service.board.shapes import Named
from lichen.service.context import ServiceContext
from lichen.store.models import Alert, AlertState
from lichen.store.queries import board
from lichen.store.queries import watching as queries
from lichen.store.queries.watching import Watched

_AT_ONCE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRow:
    """An alert.

    Attributes:
        rule: ``budget``, ``target``, ``change_point``, ``data_stopped`` or ``channel_dead``.
        state: ``firing`` or ``resolved``.
        application: None: the organisation, or the team in ``subject``. journey: None: all of it.
        what: indicator or quantity; empty when it is about none. unit: of ``value`` and ``limit``.
        share, low, high: relative change or gap with its range; 0.08 is 8 %.
        cause: likely cause, such as a deployment. subject: what is named by no other field: a channel, a team.
        since: when what is wrong began, as far as that is known.
        path: page that shows it.
    """

    id: str
    rule: str
    state: str
    application: Named | None
    journey: Named | None
    what: str
    unit: str
    value: float | None
    limit: float | None
    share: float | None
    low: float | None
    high: float | None
    cause: str
    subject: str
    since: datetime
    opened_at: datetime
    last_seen_at: datetime
    reminded_at: datetime | None
    resolved_at: datetime | None
    path: str


def listed(
    context: ServiceContext,
    seen: Visibility = EVERYTHING,
    *,
    state: AlertState | None = None,
    team: str | None = None,
    before: tuple[datetime, str] | None = None,
    limit: int = 50,
) -> list[AlertRow]:
    """Alerts, the newest first: those of applications that are seen, of everything for whoever sees everything.

    Args:
        team: code of a team that is seen: only what is about it and its applications.
        before: when opened and id of the one after which the list goes on.
        limit: most of them.
    """
    with context.store.reading() as session:
        applications = {one.id: one for one in queries.applications(session) if seen.sees(one.team_id, one.id)}
        rows: list[Alert] = []
        while len(rows) < limit:
            page = queries.alerts(session, state=state, before=before, limit=_AT_ONCE)
            rows += [one for one in page if _is_seen(one, applications, seen, team)]
            if len(page) < _AT_ONCE:
                break
            before = page[-1].opened_at, page[-1].id
        rows = rows[:limit]
        named = {one.application_id for one in rows if one.application_id}
        journeys = {one.id: Named(code=one.code, name=one.name) for one in board.journeys(session, named)}
    return [_row(one, applications, journeys) for one in rows]


def _is_seen(alert: Alert, applications: dict[str, Watched], seen: Visibility, team: str | None) -> bool:
    if alert.application_id is None:
        return seen.teams is None if team is None else alert.detail.get("team") == team
    application = applications.get(alert.application_id)
    return application is not None and team in (None, application.team_code)


def _row(alert: Alert, applications: dict[str, Watched], journeys: dict[str, Named]) -> AlertRow:
    application, detail = applications.get(alert.application_id or ""), alert.detail
    since = detail.get("since")
    return AlertRow(
        id=alert.id, rule=alert.rule, state=alert.state,
        application=None if application is None else Named(code=application.code, name=application.name),
        journey=journeys.get(alert.journey_id or ""), what=detail.get("what", ""), unit=detail.get("unit", ""),
        value=alert.value, limit=alert.limit_value, share=detail.get("share"), low=detail.get("low"), high=detail.get("high"),
        cause=detail.get("cause", ""), subject=detail.get("subject", ""),
        since=datetime.fromisoformat(since) if since else alert.opened_at, opened_at=alert.opened_at,
        last_seen_at=alert.last_seen_at, reminded_at=alert.reminded_at, resolved_at=alert.resolved_at,
        path=path_of(alert, application),
    )  # fmt: skip
