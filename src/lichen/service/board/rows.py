# SPDX-License-Identifier: Apache-2.0
"""Rows of the views: an application in a list, a run, a target, a factor. Those within a run are `run_rows`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from lichen.service.board.shapes import (
    Figure,
    MeasuredChange,
    MethodName,
    Money,
    Named,
    Period,
    Point,
    Ranks,
    Shares,
    SourceRow,
    TargetGap,
    Trend,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around every view.

    Attributes:
        organisation: its name.
        sample: whether the figures are those of the made-up sample portfolio; pages say so at the top.
        period, periods: what is shown, and the names that may be chosen instead, the newest first.
        method: whose figures these are.
        currency: of money on the page.
        is_over: whether the last day of the period is past; figures of one that is not are those so far.
    """

    organisation: str
    sample: bool
    period: Period
    periods: tuple[str, ...]
    method: MethodName
    currency: str
    is_over: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """Figures of an application, team or the organisation over a period.

    Attributes:
        visits: None when unknown. cost, value: as imported or declared.
        impact: of the indicator that was asked for (gwp100), both phases, all tiers.
        per_visit, per_euro: impact by visit, and by unit of cost. cost_per_visit: in ``currency``.
        roi: (value - cost) / cost; unknown when value or cost is.
        internal_carbon_cost: impact x the organisation's internal price; a column of its own, in no sum of money. None when no
            price is set.
    """

    visits: float | None
    cost: Money
    value: Money
    impact: Figure
    per_visit: Figure
    per_euro: Figure
    roi: Figure
    cost_per_visit: Figure
    internal_carbon_cost: Money | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioRow:
    """An application in the portfolio."""

    application: Named
    team: Named | None
    domain: str
    criticality: int | None
    measures: Measures
    trend: Trend
    target: TargetGap | None
    ranks: Ranks
    last_run: date | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioTotals:
    """Sums over the rows that the filters leave, on every page the same.

    Attributes:
        measures: with the part that no application has; of the shown applications only where somebody sees some.
        unallocated_cost: cost that no application was given; part of the sum. None where it is not shown.
        applications: how many.
        estimated: share of the impact that is modelled or proxy; None when unknown.
    """

    measures: Measures
    unallocated_cost: Money | None
    applications: int
    trend: Trend
    target: TargetGap | None
    estimated: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What an application is, as somebody declared it; None and empty where nobody did."""

    domain: str
    kind: str
    lifecycle: str
    business_owner: str
    technical_owner: str
    criticality: int | None
    complexity: int | None
    maturity: str
    users: int | None
    person_days_per_year: float | None
    tags: tuple[str, ...]
    repository: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRow:
    """A share of an application's figure: a part, a tier or a journey.

    Attributes:
        share: of the application's figure, 0 to 1.
        source: ``meter``, ``bill`` or ``journeys``: what counts for it.
        reason: why it counts (`lichen.portfolio.sources.Reason`), where there are several sources, or a declared one is silent.
        counted: what it says of the phases that the others tell of, too: meters know nothing of the making of machines.
        others: the sources that do not count.
    """

    code: str
    name: str
    figure: Figure
    share: float | None
    source: str = ""
    reason: str = ""
    counted: Figure | None = None
    others: tuple[SourceRow, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyRow:
    """A journey of an application. impact: of the period; per_visit: of the run it rests on; share: of what journeys tell."""

    journey: Named
    visits: float | None
    per_visit: Figure
    impact: Figure
    share: float | None
    last_run: date | None
    run_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentMark:
    """A deployment, to stand on a curve."""

    at: datetime
    version: str
    commit: str
    author: str
    link: str
    environment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionRow:
    """Something that was done, or will be, to make an application lighter.

    Attributes:
        before, after: as its owner told them, in ``unit``.
        measured: what the runs say; None while it is not done, or nothing was measured.
    """

    action_id: str
    application: Named
    title: str
    description: str
    owner: str
    status: str
    started_on: date | None
    done_on: date | None
    indicator: str
    before: float | None
    after: float | None
    unit: str
    expected_saving: float | None
    tags: tuple[str, ...]
    measured: MeasuredChange | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A series with its name, for a chart and the table beside it."""

    name: str
    unit: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigure:
    """A journey of a run, and the figure of one functional unit of it."""

    journey: Named
    per_visit: Figure


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRow:
    """A run in a list.

    Attributes:
        figures: of one functional unit of each journey.
        per_visit: the same where there is one journey; several have none in common.
        landed: whether the ledger has it.
    """

    run_id: str
    application: Named
    journeys: tuple[str, ...]
    measured_at: datetime
    received_at: datetime
    samples: int
    host: str
    browser: str
    lichen_version: str
    figures: tuple[RunFigure, ...]
    per_visit: Figure
    landed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetRow:
    """A target or a part of one. curve_*: by year, what the path allows and what was."""

    scope: str
    named: Named
    gap: TargetGap
    planned: Curve
    actual: Curve


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityRow:
    """How far an application's data can be trusted.

    Attributes:
        figure: that of the period, with its range.
        problems: codes, e.g. ``no_run``, ``stale_run``, ``no_traffic``, ``no_cost``, ``no_owner``, ``proxy``.
    """

    application: Named
    team: Named | None
    figure: Figure
    shares: Shares
    spread: float | None
    last_run: date | None
    last_traffic: date | None
    last_cost: date | None
    not_covered: int
    problems: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureNextRow:
    """Something worth measuring next.

    Attributes:
        score: traffic x footprint x expected saving x weight [gCO2e a year]; saving: the same without the weight.
        footprint_is: ``measured``, or the median of what: ``median_of_application``, ``median_of_kind``, ``median_of_all``.
        reason: code: ``never_measured``, ``stale``, ``large``.
    """

    rank: int
    application: Named
    journey: Named | None
    team: Named | None
    visits_a_year: float | None
    per_visit: Figure
    footprint_is: str
    expected_saving: float
    weight: float
    saving: float | None
    saving_low: float | None
    saving_high: float | None
    score: float | None
    last_run: date | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainStep:
    """A term of a figure: factor x quantity, or a sum. why: address of its own derivation; empty at the end."""

    label: str
    figure: Figure
    formula: str
    arguments: Mapping[str, str]
    source: str = ""
    run_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorRow:
    """A factor that a figure uses. share: of the figure's spread that it explains by itself, None where it was not asked."""

    factor_id: str
    geography: str
    valid_from: date
    value: float
    low: float
    high: float
    unit: str
    source: str
    source_title: str
    licence: str
    assumed: bool
    share: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodRow:
    """A method that figures can be computed by."""

    method_id: str
    version: str
    title: Mapping[str, str]
    indicators: tuple[str, ...]
    sources: tuple[str, ...]
    licence: str
    chosen: bool
