# SPDX-License-Identifier: Apache-2.0
"""What the weekly digest asks: traffic of some weeks, and what was confirmed and deployed in them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from lichen.store.models import RESTATED, ChangePoint, Deployment, Traffic
from lichen.store.queries.figures import TrafficFact, portions


@dataclass(frozen=True, slots=True)
class DeployedFact:
    """A version that went live."""

    id: str
    application_id: str
    version: str | None
    commit: str | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFact:
    """A confirmed change of a history. change, low, high: relative."""

    application_id: str
    journey_id: str | None
    indicator: str
    at_day: date
    change: float
    low: float | None
    high: float | None
    deployment_id: str | None
    cause: str | None


def traffic(session: Session, applications: Collection[str], first: date, last: date) -> list[TrafficFact]:
    """Traffic of some applications on the days of a span, both ends included."""
    query = select(Traffic.application_id, Traffic.journey_id, Traffic.day, Traffic.visits, Traffic.source).where(
        Traffic.day.between(first, last)
    )
    return [
        TrafficFact(*row)
        for ids in portions(applications)
        for row in session.execute(query.where(Traffic.application_id.in_(ids)))
    ]


def deployments(session: Session, applications: Collection[str], first: datetime, end: datetime) -> list[DeployedFact]:
    """Deployments of some applications from a moment to another one, which is not included, the oldest first."""
    query = (
        select(Deployment.id, Deployment.application_id, Deployment.version, Deployment.commit, Deployment.at)
        .where(Deployment.at >= first, Deployment.at < end)
        .order_by(Deployment.at)
    )
    return [
        DeployedFact(*row)
        for ids in portions(applications)
        for row in session.execute(query.where(Deployment.application_id.in_(ids)))
    ]


def changes(session: Session, applications: Collection[str], first: date, last: date) -> list[ChangeFact]:
    """Changes that were confirmed on the days of a span, both ends included; the largest first. Restated ones are no news."""
    news = or_(ChangePoint.cause.is_(None), ChangePoint.cause != RESTATED)
    query = select(ChangePoint).where(ChangePoint.confirmed_on.between(first, last), news)
    rows = [
        row
        for ids in portions(applications)
        for row in session.scalars(query.where(ChangePoint.application_id.in_(ids)))
    ]
    return [
        ChangeFact(
            application_id=row.application_id, journey_id=row.journey_id, indicator=row.indicator, at_day=row.at_day,
            change=row.change, low=row.low, high=row.high, deployment_id=row.deployment_id, cause=row.cause,
        )
        for row in sorted(rows, key=lambda one: -abs(one.change))
    ]  # fmt: skip
