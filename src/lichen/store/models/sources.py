# SPDX-License-Identifier: Apache-2.0
"""Which source counts for a tier of an application, and what the cache holds beside the figures that count."""

from __future__ import annotations

from datetime import date
from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from lichen.store.models.base import Base, new_id

ClaimSource = Literal["meter", "bill", "journeys"]
Tier = Literal["device", "network", "server"]

_SOURCES = "source IN ('meter', 'bill', 'journeys')"


class TierSource(Base):
    """The one source that counts for a tier of an application from a day on; the others serve reconciliation."""

    __tablename__ = "tier_source"
    __table_args__ = (
        UniqueConstraint("application_id", "tier", "valid_from"),
        CheckConstraint(_SOURCES, name="source"),
        CheckConstraint("tier IN ('device', 'network', 'server')", name="tier"),
    )

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    application_id: Mapped[str] = mapped_column(ForeignKey("application.id", ondelete="CASCADE"))
    tier: Mapped[Tier] = mapped_column(String)
    source: Mapped[ClaimSource] = mapped_column(String)
    reason: Mapped[str] = mapped_column(default="")
    valid_from: Mapped[date]


class SourceClaim(Base):
    """What one source says about a tier in a month, where there are several: a cache, as `Figure` is.

    Attributes:
        value, low, high: in the indicator's unit; None when the source is silent.
        counts: whether it is part of the month's total. reason: why this source was chosen for the tier, or why not.
    """

    __tablename__ = "source_claim"
    __table_args__ = (CheckConstraint(_SOURCES, name="source"), {"sqlite_with_rowid": False})

    application_id: Mapped[str] = mapped_column(primary_key=True)
    indicator: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[date] = mapped_column(primary_key=True)
    tier: Mapped[str] = mapped_column(primary_key=True)
    source: Mapped[ClaimSource] = mapped_column(String, primary_key=True)
    accounting: Mapped[str] = mapped_column(primary_key=True)
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
    counts: Mapped[bool]
    reason: Mapped[str]


class LaterFactors(Base):
    """A month's total with the factors of a later month, where they differ from its own: a cache, as `Figure` is.

    What a comparison of the two months needs to tell the effect of factors from that of the application.
    """

    __tablename__ = "later_factors"
    __table_args__ = (
        CheckConstraint("level IN ('application', 'journey')", name="level"),
        {"sqlite_with_rowid": False},
    )

    level: Mapped[str] = mapped_column(primary_key=True)
    ref: Mapped[str] = mapped_column(primary_key=True)
    indicator: Mapped[str] = mapped_column(primary_key=True)
    period: Mapped[date] = mapped_column(primary_key=True)
    factors_of: Mapped[date] = mapped_column(primary_key=True)
    accounting: Mapped[str] = mapped_column(primary_key=True)
    method: Mapped[str] = mapped_column(primary_key=True)
    factors_hash: Mapped[str] = mapped_column(primary_key=True)
    value: Mapped[float | None]
