# SPDX-License-Identifier: Apache-2.0
"""What imports ask of the store: applications and journeys by their names, and rows in place of those imported before."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import islice
from typing import Any, Final, Literal, TypeVar

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from lichen.store.models import Application, Base, Cost, Equipment, Journey, Traffic, Value, new_id

T = TypeVar("T")
About = Literal["application", "journeys", "both"]
"""What a source of traffic tells of."""
_AT_ONCE: Final = 500
"""Values in a statement; SQLite takes 32,766, of all columns together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What an import changed.

    Attributes:
        added: rows written. removed: rows of the same source that they took the place of.
        made: codes of applications that were made.
        shrunk: days that had more page views, or visits, before.
    """

    added: int
    removed: int
    made: tuple[str, ...] = ()
    shrunk: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counted:
    """Traffic of a day as one source counts it; ``journey`` None is the whole application, a number None is unknown."""

    application: str
    journey: str | None
    day: date
    visits: float | None
    page_views: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """Money of a month as one source tells it; ``application`` None is money that nobody owns yet.

    Attributes:
        told: what else is known of it, such as owner and range; amounts as text.
    """

    application: str | None
    period: date
    amount: Decimal
    currency: str
    kind: str
    told: Mapping[str, str | float]


def application_ids(session: Session, codes: Collection[str] | None = None) -> dict[str, str]:
    """Ids of applications by code; all of them when no codes are given."""
    chosen = select(Application.code, Application.id)
    if codes is None:
        return {row.code: row.id for row in session.execute(chosen)}
    found: dict[str, str] = {}
    for some in _portions(codes):
        found |= {row.code: row.id for row in session.execute(chosen.where(Application.code.in_(some)))}
    return found


def make_applications(session: Session, codes: Collection[str]) -> dict[str, str]:
    """Applications that nobody declared yet, without a team; their ids by code."""
    made = {code: new_id() for code in codes}
    for code, identity in made.items():
        session.add(Application(id=identity, code=code, name=code))
    session.flush()
    return made


def journey_ids(session: Session, application_id: str, names: Collection[str]) -> dict[str, str]:
    """Ids of an application's journeys by code; those that it lacks are made."""
    chosen = select(Journey.code, Journey.id).where(Journey.application_id == application_id)
    found = {row.code: row.id for row in session.execute(chosen)}
    for name in names:
        if name not in found:
            found[name] = new_id()
            session.add(Journey(id=found[name], application_id=application_id, code=name, name=name))
    session.flush()
    return {name: found[name] for name in names}


def replace_traffic(
    session: Session, application_id: str, source: str, rows: Sequence[Mapping[str, Any]], *, about: About = "both"
) -> Written:
    """Traffic of an application, day by day: what its source told of these days before is forgotten.

    Args:
        rows: ``journey_id`` (None: the whole application), ``day``, ``visits``, ``page_views``, ``users``.
        about: what the source tells of; rows of the other kind stay.
    """
    same = [Traffic.application_id == application_id, Traffic.source == source]
    if about != "both":
        same.append(Traffic.journey_id.is_(None) if about == "application" else Traffic.journey_id.is_not(None))
    before: dict[date, tuple[float, float]] = {}
    removed = 0
    for days in _portions({row["day"] for row in rows}):
        sums = select(Traffic.day, func.sum(Traffic.page_views), func.sum(Traffic.visits)).group_by(Traffic.day)
        for day, views, visits in session.execute(sums.where(*same, Traffic.day.in_(days))):
            before[day] = (views or 0.0, visits or 0.0)
        removed += session.execute(delete(Traffic).where(*same, Traffic.day.in_(days))).rowcount  # type: ignore[attr-defined]
    now: dict[date, tuple[float, float]] = {}
    for row in rows:
        views, visits = now.get(row["day"], (0.0, 0.0))
        now[row["day"]] = (views + (row["page_views"] or 0.0), visits + (row["visits"] or 0.0))
    _insert(session, Traffic, [{"application_id": application_id, "source": source} | dict(row) for row in rows])
    shrunk = sorted(day for day, told in before.items() if told > now[day])
    return Written(added=len(rows), removed=removed, shrunk=tuple(shrunk))


def replace_periods(
    session: Session,
    model: type[Cost | Value],
    source: str,
    rows: Sequence[Mapping[str, Any]],
    *,
    periods: Collection[date] = (),
) -> Written:
    """Costs or values, month by month: what their source told of these months before is forgotten.

    Args:
        periods: months that are told, too, and may have no row.
    """
    removed = 0
    for some in _portions({*periods, *(row["period"] for row in rows)}):
        gone = delete(model).where(model.source == source, model.period.in_(some))
        removed += session.execute(gone).rowcount  # type: ignore[attr-defined]
    _insert(session, model, [{"source": source} | dict(row) for row in rows])
    return Written(added=len(rows), removed=removed)


def replace_equipment(session: Session, source: str, rows: Sequence[Mapping[str, Any]]) -> Written:
    """An inventory as a whole: what its source told before is forgotten."""
    removed = session.execute(delete(Equipment).where(Equipment.source == source)).rowcount  # type: ignore[attr-defined]
    _insert(session, Equipment, [{"source": source} | dict(row) for row in rows])
    return Written(added=len(rows), removed=removed)


def traffic_sources(session: Session) -> list[tuple[str, str, date, date]]:
    """Each source of traffic: application's code, its name, first and last day."""
    chosen = select(Application.code, Traffic.source, func.min(Traffic.day), func.max(Traffic.day))
    chosen = chosen.join(Application, Application.id == Traffic.application_id)
    grouped = chosen.group_by(Application.code, Traffic.source).order_by(Application.code, Traffic.source)
    return [(code, source, first, last) for code, source, first, last in session.execute(grouped)]


def money_sources(session: Session, model: type[Cost | Value]) -> list[tuple[str, date, date]]:
    """Each source of costs or values: its name, first and last month."""
    chosen = select(model.source, func.min(model.period), func.max(model.period))
    return [(*row,) for row in session.execute(chosen.group_by(model.source).order_by(model.source))]


def traffic_between(session: Session, code: str, source: str, first: date, last: date) -> list[Counted]:
    """What a source tells of an application from a first to a last day, both included."""
    chosen = (
        select(Journey.code, Traffic.day, Traffic.visits, Traffic.page_views)
        .join(Application, Application.id == Traffic.application_id)
        .outerjoin(Journey, Journey.id == Traffic.journey_id)
        .where(Application.code == code, Traffic.source == source, Traffic.day.between(first, last))
        .order_by(Traffic.day, Journey.code)
    )
    return [
        Counted(application=code, journey=journey, day=day, visits=visits, page_views=views)
        for journey, day, visits, views in session.execute(chosen)
    ]


def money_between(session: Session, model: type[Cost | Value], source: str, first: date, last: date) -> list[Amount]:
    """What a source tells of the months from a first to a last one, both included."""
    chosen = (
        select(Application.code, model)
        .outerjoin(Application, Application.id == model.application_id)
        .where(model.source == source, model.period.between(first, last))
        .order_by(model.period, Application.code, model.kind, model.id)
    )
    return [_amount(code, row) for code, row in session.execute(chosen)]


def _amount(code: str | None, row: Any) -> Amount:
    return Amount(
        application=code,
        period=row.period,
        amount=row.amount,
        currency=row.currency,
        kind=row.kind,
        told=_told(row) if isinstance(row, Value) else {},
    )


def _told(row: Value) -> dict[str, str | float]:
    found = {
        "owner": row.owner,
        "confidence": row.confidence,
        "low": None if row.low is None else str(row.low),
        "high": None if row.high is None else str(row.high),
    }
    return {name: value for name, value in found.items() if value is not None}


def _insert(session: Session, model: type[Base], rows: Iterable[dict[str, Any]]) -> None:
    for some in _portions(rows):
        session.execute(insert(model), [{"id": new_id()} | row for row in some])


def _portions(values: Iterable[T]) -> Iterator[list[T]]:
    left = iter(values)
    while some := list(islice(left, _AT_ONCE)):
        yield some
