# SPDX-License-Identifier: Apache-2.0
"""The sample portfolio in the store: its rows go in at once, and out at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Final

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from lichen.store.models import (
    Application,
    Base,
    Cost,
    Figure,
    IngestJournal,
    Journey,
    Organisation,
    Run,
    Setting,
    Target,
    Team,
)

SOURCE: Final = "sample"
"""Source of traffic, cost and value that are made up."""
MARK: Final = "sample"
"""Key of the setting that says what belongs to the sample."""
_TABLES: Final = (
    "team", "application", "part", "environment", "journey", "deployment", "traffic", "cost", "value", "weight", "action",
    "ingest_journal", "run", "target",
)  # fmt: skip


def add(session: Session, rows: Mapping[str, Sequence[Mapping[str, Any]]]) -> None:
    """Rows by table, in the order in which they refer to each other."""
    for name in _TABLES:
        if own := rows.get(name):
            session.connection().execute(insert(Base.metadata.tables[name]), list(own))


def organisation(session: Session) -> Organisation | None:
    """The organisation's row, if it was made."""
    return session.scalars(select(Organisation).limit(1)).first()


def add_organisation(session: Session, **columns: Any) -> str:
    """Makes the organisation's row; its id."""
    made = Organisation(**columns)
    session.add(made)
    session.flush()
    return made.id


def has_applications(session: Session) -> bool:
    """Whether there is any application."""
    return session.scalars(select(Application.id).limit(1)).first() is not None


def has_target(session: Session) -> bool:
    """Whether the organisation has a target."""
    return session.scalars(select(Target.id).where(Target.scope == "organisation").limit(1)).first() is not None


def yearly(session: Session, indicator: str, before: date) -> dict[tuple[str, str], float]:
    """A year at the pace of the months before a day, by level and id: organisation, teams, applications."""
    chosen = (
        select(Figure.level, Figure.ref, func.avg(Figure.value))
        .where(
            Figure.level.in_(("organisation", "team", "application")), Figure.granularity == "month",
            Figure.indicator == indicator, Figure.tier == "", Figure.phase == "", Figure.period < before,
        )
        .group_by(Figure.level, Figure.ref)
    )  # fmt: skip
    return {(level, ref): mean * 12 for level, ref, mean in session.execute(chosen) if mean is not None}


def remove(
    session: Session,
    applications: Collection[str],
    codes: Collection[str],
    teams: Collection[str],
    targets: Collection[str],
    organisation_id: str | None,
) -> None:
    """Takes out what `add` put in; rows of the applications go with them."""
    journeys = select(Journey.id).where(Journey.application_id.in_(applications))
    for level, refs in (("application", applications), ("team", teams), ("journey", journeys)):
        session.execute(delete(Figure).where(Figure.level == level, Figure.ref.in_(refs)))
    session.execute(delete(IngestJournal).where(IngestJournal.application_code.in_(codes)))
    session.execute(delete(Run).where(Run.application_id.in_(applications)))
    session.execute(delete(Application).where(Application.id.in_(applications)))
    session.execute(delete(Team).where(Team.id.in_(teams)))
    session.execute(delete(Target).where(Target.id.in_(targets)))
    session.execute(delete(Cost).where(Cost.source == SOURCE, Cost.application_id.is_(None)))
    session.execute(delete(Setting).where(Setting.key == MARK))
    if organisation_id is not None:
        session.execute(delete(Organisation).where(Organisation.id == organisation_id))
