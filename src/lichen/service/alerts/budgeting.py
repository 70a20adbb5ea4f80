# SPDX-License-Identifier: Apache-2.0
"""Budgets of production: how much a visit or a month of an application may take."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

from lichen.errors import UsageError
from lichen.service.accounts import By, note
from lichen.service.board.queries import EVERYTHING, Visibility
from lichen.service.context import ServiceContext
from lichen.service.history_watch.views import unit_of
from lichen.store import Session
from lichen.store.models import Application, Budget, Per
from lichen.store.queries import board
from lichen.store.queries import watching as queries


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBudget:
    """A budget that holds from today on.

    Attributes:
        application, journey: codes; journey None: each of its journeys for a visit, all of it for a month.
        what: indicator or quantity; a month has budgets of indicators.
        limit: in its canonical unit; None: there is no budget any more.
    """

    application: str
    journey: str | None
    what: str
    per: Per
    limit: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetItem:
    """A budget; journey: empty for the whole application; limit: None for one that has just been ended."""

    application: str
    journey: str
    what: str
    per: str
    limit: float | None
    unit: str
    reason: str
    valid_from: date


def set_budget(
    context: ServiceContext, told: NewBudget, *, allowed: Callable[[Application], bool], by: By
) -> BudgetItem | None:
    """Sets a budget, in place of the one that held before, or ends it.

    Returns:
        The budget; None when the application or journey is not there or not the caller's.

    Raises:
        UsageError: an indicator or quantity that does not exist, or that a month has no budget of.
        StorageError: the store cannot be written.
    """
    unit = _unit(context, told)
    day = by.at.date()
    with context.store.session() as session:
        application = queries.locked_application(session, told.application)
        if application is None or not allowed(application):
            return None
        journeys = {one.code: one.id for one in queries.journeys(session, application.id)}
        if told.journey is not None and told.journey not in journeys:
            return None
        journey_id = None if told.journey is None else journeys[told.journey]
        _end(session, application.id, journey_id, told, day)
        detail = {"what": told.what, "per": told.per, "limit": told.limit, "journey": told.journey or ""}
        note(session, by, "budget.set", "application", application.id, detail)
        if told.limit is None:
            return BudgetItem(
                application=application.code, journey=told.journey or "", what=told.what, per=told.per, limit=None,
                unit=unit, reason=told.reason, valid_from=day,
            )  # fmt: skip
        row = Budget(
            application_id=application.id, journey_id=journey_id, indicator_or_quantity=told.what, limit_value=told.limit,
            unit=unit, per=told.per, reason=told.reason, valid_from=day,
        )  # fmt: skip
        session.add(row)
        session.flush()
        return _item(row, application.code, told.journey or "")


def _unit(context: ServiceContext, told: NewBudget) -> str:
    nomenclature = context.workspace.nomenclature
    indicators = nomenclature.names("indicator")
    known = indicators if told.per == "month" else [*indicators, *nomenclature.names("quantity")]
    if told.what not in known:
        raise UsageError(
            f"A {told.per} has no budget of '{told.what}'.", repair=f"Use one of {', '.join(known)}.", culprit="what"
        )
    return unit_of(context, told.what)


def _end(session: Session, application_id: str, journey_id: str | None, told: NewBudget, day: date) -> None:
    """The budget of the same thing held until yesterday; one that began today never did."""
    for row in queries.budgets(session, day):
        place = row.application_id, row.journey_id, row.indicator_or_quantity, row.per
        if place == (application_id, journey_id, told.what, told.per):
            if row.valid_from >= day:
                session.delete(row)
            else:
                row.valid_to = day - timedelta(days=1)
    session.flush()


def listed_budgets(context: ServiceContext, seen: Visibility = EVERYTHING) -> list[BudgetItem]:
    """Budgets that hold, of applications that are seen, by application."""
    with context.store.reading() as session:
        codes = {one.id: one.code for one in queries.applications(session) if seen.sees(one.team_id, one.id)}
        rows = [row for row in queries.budgets(session, context.clock().date()) if row.application_id in codes]
        journeys = {one.id: one.code for one in board.journeys(session, {row.application_id for row in rows})}
    items = [_item(row, codes[row.application_id], journeys.get(row.journey_id or "", "")) for row in rows]
    return sorted(items, key=lambda one: (one.application, one.journey, one.what, one.per))


def _item(row: Budget, code: str, journey: str) -> BudgetItem:
    return BudgetItem(
        application=code, journey=journey, what=row.indicator_or_quantity, per=row.per, limit=row.limit_value, unit=row.unit,
        reason=row.reason, valid_from=row.valid_from,
    )  # fmt: skip
