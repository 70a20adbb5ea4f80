# SPDX-License-Identifier: Apache-2.0
"""What the watching over histories asks: runs, deployments, marks, changes, budgets and alerts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, func, or_, select
from sqlalchemy.orm import Session

from lichen.store.models import (
    Alert,
    AlertState,
    Application,
    Budget,
    ChangeCandidate,
    ChangePoint,
    Deployment,
    Journey,
    Mark,
    Run,
    Setting,
    Target,
    Team,
)
from lichen.store.queries.figures import portions


@dataclass(frozen=True, slots=True)
class Watched:
    """An application that is watched over, and whose it is."""

    id: str
    code: str
    name: str
    team_id: str | None
    team_code: str | None
    lifecycle: str | None


def applications(session: Session) -> list[Watched]:
    """Every application, by code."""
    query = (
        select(
            Application.id, Application.code, Application.name, Application.team_id, Team.code, Application.lifecycle
        )
        .join(Team, Team.id == Application.team_id, isouter=True)
        .order_by(Application.code)
    )
    return [Watched(*row) for row in session.execute(query)]


def locked_application(session: Session, code: str) -> Application | None:
    """An application by its code, held until the transaction ends so that two that add the same to it wait for each other."""
    return session.scalars(select(Application).where(Application.code == code).with_for_update()).first()


def journeys(session: Session, application_id: str) -> list[Journey]:
    """Journeys of an application, by code."""
    return list(session.scalars(select(Journey).where(Journey.application_id == application_id).order_by(Journey.code)))


def runs(session: Session, application_id: str, limit: int) -> list[Run]:
    """The newest runs of an application, the oldest of them first."""
    query = select(Run).where(Run.application_id == application_id).order_by(Run.measured_at.desc(), Run.run_id.desc())
    return list(reversed(session.scalars(query.limit(limit)).all()))


def forget_settings(session: Session, prefix: str, known: Collection[str]) -> None:
    """Drops the settings whose key begins so and ends with the id of nothing that is known."""
    keys = session.scalars(select(Setting.key).where(Setting.key.startswith(prefix, autoescape=True))).all()
    for gone in portions([key for key in keys if key[len(prefix) :] not in known]):
        session.execute(delete(Setting).where(Setting.key.in_(gone)))


def deployment(
    session: Session, application_id: str, version: str | None, environment: str | None, at: datetime
) -> Deployment | None:
    """The deployment of a version to an environment at a moment."""
    query = select(Deployment).where(
        Deployment.application_id == application_id,
        Deployment.version == version if version is not None else Deployment.version.is_(None),
        Deployment.environment == environment if environment is not None else Deployment.environment.is_(None),
        Deployment.at == at,
    )
    return session.scalars(query).first()


def deployments(
    session: Session, application_ids: Collection[str] | None, limit: int, before: tuple[datetime, str] | None = None
) -> list[Deployment]:
    """Deployments, the newest first.

    Args:
        application_ids: of these; None: of all.
        before: when and id of the one after which the list goes on.
    """
    query = select(Deployment).order_by(Deployment.at.desc(), Deployment.id.desc()).limit(limit)
    if application_ids is not None:
        query = query.where(Deployment.application_id.in_(application_ids))
    if before is not None:
        at, row_id = before
        query = query.where(or_(Deployment.at < at, (Deployment.at == at) & (Deployment.id < row_id)))
    return list(session.scalars(query))


def marks(session: Session, application_id: str | None) -> list[Mark]:
    """Marks of an application and those of all, the oldest first; None: those of all alone."""
    query = select(Mark).where(or_(Mark.application_id.is_(None), Mark.application_id == application_id))
    return list(session.scalars(query.order_by(Mark.at, Mark.id)))


def mark(session: Session, application_id: str | None, kind: str, at: datetime, text: str) -> Mark | None:
    """A mark by what makes it one."""
    mine = Mark.application_id.is_(None) if application_id is None else Mark.application_id == application_id
    return session.scalars(select(Mark).where(mine, Mark.kind == kind, Mark.at == at, Mark.text == text)).first()


def change_points(session: Session, application_ids: Collection[str], since: date = date.min) -> list[ChangePoint]:
    """Confirmed changes of some applications, the newest first."""
    query = select(ChangePoint).where(ChangePoint.at_day >= since)
    found = [
        one
        for ids in portions(application_ids)
        for one in session.scalars(query.where(ChangePoint.application_id.in_(ids)))
    ]
    return sorted(found, key=lambda one: (one.at_day, one.id), reverse=True)


def confirmed_since(session: Session, day: date) -> list[ChangePoint]:
    """Changes of every application that were confirmed on a day or later."""
    return list(session.scalars(select(ChangePoint).where(ChangePoint.confirmed_on >= day).order_by(ChangePoint.id)))


def replace_candidates(session: Session, series: str, day: date, rows: Iterable[ChangeCandidate]) -> None:
    """Notes what an evaluation suspects, in place of what it noted before."""
    session.execute(
        delete(ChangeCandidate).where(ChangeCandidate.series == series, ChangeCandidate.evaluated_on == day)
    )
    session.add_all(rows)


def candidates(session: Session, application_id: str) -> list[ChangeCandidate]:
    """What the evaluations of an application's histories suspected, the newest first."""
    query = select(ChangeCandidate).where(ChangeCandidate.series.startswith(f"{application_id}/", autoescape=True))
    return list(session.scalars(query.order_by(ChangeCandidate.evaluated_on.desc(), ChangeCandidate.series)))


def forget_candidates(session: Session, before: date) -> None:
    """Drops what was suspected before a day."""
    session.execute(delete(ChangeCandidate).where(ChangeCandidate.evaluated_on < before))


def budgets(session: Session, day: date) -> list[Budget]:
    """Budgets that hold on a day."""
    query = select(Budget).where(Budget.valid_from <= day, or_(Budget.valid_to.is_(None), Budget.valid_to >= day))
    return list(session.scalars(query.order_by(Budget.id)))


def targets(session: Session) -> list[Target]:
    """Every target."""
    return list(session.scalars(select(Target).order_by(Target.id)))


def alerts(
    session: Session,
    *,
    state: AlertState | None = None,
    limit: int | None = None,
    before: tuple[datetime, str] | None = None,
) -> list[Alert]:
    """Alerts, the newest first.

    Args:
        before: when opened and id of the one after which the list goes on.
    """
    query = select(Alert).order_by(Alert.opened_at.desc(), Alert.id.desc())
    if state is not None:
        query = query.where(Alert.state == state)
    if before is not None:
        at, row_id = before
        query = query.where(or_(Alert.opened_at < at, (Alert.opened_at == at) & (Alert.id < row_id)))
    return list(session.scalars(query if limit is None else query.limit(limit)))


def alert_counts(session: Session) -> dict[str, int]:
    """How often each thing was alerted of, open alerts and those that are over, by key."""
    return dict(session.execute(select(Alert.key, func.count()).group_by(Alert.key)).all())


def measuring_days(session: Session, application_ids: Sequence[str], since: datetime) -> Mapping[str, list[date]]:
    """Days on which applications were measured, the oldest first; those without a run since then are left out."""
    found: dict[str, set[date]] = {}
    query = select(Run.application_id, Run.measured_at).where(Run.measured_at >= since)
    for ids in portions(application_ids):
        for application_id, at in session.execute(query.where(Run.application_id.in_(ids))):
            found.setdefault(application_id, set()).add(at.date())
    return {application_id: sorted(days) for application_id, days in found.items()}
