# SPDX-License-Identifier: Apache-2.0
"""What the views of the board are made of: figures with their range, money, series, gaps, links."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

Shares = Mapping[str, float]
"""Share of a figure by how its data were obtained (`lichen.records.DATA_METHODS`); sums to 1, empty when the figure is zero
or unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A quantity with its range. Unknown is None, never 0.

    Attributes:
        value: in ``unit``; None when unknown.
        low, high: 5 % and 95 % bounds, None when the value is unknown or nobody stated a range.
        unit: canonical, e.g. ``gCO2e``, ``gCO2e/visit``, ``1``.
        shares: the quality bar.
        covered: share of the visits that the figure stands for; below 1 where a journey has traffic and no run. None where there
            is no traffic to speak of.
        why: address of its derivation, relative to the server; empty for a figure that is stated and not derived.
        missing: why it is unknown: a code of `Missing`; empty when it is known.
    """

    value: float | None
    unit: str
    low: float | None = None
    high: float | None = None
    shares: Shares = field(default_factory=dict)
    covered: float | None = None
    why: str = ""
    missing: str = ""


class Missing(enum.StrEnum):
    """Why a figure is unknown; pages have a sentence for each."""

    NO_RUN = "no_run"
    NO_TRAFFIC = "no_traffic"
    NO_COST = "no_cost"
    NO_VALUE = "no_value"
    CURRENCIES = "currencies"
    COST_NOT_POSITIVE = "cost_not_positive"
    NOT_COVERED = "not_covered"
    SEVERAL_JOURNEYS = "several_journeys"
    SOURCE_SILENT = "source_silent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Money:
    """An amount; None when unknown, with its bounds where its owner stated them."""

    amount: Decimal | None
    currency: str
    low: Decimal | None = None
    high: Decimal | None = None
    missing: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A span of whole months.

    Attributes:
        start: first day; end: the day after the last.
        name: as in addresses: ``2026-10`` or ``2026``.
    """

    start: date
    end: date
    name: str

    @property
    def is_month(self) -> bool:
        """Whether it is one month, rather than a year."""
        return "-" in self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One place on a curve: a period or moment, and its figure."""

    at: date
    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trend:
    """A short curve, the oldest point first.

    Attributes:
        points: 4 to 13 periods.
        change: of the newest known point against the one before it, e.g. -0.12; None when either is unknown.
    """

    points: tuple[Point, ...]
    unit: str
    change: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A thing that has a page of its own: its code, which addresses are made of, and its name."""

    code: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetGap:
    """Where a figure stands against the path of its target.

    Attributes:
        scope: ``organisation``, ``team`` or ``application``: whose target it is; a part of its scope's target when
            ``inherited``.
        base_year, horizon_year, reduction: -30 % until 2030 is 2030 and 0.3.
        base, planned, actual: what the year had that the path starts from, what the path allows now, and what is; of the same
            span of months.
        gap: actual / planned - 1; above 0 is too much. None when one of them is unknown.
    """

    scope: str
    inherited: bool
    indicator: str
    base_year: int
    horizon_year: int
    reduction: float
    base: float | None
    planned: float | None
    actual: float | None
    unit: str
    gap: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ranks:
    """Places in the list of all applications that are seen, by the figure alone and by figure x weight.

    Attributes:
        weight: of the application; 1 unless somebody gave it another. Never part of a total.
        rank, weighted_rank: 1 is the largest; None where the figure is unknown.
    """

    weight: float
    weight_reason: str
    rank: int | None
    weighted_rank: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FacetValue:
    """A value to filter by, and how many applications have it."""

    value: str
    label: str
    count: int
    selected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Facet:
    """A filter: ``team``, ``domain``, ``criticality`` or ``measured``."""

    name: str
    values: tuple[FacetValue, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which rows of how many."""

    number: int
    size: int
    rows: int

    @property
    def pages(self) -> int:
        """How many pages there are; 1 for an empty list."""
        return max(1, -(-self.rows // self.size))


@dataclass(frozen=True, slots=True, kw_only=True)
class RollOut:
    """How many applications, or journeys, have been measured, of how many."""

    measured: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """Change between two periods, in ``unit``; before + volume + intensity + factors = after.

    Attributes:
        volume: more or fewer visits; intensity: more or less per visit; factors: other factors or another method.
        rebound: intensity falls while the total rises.
    """

    before: float | None
    volume: float | None
    intensity: float | None
    factors: float | None
    after: float | None
    unit: str
    rebound: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """What a source that does not count says of a tier. difference: relative to the one that counts."""

    source: str
    figure: Figure
    difference: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredChange:
    """What the runs before and after an action say, all under the same factors.

    Attributes:
        before, after: mean figure of one functional unit; None without a run.
        change, low, high: relative, with its 95 % interval of repeatability; None with too few runs.
        evidence: ``better``, ``worse``, ``no_evidence`` (the interval holds 0) or ``too_few_runs``.
    """

    journey: Named
    before: float | None
    after: float | None
    unit: str
    change: float | None
    low: float | None
    high: float | None
    evidence: str
    runs_before: int
    runs_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodName:
    """The method of the figures of a page, and the hash of its factors."""

    method_id: str
    version: str
    title: Mapping[str, str]
    factors_hash: str


_PLAIN: Final = (str, bool, int, float, type(None))


def to_json(value: Any) -> Any:
    """A view as JSON has it: the same names, dates in ISO 8601, amounts of money as decimal text."""
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: to_json(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_json(one) for key, one in value.items()}
    return [to_json(one) for one in value]
