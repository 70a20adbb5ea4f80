# SPDX-License-Identifier: Apache-2.0
"""What is watched over and told: budgets, changes of a history, alerts, deliveries, and what was done on time."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Final, Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from lichen.store.models.base import Base, Sequential, new_id, utc_now

DeliveryKind = Literal["digest", "alert", "test"]
DeliveryStatus = Literal["pending", "sent", "failed", "dead"]
AlertState = Literal["firing", "resolved"]
MarkKind = Literal["browser", "runtime", "cluster", "factors", "method", "other"]
Per = Literal["visit", "month"]
RESTATED: Final = "restated"
"""Cause of a change that was found when a history was seen for the first time, or with another method or other factors: nobody is
told of it."""


class Delivery(Base):
    """A message for a channel. ``dedup_key`` makes it one message however often it is asked for.

    ``scope_id`` is a team's or an application's id, None: the organisation. ``body`` is what the notifier of the channel gets.
    ``failed`` will be tried again at ``next_attempt_at``, ``dead`` will not.
    """

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("channel", "dedup_key"),
        Index(None, "status", "next_attempt_at"),
        Index(None, "created_at"),
        CheckConstraint("kind IN ('digest', 'alert', 'test')", name="kind"),
        CheckConstraint("scope IN ('organisation', 'team', 'application')", name="scope"),
        CheckConstraint("status IN ('pending', 'sent', 'failed', 'dead')", name="status"),
        CheckConstraint("attempts >= 0", name="attempts"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    channel: Mapped[str]
    kind: Mapped[DeliveryKind] = mapped_column(String)
    dedup_key: Mapped[str]
    scope: Mapped[str]
    scope_id: Mapped[str | None]
    title: Mapped[str]
    body: Mapped[dict[str, Any]] = mapped_column(default=dict)
    created_at: Mapped[datetime] = mapped_column(default=utc_now)
    status: Mapped[DeliveryStatus] = mapped_column(String, default="pending")
    attempts: Mapped[int] = mapped_column(default=0)
    next_attempt_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    last_status: Mapped[str | None]
    last_error: Mapped[str | None]


class DeliveryAttempt(Base):
    """One try to deliver, and what came of it."""

    __tablename__ = "delivery_attempt"
    __table_args__ = ({"sqlite_autoincrement": True},)

    seq: Mapped[int] = mapped_column(Sequential, primary_key=True, autoincrement=True)
    delivery_id: Mapped[str] = mapped_column(ForeignKey("delivery.id", ondelete="CASCADE"), index=True)
    at: Mapped[datetime] = mapped_column(default=utc_now)
    status: Mapped[str]
    detail: Mapped[str | None]


class Alert(Base):
    """Something that somebody has to know. ``key`` names what is wrong: one alert a key is open at a time.

    ``application_id`` None is the organisation. ``value`` and ``limit_value`` are in the unit that ``detail`` names.
    """

    __tablename__ = "alert"
    __table_args__ = (
        Index(None, "state", "opened_at"),
        CheckConstraint("state IN ('firing', 'resolved')", name="state"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    rule: Mapped[str]
    application_id: Mapped[str | None] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"), index=True)
    journey_id: Mapped[str | None] = mapped_column(ForeignKey("journey.id", ondelete="CASCADE"))
    key: Mapped[str]
    state: Mapped[AlertState] = mapped_column(String, default="firing")
    opened_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    reminded_at: Mapped[datetime | None]
    resolved_at: Mapped[datetime | None]
    value: Mapped[float | None]
    limit_value: Mapped[float | None]
    detail: Mapped[dict[str, Any]] = mapped_column(default=dict)


_FIRING = text("state = 'firing'")
Index("uq_alert_open", Alert.key, unique=True, sqlite_where=_FIRING, postgresql_where=_FIRING)


class JobRun(Base):
    """A scheduled piece of work and the moment that it was due for. ``outcome`` is None while it goes on."""

    __tablename__ = "job_run"

    job: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    outcome: Mapped[str | None]
    detail: Mapped[str | None]


class Mark(Base):
    """A day on which what is measured with changed: a history is cut there. ``application_id`` None: for all of them."""

    __tablename__ = "mark"
    __table_args__ = (
        CheckConstraint("kind IN ('browser', 'runtime', 'cluster', 'factors', 'method', 'other')", name="kind"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    application_id: Mapped[str | None] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"))
    at: Mapped[datetime]
    kind: Mapped[MarkKind] = mapped_column(String)
    text: Mapped[str]
    source: Mapped[str]


# NULL equals no NULL in a unique index: all applications are written as an empty word there.
Index("uq_mark_slot", func.coalesce(Mark.application_id, ""), Mark.kind, Mark.at, Mark.text, unique=True)


class ChangeCandidate(Base):
    """A change that one evaluation of a history found: suspected until the next point says so too.

    ``series`` is ``application/journey/indicator`` by ids, ``evaluated_on`` the day of the newest point, ``at_day`` the first day
    of what is new, ``change`` relative (0.05 is 5 % more).
    """

    __tablename__ = "change_candidate"

    series: Mapped[str] = mapped_column(primary_key=True)
    evaluated_on: Mapped[date] = mapped_column(primary_key=True)
    at_day: Mapped[date] = mapped_column(primary_key=True)
    change: Mapped[float]
    p: Mapped[float]


class ChangePoint(Base):
    """A confirmed change of a history, with its range. ``change``, ``low`` and ``high`` are relative."""

    __tablename__ = "change_point"
    __table_args__ = (Index(None, "application_id", "at_day"),)

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    application_id: Mapped[str] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"))
    journey_id: Mapped[str | None] = mapped_column(ForeignKey("journey.id", ondelete="CASCADE"))
    indicator: Mapped[str]
    at_day: Mapped[date]
    change: Mapped[float]
    low: Mapped[float | None]
    high: Mapped[float | None]
    confirmed_on: Mapped[date]
    deployment_id: Mapped[str | None] = mapped_column(ForeignKey("deployment.id", ondelete="SET NULL"))
    cause: Mapped[str | None]


class Budget(Base):
    """A limit for production: of an indicator or a quantity, for one visit or a month. ``journey_id`` None: the application."""

    __tablename__ = "budget"
    __table_args__ = (
        CheckConstraint("per IN ('visit', 'month')", name="per"),
        CheckConstraint("limit_value >= 0", name="limit_value"),
        CheckConstraint("valid_to >= valid_from", name="valid_to"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    application_id: Mapped[str] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"), index=True)
    journey_id: Mapped[str | None] = mapped_column(ForeignKey("journey.id", ondelete="CASCADE"))
    indicator_or_quantity: Mapped[str]
    limit_value: Mapped[float]
    unit: Mapped[str]
    per: Mapped[Per] = mapped_column(String)
    reason: Mapped[str] = mapped_column(default="")
    valid_from: Mapped[date]
    valid_to: Mapped[date | None]
