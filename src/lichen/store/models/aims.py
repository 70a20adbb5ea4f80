# SPDX-License-Identifier: Apache-2.0
"""What the organisation wants: weights, targets, and the actions taken."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from lichen.store.models.base import Base, new_id

Scope = Literal["organisation", "team", "application"]
Status = Literal["planned", "doing", "done", "dropped"]


class Weight(Base):
    """How much an application counts in rankings from a day on. Totals never see it."""

    __tablename__ = "weight"
    __table_args__ = (Index(None, "application_id", "valid_from"), CheckConstraint("weight >= 0", name="weight"))

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    application_id: Mapped[str] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"))
    weight: Mapped[float]
    reason: Mapped[str] = mapped_column(default="")
    valid_from: Mapped[date]


class Target(Base):
    """A reduction aimed at. ``reduction`` is the share saved at ``horizon_year`` against ``base_year``, 0 to 1.

    ``scope_id`` is a team's or an application's id, None for the organisation. ``base_value`` is in the indicator's unit a year,
    None while it is to be computed. ``path`` is ``{"kind": "linear"}`` or ``{"kind": "points", "points": {"2027": 0.12}}`` with
    the share saved by each year.
    """

    __tablename__ = "target"
    __table_args__ = (
        CheckConstraint("scope IN ('organisation', 'team', 'application')", name="scope"),
        CheckConstraint("(scope = 'organisation') = (scope_id IS NULL)", name="scope_id"),
        CheckConstraint("reduction BETWEEN 0 AND 1", name="reduction"),
        CheckConstraint("horizon_year > base_year", name="horizon_year"),
        CheckConstraint("base_value >= 0", name="base_value"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    scope: Mapped[Scope] = mapped_column(String)
    scope_id: Mapped[str | None] = mapped_column(index=True)
    indicator: Mapped[str]
    base_year: Mapped[int]
    base_value: Mapped[float | None]
    horizon_year: Mapped[int]
    reduction: Mapped[float]
    path: Mapped[dict[str, Any]] = mapped_column(default=lambda: {"kind": "linear"})
    valid_from: Mapped[date]


class Action(Base):
    """Something done about a footprint. ``before_value`` and ``after_value`` are in the indicator's unit."""

    __tablename__ = "action"
    __table_args__ = (
        CheckConstraint("status IN ('planned', 'doing', 'done', 'dropped')", name="status"),
        CheckConstraint("expected_saving BETWEEN 0 AND 1", name="expected_saving"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    application_id: Mapped[str] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"), index=True)
    title: Mapped[str]
    description: Mapped[str | None]
    owner: Mapped[str | None]
    status: Mapped[Status] = mapped_column(String, default="planned")
    started_on: Mapped[date | None]
    done_on: Mapped[date | None]
    indicator: Mapped[str | None]
    before_value: Mapped[float | None]
    after_value: Mapped[float | None]
    expected_saving: Mapped[float | None]
    tags: Mapped[list[str]] = mapped_column(default=list)
