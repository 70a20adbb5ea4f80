# SPDX-License-Identifier: Apache-2.0
"""What the computing of figures asks: runs and traffic of some applications, and the cache that is written from them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from lichen.store.models import (
    Application,
    AuditEvent,
    Base,
    Figure,
    IngestJournal,
    Journey,
    LaterFactors,
    Run,
    Setting,
    SourceClaim,
    TierSource,
    Traffic,
)

_SEEN: Final = "figures.of/"
"""What the keys of settings begin with that hold fingerprints of applications."""
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


@dataclass(frozen=True, slots=True)
class DeclaredSource:
    """The source that counts for a tier of an application from a day on: meter, bill or journeys."""

    application_id: str
    tier: str
    source: str
    valid_from: date


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


def declared_sources(session: Session, applications: Collection[str]) -> list[DeclaredSource]:
    """Declared sources of the tiers of some applications, the oldest first."""
    query = select(TierSource.application_id, TierSource.tier, TierSource.source, TierSource.valid_from)
    return [
        DeclaredSource(*row)
        for ids in portions(applications)
        for row in session.execute(query.where(TierSource.application_id.in_(ids)).order_by(TierSource.valid_from))
    ]


def seen(session: Session, applications: Collection[str] | None) -> dict[str, Any]:
    """What `put_seen` noted of some applications, or of all."""
    query = select(Setting.key, Setting.value)
    keys = None if applications is None else [_SEEN + one for one in applications]
    asked = (
        [query.where(Setting.key.startswith(_SEEN))]
        if keys is None
        else [query.where(Setting.key.in_(part)) for part in portions(keys)]
    )
    return {key.removeprefix(_SEEN): value for one in asked for key, value in session.execute(one)}


def put_seen(session: Session, noted: Mapping[str, Any], gone: Collection[str]) -> None:
    """Notes what the figures of some applications were made of, and forgets others."""
    for ids in portions([*noted, *gone]):
        session.execute(delete(Setting).where(Setting.key.in_([_SEEN + one for one in ids])))
    if noted:
        rows = [{"key": _SEEN + application, "value": value} for application, value in noted.items()]
        session.execute(insert(Setting), rows)


def runs_with_figures(
    session: Session, journey_ids: Collection[str], method: str, factors_hash: str
) -> set[tuple[str, str]]:
    """Journeys and runs that the cache has figures of, under a method."""
    query = select(Figure.ref, Figure.run_id).where(
        Figure.level == "journey", Figure.granularity == "run", Figure.method == method,
        Figure.factors_hash == factors_hash,
    )  # fmt: skip
    return {
        (row[0], row[1])
        for ids in portions(journey_ids)
        for row in session.execute(query.where(Figure.ref.in_(ids)).distinct())
    }


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
    declared = select(TierSource.application_id, TierSource.tier, TierSource.source, TierSource.valid_from)
    for application, *words in session.execute(declared.order_by(TierSource.tier, TierSource.valid_from)):
        if application in found:
            found[application] += [str(word) for word in words]
    return found


def last_change(session: Session) -> int:
    """Number of the newest entry of the audit log, which every import and every change of the portfolio makes."""
    return session.scalar(select(func.max(AuditEvent.seq))) or 0


@dataclass(frozen=True, slots=True)
class Fresh:
    """What was computed of some applications, as rows of the tables of the cache."""

    figures: list[dict[str, Any]] = field(default_factory=list)
    claims: list[dict[str, Any]] = field(default_factory=list)
    later: list[dict[str, Any]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.figures) + len(self.claims) + len(self.later)


def write(session: Session, fresh: Fresh) -> None:
    """Adds rows to the cache; those that they replace are gone."""
    for model, rows in ((Figure, fresh.figures), (SourceClaim, fresh.claims), (LaterFactors, fresh.later)):
        if rows:
            # The table rather than its class: thousands of rows need no unit of work.
            session.connection().execute(insert(Base.metadata.tables[model.__tablename__]), rows)


def forget_months(session: Session, level: str, refs: Collection[str], months: Collection[date]) -> None:
    """Takes months of some things out of the cache, by every method."""
    for ids in portions(refs):
        for some in _days(months):
            session.execute(
                delete(Figure).where(
                    Figure.level == level, Figure.ref.in_(ids), Figure.granularity == "month", Figure.period.in_(some)
                )
            )
            if level in ("application", "journey"):
                session.execute(
                    delete(LaterFactors).where(
                        LaterFactors.level == level, LaterFactors.ref.in_(ids), LaterFactors.period.in_(some)
                    )
                )
            if level == "application":
                session.execute(
                    delete(SourceClaim).where(SourceClaim.application_id.in_(ids), SourceClaim.period.in_(some))
                )


def _days(months: Collection[date]) -> Iterator[list[date]]:
    listed = sorted(months)
    return (listed[first : first + _AT_ONCE] for first in range(0, len(listed), _AT_ONCE))


def forget_other(session: Session, level: str, refs: Collection[str] | None, method: str, factors_hash: str) -> None:
    """Takes out what is not of a method and hash: older factors, and methods that were only looked through."""
    other = (Figure.method != "") & ((Figure.method != method) | (Figure.factors_hash != factors_hash))
    later = (LaterFactors.method != method) | (LaterFactors.factors_hash != factors_hash)
    claims = (SourceClaim.method != method) | (SourceClaim.factors_hash != factors_hash)
    for ids in [None] if refs is None else list(portions(refs)):
        figures = delete(Figure).where(Figure.level == level, other)
        session.execute(figures if ids is None else figures.where(Figure.ref.in_(ids)))
        if ids is not None:
            session.execute(delete(LaterFactors).where(LaterFactors.level == level, LaterFactors.ref.in_(ids), later))
            if level == "application":
                session.execute(delete(SourceClaim).where(SourceClaim.application_id.in_(ids), claims))


def is_computed(session: Session, application: str, method: str, factors_hash: str) -> bool:
    """Whether the cache has a method's figures of an application."""
    query = select(Figure.ref).where(
        Figure.level == "application", Figure.ref == application, Figure.granularity == "month",
        Figure.method == method, Figure.factors_hash == factors_hash,
    )  # fmt: skip
    return session.scalars(query.limit(1)).first() is not None


def refs(session: Session, level: str) -> set[str]:
    """The things of a level that the cache has figures of."""
    return set(session.scalars(select(Figure.ref).distinct().where(Figure.level == level)))


def months_of_sums(session: Session) -> set[date]:
    """The months that the organisation has figures of."""
    return set(session.scalars(select(Figure.period).distinct().where(Figure.level == "organisation")))
