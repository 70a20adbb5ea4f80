# SPDX-License-Identifier: Apache-2.0
"""Rows of the store as the board reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class AppFact:
    """An application in a list."""

    id: str
    code: str
    name: str
    team_id: str | None
    domain: str | None
    kind: str | None
    criticality: int | None
    users: int | None
    business_owner: str | None
    tags: Sequence[str]
    is_retired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureFact:
    """A row of the cache of figures."""

    ref: str
    period: date
    indicator: str
    tier: str
    phase: str
    run_id: str
    value: float | None
    low: float | None
    high: float | None
    shares: Mapping[str, float]
    units: float | None
    source: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Which figures are asked for: of a level and indicator, under a method."""

    level: str
    indicator: str
    method: str
    factors_hash: str
    accounting: str
    granularity: str = "month"


@dataclass(frozen=True, slots=True)
class MoneyFact:
    """A sum of money of an application (None: of none), kept apart by currency."""

    application_id: str | None
    period: date
    currency: str
    amount: Decimal
    low: Decimal | None = None
    high: Decimal | None = None
