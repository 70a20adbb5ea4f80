# SPDX-License-Identifier: Apache-2.0
"""What goes when a team or an application goes, counted before it does."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from lichen.store.models import (
    Action,
    ApiToken,
    Application,
    Base,
    Cost,
    Figure,
    IngestJournal,
    Journey,
    LaterFactors,
    Membership,
    Run,
    SourceClaim,
    Target,
    Team,
    Traffic,
    Value,
)


def count(session: Session, model: type[Base], *where: Any) -> int:
    """Rows of a table that fulfil some conditions."""
    return session.scalar(select(func.count()).select_from(model).where(*where)) or 0


def of_team(session: Session, team: Team) -> dict[str, int]:
    """What belongs to a team, by kind."""
    return {
        "applications": count(session, Application, Application.team_id == team.id),
        "members": count(session, Membership, Membership.team_id == team.id),
        "targets": count(session, Target, Target.scope == "team", Target.scope_id == team.id),
        "tokens": count(session, ApiToken, ApiToken.team_id == team.id, ApiToken.revoked_at.is_(None)),
    }


def of_application(session: Session, application: Application) -> dict[str, int]:
    """What belongs to an application, by kind."""
    one = application.id
    return {
        "runs": count(session, Run, Run.application_id == one),
        "journeys": count(session, Journey, Journey.application_id == one),
        "traffic": count(session, Traffic, Traffic.application_id == one),
        "costs": count(session, Cost, Cost.application_id == one),
        "values": count(session, Value, Value.application_id == one),
        "actions": count(session, Action, Action.application_id == one),
        "targets": count(session, Target, Target.scope == "application", Target.scope_id == one),
        "tokens": count(session, ApiToken, ApiToken.application_id == one, ApiToken.revoked_at.is_(None)),
    }


def waiting(session: Session, application: Application) -> int:
    """Runs of an application that were acknowledged and have not landed yet."""
    return count(
        session, IngestJournal, IngestJournal.application_code == application.code, IngestJournal.state == "pending"
    )


def move(session: Session, team: Team, heir: Team | None) -> None:
    """Gives a team's applications to another one, or to none."""
    of_it = update(Application).where(Application.team_id == team.id)
    session.execute(of_it.values(team_id=None if heir is None else heir.id))


def remove_team(session: Session, team: Team) -> None:
    """Takes a team out with its targets and figures; members and tokens go by the rules of their tables."""
    session.execute(delete(Target).where(Target.scope == "team", Target.scope_id == team.id))
    session.execute(delete(Figure).where(Figure.level == "team", Figure.ref == team.id))
    session.execute(delete(Team).where(Team.id == team.id))


def remove_application(session: Session, application: Application) -> None:
    """Takes an application out of the store; what refers to it goes by the rules of its tables."""
    one = application.id
    journeys = select(Journey.id).where(Journey.application_id == one)
    for cache in (Figure, LaterFactors):
        session.execute(delete(cache).where(cache.level == "journey", cache.ref.in_(journeys)))
        session.execute(delete(cache).where(cache.level == "application", cache.ref == one))
    session.execute(delete(SourceClaim).where(SourceClaim.application_id == one))
    session.execute(delete(Target).where(Target.scope == "application", Target.scope_id == one))
    session.execute(delete(Run).where(Run.application_id == one))
    session.execute(delete(Application).where(Application.id == one))
