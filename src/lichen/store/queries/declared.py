# SPDX-License-Identifier: Apache-2.0
"""What people set on the page of settings: weights, targets, public links."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from lichen.store.models import Application, Organisation, Target, Team, TierSource, Weight
from lichen.store.queries.figures import portions


def organisation(session: Session) -> Organisation:
    """The organisation's row; made when nobody named it yet."""
    found = session.scalars(select(Organisation)).first()
    if found is None:
        found = Organisation()
        session.add(found)
        session.flush()
    return found


def application(session: Session, code: str) -> Application | None:
    """An application by its code."""
    return session.scalars(select(Application).where(Application.code == code)).first()


def applications(session: Session, codes: Collection[str]) -> list[Application]:
    """Applications by their codes."""
    return [
        row
        for some in portions(codes)
        for row in session.scalars(select(Application).where(Application.code.in_(some)))
    ]


def weight_of_day(session: Session, application_id: str, day: date) -> Weight | None:
    """The weight that begins on a day."""
    query = select(Weight).where(Weight.application_id == application_id, Weight.valid_from == day)
    return session.scalars(query).first()


def source_of_day(session: Session, application_id: str, tier: str, day: date) -> TierSource | None:
    """The source that counts for a tier from a day on."""
    query = select(TierSource).where(
        TierSource.application_id == application_id, TierSource.tier == tier, TierSource.valid_from == day
    )
    return session.scalars(query).first()


def target_of_day(session: Session, scope: str, scope_id: str | None, indicator: str, day: date) -> Target | None:
    """The target that begins on a day."""
    query = select(Target).where(
        Target.scope == scope, Target.scope_id == scope_id, Target.indicator == indicator, Target.valid_from == day
    )
    return session.scalars(query).first()


def targets(session: Session) -> list[Target]:
    """Every target, the organisation's first, then by whose it is, the newest first."""
    order = (
        Target.scope != "organisation",
        Target.scope.desc(),
        Target.scope_id,
        Target.indicator,
        Target.valid_from.desc(),
    )
    return list(session.scalars(select(Target).order_by(*order)))


def published(session: Session, application_ids: Collection[str]) -> list[Application]:
    """Applications that have a public link, by name."""
    found = [
        row
        for ids in portions(application_ids)
        for row in session.scalars(
            select(Application).where(Application.id.in_(ids), Application.public_key.is_not(None))
        )
    ]
    return sorted(found, key=lambda row: row.name)


def team(session: Session, code: str) -> Team | None:
    """A team by its code."""
    return session.scalars(select(Team).where(Team.code == code)).first()
