# SPDX-License-Identifier: Apache-2.0
"""The sample portfolio in the store: its rows go in at once, and out at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import delete, insert, select
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


def has_target(session: Session) -> bool:
    """Whether the organisation has a target."""
    return session.scalars(select(Target.id).where(Target.scope == "organisation").limit(1)).first() is not None


def months_of_organisation(session: Session, indicator: str) -> list[float]:
    """The organisation's figure of each month before the newest, which may not be over."""
    chosen = select(Figure.value).where(
        Figure.level == "organisation", Figure.ref == "", Figure.granularity == "month", Figure.indicator == indicator,
        Figure.tier == "", Figure.phase == "",
    )  # fmt: skip
    return [value for value in session.scalars(chosen.order_by(Figure.period)) if value is not None][:-1]


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
