# SPDX-License-Identifier: Apache-2.0
"""What every table shares: names of constraints, and columns that mean the same on SQLite and on PostgreSQL."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Final

from sqlalchemy import JSON, BigInteger, DateTime, Dialect, Float, Integer, MetaData, Numeric, String
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase
from sqlalchemy.types import TypeDecorator, TypeEngine

NAMES: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""A migration can only drop what has a name that does not depend on the engine."""

MONEY_DECIMALS: Final = 6
MONEY_LIMIT: Final = Decimal(10) ** 12
"""Amounts stay below a million million, so that a sum of nine million of them still fits SQLite's integers."""


def new_id() -> str:
    """A random identifier of 128 bits, as 32 hexadecimal digits."""
    return secrets.token_hex(16)


def utc_now() -> datetime:
    """The present in UTC."""
    return datetime.now(UTC)


class UtcTime(TypeDecorator[datetime]):
    """A moment: aware in Python, UTC in the database. A naive one is refused."""

    impl = DateTime
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """With a time zone where the engine has one."""
        return dialect.type_descriptor(DateTime(timezone=dialect.name != "sqlite"))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment in UTC, without the zone where the engine keeps none."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no time zone")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """The moment, aware and in UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class Money(TypeDecorator[Decimal]):
    """An exact amount with six decimals: NUMERIC(20,6), or whole millionths on SQLite, which knows no decimal numbers.

    Both engines sum such a column exactly.
    """

    impl = Numeric(20, MONEY_DECIMALS)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """Integers on SQLite."""
        return dialect.type_descriptor(BigInteger() if dialect.name == "sqlite" else Numeric(20, MONEY_DECIMALS))

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> Decimal | int | None:
        """The amount, rounded half to even at the sixth decimal; ValueError when it is not finite or too large."""
        if value is None:
            return None
        if not value.is_finite() or abs(value) >= MONEY_LIMIT:
            raise ValueError(f"{value} is no amount below {MONEY_LIMIT:.0e}")
        exact = value.quantize(Decimal(1).scaleb(-MONEY_DECIMALS), rounding=ROUND_HALF_EVEN)
        return int(exact.scaleb(MONEY_DECIMALS)) if dialect.name == "sqlite" else exact

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """The amount as a Decimal."""
        if value is None:
            return None
        return Decimal(value).scaleb(-MONEY_DECIMALS) if dialect.name == "sqlite" else Decimal(value)


JsonColumn = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""A JSON document; None is SQL's NULL."""

Sequential = BigInteger().with_variant(Integer(), "sqlite")
"""A number that the engine counts up."""


class Base(DeclarativeBase):
    """Root of all tables."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map = {  # noqa: RUF012 - SQLAlchemy reads it from the class
        datetime: UtcTime,
        Decimal: Money,
        float: Float(53),
        str: String,
        dict[str, Any]: JsonColumn,
        list[Any]: JsonColumn,
        list[str]: JsonColumn,
    }
