# SPDX-License-Identifier: Apache-2.0
"""The rules of alerts. Each looks at everything that it is about, and tells what is wrong and what cannot be told."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import Final

from lichen.service import history_watch, notifying
from lichen.service.alerts.findings import Finding, Findings, decided, joined
from lichen.service.board.aims import Aims
from lichen.service.board.queries import EVERYTHING
from lichen.service.board.reading import Look
from lichen.service.context import ServiceContext
from lichen.service.history_watch.finding import cuts_of
from lichen.service.history_watch.readings import kept
from lichen.service.history_watch.series import points
from lichen.service.history_watch.views import unit_of
from lichen.stats.sampling import precision
from lichen.store import Session
from lichen.store.models import Budget, ChangePoint
from lichen.store.queries import board
from lichen.store.queries import watching as queries

POINTS: Final = 5
"""Newest days of a history that a budget is held against."""
SAME_EVENT: Final = timedelta(days=3)
"""Changes of one journey's indicators and quantities within so many days are one event."""
PAUSES: Final = 10
"""Newest pauses between days of measurement that tell what is usual."""
_DAYS_BACK: Final = timedelta(days=400)
_FEWEST_DAYS: Final = 3


def budgets(context: ServiceContext) -> Findings:
    """Budgets that production breaks: a visit by the days measured last, a month by the newest full month."""
    with context.store.reading() as session:
        valid = queries.budgets(session, context.clock().date())
        return joined([_budget(context, session, one) for one in valid])


def _budget(context: ServiceContext, session: Session, budget: Budget) -> Findings:
    name = budget.indicator_or_quantity
    values = _of_visits(context, session, budget) if budget.per == "visit" else _of_month(context, session, budget)
    found = precision(values) if values else None
    finding = Finding(
        rule="budget", key=f"budget/{budget.id}", application_id=budget.application_id, journey_id=budget.journey_id,
        value=None if found is None else found.mean, limit=budget.limit_value,
        detail={
            "what": name, "unit": f"{unit_of(context, name) or budget.unit}/{budget.per}",
            "share": found.mean / budget.limit_value - 1 if found is not None and budget.limit_value else None,
        },
    )  # fmt: skip
    if found is None:
        return decided(finding, worse=None)
    margin = found.half_width if len(values) > 1 else 0.0
    return decided(finding, worse=found.mean - margin > budget.limit_value, still=found.mean > budget.limit_value)


def _of_visits(context: ServiceContext, session: Session, budget: Budget) -> list[float]:
    """The newest days of a journey, or of all journeys together where the budget names none."""
    journeys = [one for one in queries.journeys(session, budget.application_id) if budget.journey_id in (None, one.id)]
    readings = kept(context, budget.application_id)
    cuts = cuts_of(session, budget.application_id)
    histories = [points(readings, one.code, budget.indicator_or_quantity, cuts) for one in journeys]
    if budget.journey_id is not None:
        return [point.value for history in histories for point in history][-POINTS:]
    newest = [history[-1].value for history in histories if history]
    return [max(newest)] if newest else []  # each journey has to keep to it


def _of_month(context: ServiceContext, session: Session, budget: Budget) -> list[float]:
    name = budget.indicator_or_quantity
    if name not in context.workspace.nomenclature.names("indicator"):
        return []
    look = Look(context, session, EVERYTHING, None, name)
    level, ref = ("journey", budget.journey_id) if budget.journey_id else ("application", budget.application_id)
    facts = board.of_refs(session, look.kind(level), [ref], *look.span)
    return [facts[0].value] if len(facts) == 1 and facts[0].value is not None else []


def targets(context: ServiceContext) -> Findings:
    """Targets of their own that are left: the organisation's, teams' and applications'."""
    found: list[Findings] = []
    with context.store.reading() as session:
        rows = [row for row in queries.targets(session) if row.valid_from <= context.clock().date()]
        for indicator in sorted({row.indicator for row in rows}):
            look = Look(context, session, EVERYTHING, None, indicator)
            aims = Aims(look)
            for scope, ref in sorted({(row.scope, row.scope_id or "") for row in rows if row.indicator == indicator}):
                gap = aims.gap(scope, ref)
                if gap is None:
                    continue
                team = look.teams.get(ref) if scope == "team" else None
                finding = Finding(
                    rule="target", key=f"target/{scope}/{ref}/{indicator}",
                    application_id=ref if scope == "application" else None, value=gap.actual, limit=gap.planned,
                    detail={
                        "what": indicator, "unit": gap.unit, "share": gap.gap,
                        "team": "" if team is None else team.code, "subject": "" if team is None else team.name,
                    },
                )  # fmt: skip
                over = context.settings.alerts.target_over
                worse = None if gap.gap is None else gap.gap > over
                found.append(decided(finding, worse=worse, still=(gap.gap or 0.0) > 0))
    return joined(found)


def change_points(context: ServiceContext) -> Findings:
    """Histories that went up and have not come down again; after `alerts.change_days` it is the new normal."""
    alerts = context.settings.alerts
    since = context.clock().date() - timedelta(days=alerts.change_days)
    with context.store.reading() as session:
        recent = [one for one in queries.confirmed_since(session, since) if one.cause != history_watch.RESTATED]
    worse = [one for one in recent if one.change > 0 and one.indicator in alerts.watch and not _is_undone(one, recent)]
    found = {}
    for one in _events(worse, alerts.watch):
        key = f"change/{one.id}"
        found[key] = Finding(
            rule="change_point", key=key, application_id=one.application_id, journey_id=one.journey_id,
            detail={
                "what": one.indicator, "unit": unit_of(context, one.indicator), "share": one.change, "low": one.low,
                "high": one.high, "cause": one.cause or "",
                "since": datetime.combine(one.at_day, time(), UTC).isoformat(),
            },
        )  # fmt: skip
    return Findings(found)


def _is_undone(change: ChangePoint, others: Sequence[ChangePoint]) -> bool:
    return any(
        (one.journey_id, one.indicator) == (change.journey_id, change.indicator)
        and one.at_day > change.at_day
        and (1 + one.change) * (1 + change.change) <= 1
        for one in others
    )


def _events(changes: Sequence[ChangePoint], watch: Sequence[str]) -> Iterator[ChangePoint]:
    """One change of each event: that which was confirmed first, and of those the one that is named first in the settings."""
    told: list[ChangePoint] = []
    for one in sorted(changes, key=lambda change: (change.confirmed_on, watch.index(change.indicator), change.id)):
        if any(one.journey_id == other.journey_id and abs(one.at_day - other.at_day) <= SAME_EVENT for other in told):
            continue
        told.append(one)
        yield one


def data_stopped(context: ServiceContext) -> Findings:
    """Applications that are no longer measured as often as they were."""
    today = context.clock().date()
    since = context.clock() - _DAYS_BACK
    with context.store.reading() as session:
        living = {one.id for one in board.applications(session) if not one.is_retired}
        days = queries.measuring_days(session, sorted(living), since)
    found: list[Findings] = []
    for application_id, own in days.items():
        limit = days_allowed(own, context.settings.alerts.data_days)
        if limit is None:
            continue
        silent = (today - own[-1]).days
        finding = Finding(
            rule="data_stopped", key=f"data/{application_id}", application_id=application_id, value=float(silent),
            limit=limit,
            detail={"unit": "d", "since": datetime.combine(own[-1], time(), UTC).isoformat()},
        )  # fmt: skip
        found.append(decided(finding, worse=silent > limit))
    return joined(found)


def days_allowed(days: Sequence[date], declared: int | None) -> float | None:
    """Days without a run after which data have stopped; None while too little is known of what is usual.

    >>> from datetime import date
    >>> days_allowed([date(2026, 11, day) for day in (1, 8, 15)], None)
    21.0

    Args:
        days: of measurement, the oldest first.
        declared: `alerts.data_days`; None: three times the usual pause, two days at least.
    """
    if declared is not None:
        return float(declared)
    if len(days) < _FEWEST_DAYS:
        return None
    pauses = [(after - before).days for before, after in pairwise(days[-PAUSES - 1 :])]
    usual = float(statistics.median(pauses))
    return max(3 * usual, usual + 2)


def channels(context: ServiceContext) -> Findings:
    """Channels that do not get through."""
    return Findings(
        {
            f"channel/{one.channel}": Finding(
                rule="channel_dead", key=f"channel/{one.channel}",
                detail={"subject": one.channel, "cause": one.error or one.why, "since": one.since.isoformat()},
            )
            for one in notifying.silent(context)
        }
    )  # fmt: skip


RULES: Final[Mapping[str, Callable[[ServiceContext], Findings]]] = {
    "budget": budgets, "target": targets, "change_point": change_points, "data_stopped": data_stopped,
    "channel_dead": channels,
}  # fmt: skip
"""Every rule, by the name that alerts bear."""
