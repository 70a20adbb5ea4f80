# SPDX-License-Identifier: Apache-2.0
"""What the computing of figures asks: runs and traffic of some applications, and the cache that is written from them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from lichen.store.models import Application, AuditEvent, Base, Figure, IngestJournal, Journey, Run, Traffic

_TABLE: Final = Base.metadata.tables[Figure.__tablename__]
_AT_ONCE: Final = 500
"""Values of one IN list: both engines have a limit."""


@dataclass(frozen=True, slots=True)
class Owned:
    """An application and whose it is."""

    application_id: str
    code: str
    team_id: str | None


@dataclass(frozen=True, slots=True)
class JourneyFact:
    """A journey of an application."""

    journey_id: str
    application_id: str
    code: str


@dataclass(frozen=True, slots=True)
class RunFact:
    """A run and the codes of its journeys."""

    run_id: str
    application_id: str
    journeys: tuple[str, ...]
    measured_at: datetime


@dataclass(frozen=True, slots=True)
class TrafficFact:
    """Visits of a day as one source tells them; ``journey_id`` None is the whole application."""

    application_id: str
    journey_id: str | None
    day: date
    visits: float | None
    source: str


def portions(values: Collection[str], size: int = _AT_ONCE) -> Iterator[list[str]]:
    """Values in lists that fit into one query."""
    listed = list(values)
    return (listed[first : first + size] for first in range(0, len(listed), size))


def owned(session: Session) -> list[Owned]:
    """Every application, by code."""
    rows = session.execute(select(Application.id, Application.code, Application.team_id).order_by(Application.code))
    return [Owned(*row) for row in rows]


def journeys(session: Session, applications: Collection[str]) -> list[JourneyFact]:
    """Journeys of some applications, by code."""
    query = select(Journey.id, Journey.application_id, Journey.code)
    return [
        JourneyFact(*row)
        for ids in portions(applications)
        for row in session.execute(query.where(Journey.application_id.in_(ids)).order_by(Journey.code))
    ]


def add_journeys(session: Session, wanted: Iterable[tuple[str, str]]) -> None:
    """Journeys that a run measured and nobody declared, as (application id, code)."""
    session.add_all(Journey(application_id=application, code=code, name=code) for application, code in wanted)
    session.flush()


def runs(session: Session, applications: Collection[str]) -> list[RunFact]:
    """Runs of some applications, the oldest first."""
    query = select(Run.run_id, Run.application_id, Run.journeys, Run.measured_at)
    return [
        RunFact(run_id, application, tuple(codes), at)
        for ids in portions(applications)
        for run_id, application, codes, at in session.execute(
            query.where(Run.application_id.in_(ids)).order_by(Run.measured_at, Run.run_id)
        )
    ]


def traffic(session: Session, applications: Collection[str]) -> list[TrafficFact]:
    """Traffic of some applications."""
    query = select(Traffic.application_id, Traffic.journey_id, Traffic.day, Traffic.visits, Traffic.source)
    return [
        TrafficFact(*row)
        for ids in portions(applications)
        for row in session.execute(query.where(Traffic.application_id.in_(ids)))
    ]


def files(session: Session, run_ids: Collection[str]) -> dict[str, str | bytes]:
    """Where the files of runs are: the hash of a piece of evidence, or the gzipped file that waits in the journal."""
    landed = select(Run.run_id, Run.evidence).where(Run.evidence.is_not(None))
    waiting = select(IngestJournal.run_id, IngestJournal.body)
    found: dict[str, str | bytes] = {}
    for ids in portions(run_ids):
        found.update((run_id, body) for run_id, body in session.execute(waiting.where(IngestJournal.run_id.in_(ids))))
        found.update((run_id, str(sha256)) for run_id, sha256 in session.execute(landed.where(Run.run_id.in_(ids))))
    return found


def fingerprints(session: Session, applications: Collection[str] | None = None) -> dict[str, list[Any]]:
    """What an application's figures come from, in a few numbers each: they change when a figure may have.

    Args:
        applications: only these, by their indexes; None: all, which reads all of their traffic.
    """
    found: dict[str, list[Any]] = {
        one.application_id: [one.team_id]
        for one in owned(session)
        if applications is None or one.application_id in applications
    }
    of_runs = select(Run.application_id, func.count(), func.max(Run.received_at)).group_by(Run.application_id)
    of_traffic = select(Traffic.application_id, func.count(), func.sum(Traffic.visits), func.max(Traffic.day)).group_by(
        Traffic.application_id
    )
    for query, column in ((of_runs, Run.application_id), (of_traffic, Traffic.application_id)):
        asked = [query] if applications is None else [query.where(column.in_(ids)) for ids in portions(applications)]
        for one in asked:
            for application, *numbers in session.execute(one):
                found[application] += [str(number) for number in numbers]
    return found


def last_change(session: Session) -> int:
    """Number of the newest entry of the audit log, which every import and every change of the portfolio makes."""
    return session.scalar(select(func.max(AuditEvent.seq))) or 0


def published(session: Session, refs: Collection[str], method: str) -> set[tuple[Any, ...]]:
    """Monthly totals of some applications as the cache has them: (ref, period, indicator, value, low, high, hash)."""
    query = select(
        Figure.ref, Figure.period, Figure.indicator, Figure.value, Figure.low, Figure.high, Figure.factors_hash
    ).where(
        Figure.level == "application",
        Figure.granularity == "month",
        Figure.tier == "",
        Figure.phase == "",
        Figure.method.in_((method, "")),
    )
    return {tuple(row) for ids in portions(refs) for row in session.execute(query.where(Figure.ref.in_(ids)))}


def replace(
    session: Session,
    level: str,
    refs: Collection[str],
    rows: Sequence[Mapping[str, Any]],
    *,
    months: Collection[date] | None = None,
) -> None:
    """Puts rows of the cache in place of what it has about some things.

    Args:
        refs: the things: all their figures go.
        rows: of the same things.
        months: only the monthly figures of these are replaced; None: everything of every method.
    """
    for ids in portions(refs):
        query = delete(Figure).where(Figure.level == level, Figure.ref.in_(ids))
        if months is not None:
            query = query.where(Figure.granularity == "month", Figure.period.in_(sorted(months)))
        session.execute(query)
    if rows:
        # The table rather than its class: thousands of rows need no unit of work.
        session.connection().execute(insert(_TABLE), list(rows))


def is_computed(session: Session, application: str, method: str, factors_hash: str) -> bool:
    """Whether the cache has a method's figures of an application."""
    query = select(Figure.ref).where(
        Figure.level == "application", Figure.ref == application, Figure.granularity == "month",
        Figure.method == method, Figure.factors_hash == factors_hash,
    )  # fmt: skip
    return session.scalars(query.limit(1)).first() is not None


def put(session: Session, rows: Sequence[Mapping[str, Any]], method: str, factors_hash: str) -> None:
    """Adds rows of one method, in place of those of the same things that it has given before."""
    for level in {row["level"] for row in rows}:
        for ids in portions({row["ref"] for row in rows if row["level"] == level}):
            session.execute(
                delete(Figure).where(
                    Figure.level == level,
                    Figure.ref.in_(ids),
                    Figure.method == method,
                    Figure.factors_hash == factors_hash,
                )
            )
    if rows:
        session.connection().execute(insert(_TABLE), list(rows))


def refs(session: Session, level: str) -> set[str]:
    """The things of a level that the cache has figures of."""
    return set(session.scalars(select(Figure.ref).distinct().where(Figure.level == level)))


def months_of_sums(session: Session) -> set[date]:
    """The months that the organisation has figures of."""
    return set(session.scalars(select(Figure.period).distinct().where(Figure.level == "organisation")))
