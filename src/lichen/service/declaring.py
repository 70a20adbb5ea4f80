# SPDX-License-Identifier: Apache-2.0
"""What people set themselves: the organisation's name and prices, weights, targets, public links. Each change is noted in the
audit log, in the transaction that makes it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from lichen.errors import UsageError
from lichen.portfolio.targets import Target as CheckedTarget
from lichen.service.accounts import By, note
from lichen.store import Session
from lichen.store.models import Application, Target, TierSource, Weight
from lichen.store.queries import declared as queries

_KEY_BYTES: Final = 16
"""Of a public link's key: 128 bits, which nobody guesses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationChange:
    """What the organisation is called and counts in.

    Attributes:
        currency: ISO 4217. lang: of what is written without a reader, such as messages.
        internal_carbon_price: in ``currency`` a tonne of CO2 equivalent; None without one.
        base_year: that reductions are compared with; None when not chosen.
    """

    name: str
    currency: str
    lang: str
    internal_carbon_price: Decimal | None
    base_year: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetChange:
    """A target along a straight line.

    Attributes:
        scope: ``organisation``, ``team`` or ``application``; scope_id: of the team or application, None for the organisation.
        base_value: of the base year, in the indicator's unit; None: as computed.
        reduction: by the horizon year, 0 to 1.
    """

    scope: Any
    scope_id: str | None
    indicator: str
    base_year: int
    base_value: float | None
    horizon_year: int
    reduction: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceChange:
    """tier: ``device``, ``network`` or ``server``; source: ``meter``, ``bill`` or ``journeys``; reason: why."""

    tier: Any
    source: Any
    reason: str


def set_organisation(session: Session, change: OrganisationChange, *, by: By) -> None:
    """Names the organisation and chooses what it counts in."""
    row = queries.organisation(session)
    names = ("name", "currency", "lang", "internal_carbon_price", "base_year")
    before = {name: getattr(row, name) for name in names}
    for name in names:
        setattr(row, name, getattr(change, name))
    changed = {name: _told(getattr(change, name)) for name in names if getattr(change, name) != before[name]}
    note(session, by, "organisation.change", "organisation", row.id, changed)


def set_weight(session: Session, application: Application, weight: float, reason: str, *, by: By) -> None:
    """Gives an application another weight in rankings from today on; totals never see it."""
    day = by.at.date()
    row = queries.weight_of_day(session, application.id, day)
    if row is None:
        row = Weight(application_id=application.id, valid_from=day)
        session.add(row)
    row.weight, row.reason = weight, reason
    note(session, by, "weight.set", "application", application.id, {"weight": weight, "reason": reason})


def set_tier_source(session: Session, application: Application, change: SourceChange, *, by: By) -> None:
    """Says which source counts for a tier of an application from today on; the others are set beside it."""
    day = by.at.date()
    row = queries.source_of_day(session, application.id, change.tier, day)
    if row is None:
        row = TierSource(application_id=application.id, tier=change.tier, valid_from=day)
        session.add(row)
    row.source, row.reason = change.source, change.reason
    told = {"tier": change.tier, "source": change.source, "reason": change.reason}
    note(session, by, "tier_source.set", "application", application.id, told)


def set_target(session: Session, change: TargetChange, *, by: By) -> None:
    """Sets a target that holds from today on, in place of an older one of the same thing and indicator.

    Raises:
        UsageError: years or shares that are no path.
    """
    CheckedTarget(
        indicator=change.indicator, base_year=change.base_year, base_value=change.base_value,
        horizon_year=change.horizon_year, reduction=change.reduction,
    )  # fmt: skip
    day = by.at.date()
    row = queries.target_of_day(session, change.scope, change.scope_id, change.indicator, day)
    if row is None:
        row = Target(scope=change.scope, scope_id=change.scope_id, indicator=change.indicator, valid_from=day)
        session.add(row)
    row.base_year, row.base_value, row.horizon_year = change.base_year, change.base_value, change.horizon_year
    row.reduction, row.path = change.reduction, {"kind": "linear"}
    told = {"indicator": change.indicator, "reduction": change.reduction, "horizon_year": change.horizon_year}
    note(session, by, "target.set", change.scope, change.scope_id or "", told)


def end_target(session: Session, target: Target, *, by: By) -> None:
    """Takes a target away; the one before it, if any, holds again."""
    told = {"indicator": target.indicator, "reduction": target.reduction, "horizon_year": target.horizon_year}
    note(session, by, "target.end", target.scope, target.scope_id or "", told)
    session.delete(target)


def publish(session: Session, application: Application, *, by: By) -> str:
    """Gives an application a public page, and answers its key; a link that it had before stops working."""
    application.public_key = secrets.token_urlsafe(_KEY_BYTES)
    note(session, by, "public_link.make", "application", application.id)
    return application.public_key


def withdraw(session: Session, application: Application, *, by: By) -> None:
    """Ends an application's public page.

    Raises:
        UsageError: it has none.
    """
    if application.public_key is None:
        raise UsageError(f"{application.code} has no public page.", repair="Nothing is to do.", culprit="application")
    application.public_key = None
    note(session, by, "public_link.end", "application", application.id)


def _told(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value
