# SPDX-License-Identifier: Apache-2.0
"""What the board asks of the store: small tables, by their indexes. What a page costs grows with what it shows."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from lichen.store.models import (
    Action,
    Application,
    Cost,
    Deployment,
    Figure,
    Journey,
    Organisation,
    Run,
    Target,
    Team,
    Value,
    Weight,
)
from lichen.store.queries.facts import AppFact, FigureFact, Kind, MoneyFact
from lichen.store.queries.figures import portions
from lichen.store.queries.landing import setting

__all__ = ["AppFact", "FigureFact", "Kind", "MoneyFact", "setting"]

RETIRED: Final = "retired"
"""Stage of life of an application that lists leave out, but for the periods that still count it."""
_SHARES: Final = ("measured", "metered", "allocated", "modelled", "proxy")


def organisation(session: Session) -> Organisation | None:
    """The organisation's row; None before anybody named it."""
    return session.scalars(select(Organisation).limit(1)).first()


def applications(session: Session) -> list[AppFact]:
    """All of them, by name."""
    query: Any = (
        select(
            Application.id, Application.code, Application.name, Application.team_id, Application.domain, Application.kind,
            Application.criticality, Application.users, Application.business_owner, Application.tags,
            func.coalesce(Application.lifecycle == RETIRED, False),
        ).order_by(Application.name, Application.code)
    )  # fmt: skip
    return [AppFact(*row) for row in session.execute(query)]


def counted(session: Session, application_ids: Collection[str], first: date, last: date) -> set[str]:
    """Those of some applications that have traffic, a figure, a cost or a value from one month to another."""
    found: set[str] = set()
    for ids in portions(application_ids):
        figures = Figure.level == "application", Figure.granularity == "month", Figure.period.between(first, last)
        found |= set(session.scalars(select(Figure.ref).where(Figure.ref.in_(ids), *figures)))
        for table in (Cost, Value):
            query = select(table.application_id).where(table.application_id.in_(ids), table.period.between(first, last))
            found |= {one for one in session.scalars(query) if one is not None}
    return found


def application(session: Session, code: str) -> Application | None:
    """An application by its code."""
    return session.scalars(select(Application).where(Application.code == code)).first()


def application_of_key(session: Session, key: str) -> Application | None:
    """An application by the secret of its public page."""
    return session.scalars(select(Application).where(Application.public_key == key)).first()


def teams(session: Session) -> dict[str, Team]:
    """Every team, by id."""
    return {team.id: team for team in session.scalars(select(Team).order_by(Team.name))}


def journeys(session: Session, application_ids: Collection[str]) -> list[Journey]:
    """Journeys of some applications, by name."""
    query = select(Journey).order_by(Journey.name)
    return [
        one
        for ids in portions(application_ids)
        for one in session.scalars(query.where(Journey.application_id.in_(ids)))
    ]


def chosen(kind: Kind) -> Select[Any]:
    """The beginning of every query for figures of a kind."""
    return select(
        Figure.ref, Figure.period, Figure.indicator, Figure.tier, Figure.phase, Figure.run_id, Figure.value, Figure.low,
        Figure.high, *(getattr(Figure, name) for name in _SHARES), Figure.units, Figure.source,
    ).where(
        Figure.level == kind.level, Figure.granularity == kind.granularity, Figure.indicator == kind.indicator,
        Figure.method == kind.method, Figure.factors_hash == kind.factors_hash, Figure.accounting == kind.accounting,
    )  # fmt: skip


def facts_of(session: Session, query: Select[Any]) -> list[FigureFact]:
    """Rows of the cache that a query begun by `chosen` gives."""
    return [
        FigureFact(
            ref=row[0], period=row[1], indicator=row[2], tier=row[3], phase=row[4], run_id=row[5], value=row[6],
            low=row[7], high=row[8], shares={name: share for name, share in zip(_SHARES, row[9:14], strict=True) if share},
            units=row[14], source=row[15],
        )
        for row in session.execute(query)
    ]  # fmt: skip


def values_of_period(
    session: Session, kind: Kind, span: tuple[date, date], refs: Collection[str] | None
) -> list[tuple[str, float | None, float | None]]:
    """Monthly totals as (thing, value, functional units), and nothing else of them.

    Args:
        span: first and last month.
        refs: of these alone; None: of everything of the level.
    """
    query = select(Figure.ref, Figure.value, Figure.units).where(
        Figure.level == kind.level, Figure.granularity == kind.granularity, Figure.indicator == kind.indicator,
        Figure.method == kind.method, Figure.factors_hash == kind.factors_hash, Figure.accounting == kind.accounting,
        Figure.tier == "", Figure.phase == "", Figure.period.between(*span),
    )  # fmt: skip
    asked = [query] if refs is None else [query.where(Figure.ref.in_(ids)) for ids in portions(refs)]
    return [(row[0], row[1], row[2]) for one in asked for row in session.execute(one)]


def of_period(session: Session, kind: Kind, first: date, last: date) -> list[FigureFact]:
    """Totals of everything of a level, from one month to another, both included."""
    return facts_of(
        session, chosen(kind).where(Figure.tier == "", Figure.phase == "", Figure.period.between(first, last))
    )


def of_refs(
    session: Session, kind: Kind, refs: Collection[str], first: date, last: date, *, split: bool = False
) -> list[FigureFact]:
    """Figures of some things over months or days, the oldest first.

    Args:
        split: by tier and by phase, too.
    """
    query = chosen(kind).where(Figure.period.between(first, last)).order_by(Figure.period)
    if not split:
        query = query.where(Figure.tier == "", Figure.phase == "")
    return [fact for ids in portions(refs) for fact in facts_of(session, query.where(Figure.ref.in_(ids)))]


def figures(
    session: Session, kind: Kind, refs: Collection[str], span: tuple[date, date], page: tuple[int, int]
) -> list[FigureFact]:
    """Figures of some things by tier and phase, in the order of the cache's key.

    Args:
        span: first and last period.
        page: how many rows are passed over, and how many are given.
    """
    start, count = page
    found: list[FigureFact] = []
    query = chosen(kind).where(Figure.period.between(*span))
    order = (Figure.ref, Figure.period, Figure.run_id, Figure.tier, Figure.phase)
    for ids in portions(sorted(refs)):
        rows = facts_of(session, query.where(Figure.ref.in_(ids)).order_by(*order).limit(start + count - len(found)))
        found += rows
        if len(found) >= start + count:
            break
    return found[start:]


def all_indicators(session: Session, kind: Kind, ref: str, first: date, last: date) -> list[FigureFact]:
    """Totals of every indicator of one thing."""
    query = select(
        Figure.ref, Figure.period, Figure.indicator, Figure.tier, Figure.phase, Figure.run_id, Figure.value, Figure.low,
        Figure.high, *(getattr(Figure, name) for name in _SHARES), Figure.units, Figure.source,
    ).where(
        Figure.level == kind.level, Figure.ref == ref, Figure.granularity == kind.granularity,
        Figure.method == kind.method, Figure.factors_hash == kind.factors_hash, Figure.accounting == kind.accounting,
        Figure.tier == "", Figure.phase == "", Figure.period.between(first, last),
    )  # fmt: skip
    return facts_of(session, query)


def sums(
    session: Session, kind: Kind, first: date, last: date, refs: Collection[str] | None = None
) -> dict[str, tuple[float, int]]:
    """Sum of the monthly totals of things of a level, and how many months they are.

    Args:
        refs: of these alone; None: of everything of the level.
    """
    query = (
        select(Figure.ref, func.sum(Figure.value), func.count(Figure.value))
        .where(
            Figure.level == kind.level, Figure.granularity == "month", Figure.indicator == kind.indicator,
            Figure.period.between(first, last), Figure.tier == "", Figure.phase == "", Figure.method == kind.method,
            Figure.factors_hash == kind.factors_hash, Figure.accounting == kind.accounting,
        )
        .group_by(Figure.ref)
    )  # fmt: skip
    asked = [query] if refs is None else [query.where(Figure.ref.in_(ids)) for ids in portions(refs)]
    return {row[0]: (row[1] or 0.0, row[2]) for one in asked for row in session.execute(one)}


def months(session: Session, kind: Kind) -> list[date]:
    """Months of which the organisation has figures, the oldest first."""
    query = select(Figure.period).where(
        Figure.level == "organisation", Figure.ref == "", Figure.granularity == "month", Figure.tier == "",
        Figure.phase == "",
        or_(Figure.indicator == "visits", (Figure.indicator == kind.indicator) & (Figure.method == kind.method)),
    )  # fmt: skip
    return sorted(set(session.scalars(query)))


def costs(session: Session, first: date, last: date, application_ids: Collection[str] | None = None) -> list[MoneyFact]:
    """Cost by application, month and currency.

    Args:
        application_ids: of these alone; None: of all, and what belongs to none.
    """
    query = (
        select(Cost.application_id, Cost.period, Cost.currency, func.sum(Cost.amount, type_=Cost.amount.type))
        .where(Cost.period.between(first, last))
        .group_by(Cost.application_id, Cost.period, Cost.currency)
    )
    if application_ids is None:
        return [MoneyFact(*row) for row in session.execute(query)]
    return [
        MoneyFact(*row)
        for ids in portions(application_ids)
        for row in session.execute(query.where(Cost.application_id.in_(ids)))
    ]


def values(session: Session, first: date, last: date, application_ids: Collection[str]) -> list[MoneyFact]:
    """Value by application, month and currency; an amount without a range has itself as bounds."""
    money = Value.amount.type
    query = (
        select(
            Value.application_id, Value.period, Value.currency, func.sum(Value.amount, type_=money),
            func.sum(func.coalesce(Value.low, Value.amount), type_=money),
            func.sum(func.coalesce(Value.high, Value.amount), type_=money),
        )
        .where(Value.period.between(first, last))
        .group_by(Value.application_id, Value.period, Value.currency)
    )  # fmt: skip
    return [
        MoneyFact(*row)
        for ids in portions(application_ids)
        for row in session.execute(query.where(Value.application_id.in_(ids)))
    ]


def weights(session: Session, application_ids: Collection[str]) -> dict[str, list[Weight]]:
    """Weights by application."""
    found: dict[str, list[Weight]] = {}
    for ids in portions(application_ids):
        for weight in session.scalars(select(Weight).where(Weight.application_id.in_(ids))):
            found.setdefault(weight.application_id, []).append(weight)
    return found


def targets(session: Session, indicator: str) -> list[Target]:
    """Targets of an indicator, the newest first."""
    return list(session.scalars(select(Target).where(Target.indicator == indicator).order_by(Target.valid_from.desc())))


def last_runs(session: Session, application_ids: Collection[str]) -> dict[str, datetime]:
    """When some applications were measured last: one step of the index for each."""
    newest = (
        select(func.max(Run.measured_at, type_=Run.measured_at.type))
        .where(Run.application_id == Application.id)
        .scalar_subquery()
    )
    found: dict[str, datetime] = {}
    for ids in portions(application_ids):
        rows: Any = session.execute(select(Application.id, newest).where(Application.id.in_(ids)))
        found.update((row[0], row[1]) for row in rows if row[1] is not None)
    return found


def count_journeys(session: Session, application_ids: Collection[str]) -> int:
    """How many journeys some applications have."""
    query = select(func.count()).select_from(Journey)
    return sum(session.scalar(query.where(Journey.application_id.in_(ids))) or 0 for ids in portions(application_ids))


def measured_journeys(session: Session, kind: Kind, application_ids: Collection[str]) -> int:
    """How many of them have ever been measured, whatever their traffic: one step of the cache's key for each."""
    of_it = select(Figure.ref).where(
        Figure.level == "journey",
        Figure.ref == Journey.id,
        Figure.granularity == "run",
        Figure.indicator == kind.indicator,
    )
    query = select(func.count()).select_from(Journey).where(of_it.exists())
    return sum(session.scalar(query.where(Journey.application_id.in_(ids))) or 0 for ids in portions(application_ids))


def runs(
    session: Session,
    application_ids: Collection[str] | None,
    *,
    limit: int,
    before: tuple[datetime, str] | None = None,
    journey: str | None = None,
) -> list[Run]:
    """Runs, the newest first.

    Args:
        before: when and id of the run after which the list goes on.
        journey: code of a journey that they have.
    """
    query = select(Run).order_by(Run.measured_at.desc(), Run.run_id.desc())
    if application_ids is not None:
        query = query.where(Run.application_id.in_(application_ids))
    if before is not None:
        at, run_id = before
        query = query.where(or_(Run.measured_at < at, (Run.measured_at == at) & (Run.run_id < run_id)))
    if journey is None:
        return list(session.scalars(query.limit(limit)))
    return [run for run in session.scalars(query) if journey in run.journeys][:limit]


def run(session: Session, start: str) -> list[Run]:
    """Runs whose id begins so; two at most."""
    after = start[:-1] + chr(ord(start[-1]) + 1) if start else ""
    return list(session.scalars(select(Run).where(Run.run_id >= start, Run.run_id < after).limit(2)))


def deployments(session: Session, application_id: str, since: datetime) -> list[Deployment]:
    """Deployments of an application, the oldest first."""
    query = select(Deployment).where(Deployment.application_id == application_id, Deployment.at >= since)
    return list(session.scalars(query.order_by(Deployment.at)))


def actions(session: Session, application_ids: Collection[str] | None = None) -> list[Action]:
    """The register of actions, of some applications or of all."""
    query = select(Action).order_by(Action.title)
    if application_ids is None:
        return list(session.scalars(query))
    return [
        one for ids in portions(application_ids) for one in session.scalars(query.where(Action.application_id.in_(ids)))
    ]


def last_traffic(session: Session) -> dict[str, date]:
    """The last month of each application with traffic."""
    query = (
        select(Figure.ref, func.max(Figure.period, type_=Figure.period.type))
        .where(Figure.level == "application", Figure.granularity == "month", Figure.indicator == "visits")
        .group_by(Figure.ref)
    )
    return {row[0]: row[1] for row in session.execute(query)}


def last_costs(session: Session) -> dict[str, date]:
    """The last month of each application with cost; one step of the index for each."""
    query = select(Cost.application_id, func.max(Cost.period, type_=Cost.period.type)).group_by(Cost.application_id)
    return {row[0]: row[1] for row in session.execute(query) if row[0] is not None}
