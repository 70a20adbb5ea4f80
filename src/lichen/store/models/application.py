# SPDX-License-Identifier: Apache-2.0
"""What: applications, their parts, environments and journeys, and when they were deployed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from lichen.store.models.base import Base, new_id, utc_now


class Application(Base):
    """An application of the portfolio.

    Attributes:
        code: first word of the entities that its runs measure.
        team_id: None while nobody owns it; it is then shown as unallocated.
        criticality: 1 (a comfort) to 4 (vital). complexity: 1 to 5.
        person_days_per_year: work put into it each year, in person-days.
        public_key: secret of its public read-only page; None while it has none.
    """

    __tablename__ = "application"
    __table_args__ = (
        CheckConstraint("criticality BETWEEN 1 AND 4", name="criticality"),
        CheckConstraint("complexity BETWEEN 1 AND 5", name="complexity"),
        CheckConstraint("users >= 0", name="users"),
        CheckConstraint("person_days_per_year >= 0", name="person_days_per_year"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(unique=True)
    team_id: Mapped[str | None] = mapped_column(ForeignKey("team.id", ondelete="SET NULL"), index=True)
    name: Mapped[str]
    domain: Mapped[str | None]
    kind: Mapped[str | None]
    lifecycle: Mapped[str | None]
    business_owner: Mapped[str | None]
    technical_owner: Mapped[str | None]
    criticality: Mapped[int | None]
    complexity: Mapped[int | None]
    maturity: Mapped[str | None]
    users: Mapped[int | None]
    person_days_per_year: Mapped[float | None]
    tags: Mapped[list[str]] = mapped_column(default=list)
    repository: Mapped[str | None]
    description: Mapped[str | None]
    public_key: Mapped[str | None] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Part(Base):
    """A part of an application: a browser, a service, a database. ``tier`` is device, network or server."""

    __tablename__ = "part"
    __table_args__ = (
        UniqueConstraint("application_id", "code"),
        CheckConstraint("tier IN ('device', 'network', 'server')", name="tier"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    application_id: Mapped[str] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"))
    code: Mapped[str]
    name: Mapped[str]
    tier: Mapped[str | None]


class Environment(Base):
    """Where an application runs: production, test."""

    __tablename__ = "environment"
    __table_args__ = (UniqueConstraint("application_id", "code"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    application_id: Mapped[str] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"))
    code: Mapped[str]
    kind: Mapped[str | None]
    region: Mapped[str | None]
    hosting: Mapped[str | None]


class Journey(Base):
    """What a user comes to do. ``expected_saving`` is the share of its footprint that could be saved, 0 to 1."""

    __tablename__ = "journey"
    __table_args__ = (
        UniqueConstraint("application_id", "code"),
        CheckConstraint("expected_saving BETWEEN 0 AND 1", name="expected_saving"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    application_id: Mapped[str] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"))
    code: Mapped[str]
    name: Mapped[str]
    expected_saving: Mapped[float | None]


class Deployment(Base):
    """A version that went live."""

    __tablename__ = "deployment"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    application_id: Mapped[str] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"), index=True)
    environment: Mapped[str | None]
    version: Mapped[str | None]
    commit: Mapped[str | None]
    at: Mapped[datetime]
    author: Mapped[str | None]
    link: Mapped[str | None]
