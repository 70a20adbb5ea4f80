# SPDX-License-Identifier: Apache-2.0
"""Who: the organisation, its teams, its users, and who may do what in which team."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Literal

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from lichen.store.models.base import Base, new_id, utc_now

Role = Literal["viewer", "editor", "admin"]


class Organisation(Base):
    """The organisation that the store belongs to: one row.

    ``internal_carbon_price`` is in ``currency`` a tonne of CO2 equivalent; None when the organisation has none.
    """

    __tablename__ = "organisation"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(default="")
    currency: Mapped[str] = mapped_column(default="EUR")
    lang: Mapped[str] = mapped_column(default="en")
    internal_carbon_price: Mapped[Decimal | None]
    base_year: Mapped[int | None]


class Team(Base):
    """A team and where it is billed and reached."""

    __tablename__ = "team"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    cost_centre: Mapped[str | None]
    slack_channel: Mapped[str | None]
    contact: Mapped[str | None]


class User(Base):
    """A person who signs in, by password or by an identity provider."""

    __tablename__ = "user"

    id: Mapped[str] = mapped_column(primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(default="")
    password_hash: Mapped[str | None]
    oidc_subject: Mapped[str | None] = mapped_column(unique=True)
    is_admin: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    lang: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(default=utc_now)


class Membership(Base):
    """What a user may do in a team."""

    __tablename__ = "membership"
    __table_args__ = (CheckConstraint("role IN ('viewer', 'editor', 'admin')", name="role"),)

    user_id: Mapped[str] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), primary_key=True)
    team_id: Mapped[str] = mapped_column(ForeignKey("team.id", ondelete="CASCADE"), primary_key=True, index=True)
    role: Mapped[Role] = mapped_column(String)
