# SPDX-License-Identifier: Apache-2.0
"""What pages and API show, as plain data. Pages use nothing else; each view is also the JSON twin of its page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from lichen.service.board.queries import PortfolioQuery
from lichen.service.board.rows import (
    ActionRow,
    Curve,
    DeploymentMark,
    ExplainStep,
    FactorRow,
    Facts,
    Frame,
    JourneyRow,
    MeasureNextRow,
    Measures,
    MethodRow,
    PartRow,
    PortfolioRow,
    PortfolioTotals,
    QualityRow,
    RunRow,
    TargetRow,
)
from lichen.service.board.run_rows import ComparedRow, RunJourney, StepRow
from lichen.service.board.shapes import (
    Effects,
    Facet,
    Figure,
    MethodName,
    Money,
    Named,
    Page,
    Period,
    Ranks,
    RollOut,
    Shares,
    TargetGap,
    Trend,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PortfolioView:
    """The portfolio: one row an application, 25 a page."""

    frame: Frame
    query: PortfolioQuery
    rows: tuple[PortfolioRow, ...]
    totals: PortfolioTotals
    facets: tuple[Facet, ...]
    page: Page
    roll_out: RollOut
    journeys_roll_out: RollOut


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplicationView:
    """One application.

    Attributes:
        indicators: every indicator's figure of the period.
        methods: ids of methods to switch to; the frame says which one is shown.
        curves: traffic, cost, the impact and the impact per visit by month.
        change: from the period before.
        not_covered: quantity and why, of the newest runs.
        mine: whether whoever looks may edit it.
    """

    frame: Frame
    application: Named
    team: Named | None
    facts: Facts
    indicator: str
    measures: Measures
    indicators: Mapping[str, Figure]
    tiers: tuple[PartRow, ...]
    parts: tuple[PartRow, ...]
    journeys: tuple[JourneyRow, ...]
    curves: tuple[Curve, ...]
    deployments: tuple[DeploymentMark, ...]
    change: Effects | None
    target: TargetGap | None
    ranks: Ranks
    runs: tuple[RunRow, ...]
    actions: tuple[ActionRow, ...]
    methods: tuple[str, ...]
    not_covered: tuple[tuple[str, str], ...]
    public_key: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyView:
    """One journey: its steps in the newest run, and its history."""

    frame: Frame
    application: Named
    journey: Named
    indicator: str
    expected_saving: float | None
    visits: float | None
    per_visit: Figure
    impact: Figure
    steps: tuple[StepRow, ...]
    curve: Curve
    deployments: tuple[DeploymentMark, ...]
    runs: tuple[RunRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """One run. host, settings: as the run file tells them; evidence: address of the file itself."""

    frame: Frame
    run: RunRow
    host: Mapping[str, Any]
    journeys: tuple[RunJourney, ...]
    methods: tuple[str, ...]
    evidence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareView:
    """Two runs, or two periods of one application, side by side.

    Attributes:
        kind: ``runs`` or ``periods``.
        measured_at: when each of the two runs was measured; empty for periods.
        effects: for periods, what the change is made of.
        caution: codes of what makes the comparison unfair: ``other_machine``, ``other_browser``, ``other_journey``.
    """

    frame: Frame
    kind: str
    application: Named
    left: str
    right: str
    measured_at: tuple[datetime, ...]
    rows: tuple[ComparedRow, ...]
    effects: Effects | None
    caution: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetsView:
    """The organisation's target first, then teams and applications, those farthest above their path first."""

    frame: Frame
    indicator: str
    organisation: TargetRow | None
    teams: tuple[TargetRow, ...]
    applications: tuple[TargetRow, ...]
    page: Page


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamView:
    """A team: its sums, its applications, its actions."""

    frame: Frame
    team: Named
    cost_centre: str
    contact: str
    slack_channel: str
    measures: Measures
    trend: Trend
    target: TargetGap | None
    rows: tuple[PortfolioRow, ...]
    roll_out: RollOut
    change: Effects | None
    actions: tuple[ActionRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityView:
    """Data quality, the worst first. shares: of the organisation's figure. counts: problem -> applications that have it."""

    frame: Frame
    shares: Shares
    roll_out: RollOut
    counts: Mapping[str, int]
    rows: tuple[QualityRow, ...]
    page: Page


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureNextView:
    """What to measure next, and how far the roll-out is."""

    frame: Frame
    roll_out: RollOut
    journeys_roll_out: RollOut
    rows: tuple[MeasureNextRow, ...]
    page: Page


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainView:
    """A figure opened: what it adds up, formulas, factors and their share of the range, runs and traffic it rests on."""

    frame: Frame
    level: str
    named: Named
    indicator: str
    figure: Figure
    sources: Mapping[str, str]
    steps: tuple[ExplainStep, ...]
    factors: tuple[FactorRow, ...]
    runs: tuple[RunRow, ...]
    visits: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorsMethodsView:
    """Methods, and the factors that match a search."""

    frame: Frame
    methods: tuple[MethodRow, ...]
    factors: tuple[FactorRow, ...]
    search: str
    page: Page


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionsView:
    """The register of actions: every team's, so that others find what worked."""

    frame: Frame
    rows: tuple[ActionRow, ...]
    search: str
    status: tuple[str, ...]
    page: Page


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicView:
    """What a public link shows of an application: plain words for business people, no names, no cost.

    Attributes:
        equals: kind of equivalence -> amount, e.g. ``car_km``.
    """

    organisation: str
    sample: bool
    application: str
    period: Period
    visits: float | None
    impact: Figure
    per_visit: Figure
    change: float | None
    trend: Trend
    target: TargetGap | None
    heaviest_step: str
    actions: tuple[tuple[str, date | None], ...]
    equals: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class BusinessView:
    """An application's page for business people: the public one, with what it costs and brings."""

    public: PublicView
    frame: Frame
    application: Named
    cost: Money
    value: Money
    roi: Figure
    business_owner: str
    internal_price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriesView:
    """A curve as the API gives it."""

    level: str
    ref: str
    indicator: str
    granularity: str
    curve: Curve
    method: MethodName
