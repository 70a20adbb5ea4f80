# SPDX-License-Identifier: Apache-2.0
"""What was measured: the journal that runs land in, the runs, the cache of their figures, and who may move them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from lichen.store.models.base import Base, Sequential, utc_now

LandingState = Literal["pending", "landed"]
Level = Literal["organisation", "team", "application", "journey"]
Granularity = Literal["month", "day", "run"]
Basis = Literal["per_unit", "total"]


class IngestJournal(Base):
    """A run that was acknowledged. ``key`` is the sender's idempotency key, ``body`` the gzipped run file."""

    __tablename__ = "ingest_journal"
    __table_args__ = (
        Index(None, "state", "seq"),
        CheckConstraint("state IN ('pending', 'landed')", name="state"),
        {"sqlite_autoincrement": True},
    )

    seq: Mapped[int] = mapped_column(Sequential, primary_key=True, autoincrement=True)
    key: Mapped[str] = mapped_column(unique=True)
    body_sha256: Mapped[str]
    run_id: Mapped[str] = mapped_column(index=True)
    application_code: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(default=utc_now)
    token_id: Mapped[str | None]
    body: Mapped[bytes] = mapped_column(LargeBinary)
    state: Mapped[LandingState] = mapped_column(String, default="pending")
    landed_at: Mapped[datetime | None]


class Run(Base):
    """A run of the ledger. ``evidence`` is the SHA-256 of its file, None until it has landed."""

    __tablename__ = "run"
    __table_args__ = (Index(None, "application_id", "measured_at"),)

    run_id: Mapped[str] = mapped_column(primary_key=True)
    application_id: Mapped[str] = mapped_column(ForeignKey("application.id"))
    journeys: Mapped[list[str]] = mapped_column(default=list)
    measured_at: Mapped[datetime]
    received_at: Mapped[datetime] = mapped_column(default=utc_now)
    samples: Mapped[int]
    host: Mapped[str | None]
    browser: Mapped[str | None]
    lichen_version: Mapped[str | None]
    evidence: Mapped[str | None]


class Figure(Base):
    """A figure of the board: a cache that may be thrown away, keyed by the method and the hash of its factors.

    Attributes:
        ref: id of the team, application or journey; empty for the organisation.
        period: first day of the month, or the day. run_id: the run of a ``run`` figure, else empty.
        units: how many functional units (visits) the figure stands for; None for a total without traffic.
        measured, metered, allocated, modelled, proxy: shares of the value by how it was obtained, 0 to 1.
    """

    __tablename__ = "figure"
    __table_args__ = (
        # Totals of a month lie side by side in it, with all that sorting and summing them asks for.
        Index("ix_figure_by_period", "level", "granularity", "indicator", "period", "tier", "phase", "value", "units"),
        CheckConstraint("level IN ('organisation', 'team', 'application', 'journey')", name="level"),
        CheckConstraint("granularity IN ('month', 'day', 'run')", name="granularity"),
        CheckConstraint("basis IN ('per_unit', 'total')", name="basis"),
        {"sqlite_with_rowid": False},
    )

    # The key starts with what a page asks for, so that its rows lie side by side.
    level: Mapped[Level] = mapped_column(String, primary_key=True)
    ref: Mapped[str] = mapped_column(primary_key=True, default="")
    granularity: Mapped[Granularity] = mapped_column(String, primary_key=True)
    indicator: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[date] = mapped_column(primary_key=True)
    run_id: Mapped[str] = mapped_column(primary_key=True, default="")
    tier: Mapped[str] = mapped_column(primary_key=True, default="")
    phase: Mapped[str] = mapped_column(primary_key=True, default="")
    accounting: Mapped[str] = mapped_column(primary_key=True, default="")
    basis: Mapped[Basis] = mapped_column(String, primary_key=True)
    method: Mapped[str] = mapped_column(primary_key=True)
    factors_hash: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    measured: Mapped[float | None]
    metered: Mapped[float | None]
    allocated: Mapped[float | None]
    modelled: Mapped[float | None]
    proxy: Mapped[float | None]
    source: Mapped[str | None]
    units: Mapped[float | None]


class Lease(Base):
    """The right to do something alone, until a moment."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    until: Mapped[datetime]
