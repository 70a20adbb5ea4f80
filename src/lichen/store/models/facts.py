# SPDX-License-Identifier: Apache-2.0
"""Facts that are declared or imported: visits, money spent, value earned, equipment owned."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, func
from sqlalchemy.orm import Mapped, mapped_column

from lichen.store.models.base import Base, new_id


class Traffic(Base):
    """Visits and page views of a day; ``journey_id`` None is the whole application. One row a source."""

    __tablename__ = "traffic"
    __table_args__ = (
        CheckConstraint("visits >= 0", name="visits"),
        CheckConstraint("page_views >= 0", name="page_views"),
        CheckConstraint("users >= 0", name="users"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    application_id: Mapped[str] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"))
    journey_id: Mapped[str | None] = mapped_column(ForeignKey("journey.id", ondelete="CASCADE"))
    day: Mapped[date]
    visits: Mapped[float | None]
    page_views: Mapped[float | None]
    users: Mapped[float | None]
    source: Mapped[str]


# NULL equals no NULL in a unique index: the whole application is written as an empty word there.
Index(
    "uq_traffic_slot",
    Traffic.application_id,
    func.coalesce(Traffic.journey_id, ""),
    Traffic.day,
    Traffic.source,
    unique=True,
)


class Cost(Base):
    """Money spent in a month. ``period`` is its first day; ``application_id`` None is cost that nobody owns yet."""

    __tablename__ = "cost"
    __table_args__ = (
        Index(None, "application_id", "period"),
        Index("ix_cost_period", "period", "application_id", "currency", "amount"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    application_id: Mapped[str | None] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"))
    period: Mapped[date]
    amount: Mapped[Decimal]
    currency: Mapped[str]
    kind: Mapped[str]
    source: Mapped[str]


class Value(Base):
    """Value earned in a month, with its range and how sure its owner is (``confidence``, 0 to 1)."""

    __tablename__ = "value"
    __table_args__ = (
        Index(None, "application_id", "period"),
        Index(None, "period"),
        CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    application_id: Mapped[str] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"))
    period: Mapped[date]
    amount: Mapped[Decimal]
    low: Mapped[Decimal | None]
    high: Mapped[Decimal | None]
    currency: Mapped[str]
    kind: Mapped[str]
    owner: Mapped[str | None]
    confidence: Mapped[float | None]
    source: Mapped[str]


class Equipment(Base):
    """Machines that are owned. ``power_w`` is the measured or stated power of one, in watts; ``memory_gb`` its memory, in the
    gigabytes of its modules (2^30 bytes)."""

    __tablename__ = "equipment"
    __table_args__ = (
        CheckConstraint("count >= 0", name="count"),
        CheckConstraint("power_w >= 0", name="power_w"),
        CheckConstraint("memory_gb >= 0", name="memory_gb"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    application_id: Mapped[str | None] = mapped_column(ForeignKey("application.id", ondelete="SET NULL"), index=True)
    environment: Mapped[str | None]
    kind: Mapped[str]
    model: Mapped[str | None]
    count: Mapped[float] = mapped_column(default=1)
    power_w: Mapped[float | None]
    cpu: Mapped[str | None]
    memory_gb: Mapped[float | None]
    bought_on: Mapped[date | None]
    written_off_on: Mapped[date | None]
    region: Mapped[str | None]
    source: Mapped[str]
