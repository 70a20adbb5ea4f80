# SPDX-License-Identifier: Apache-2.0
"""One look at the board: who looks, at which period, and how rows of the store become figures."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlencode

from lichen.portfolio import estimate
from lichen.portfolio.carbon_price import carbon_cost
from lichen.portfolio.estimate import Estimate
from lichen.portfolio.money import Money as Exact
from lichen.portfolio.money import add
from lichen.portfolio.ratios import ratios
from lichen.portfolio.roi import MoneyRange, roi
from lichen.service.board import periods
from lichen.service.board.cells import SILENT, VISITS
from lichen.service.board.figures import stamp_of
from lichen.service.board.queries import Visibility
from lichen.service.board.rows import Frame, Measures
from lichen.service.board.shapes import Figure, MethodName, Missing, Money, Named, Period, Point, Trend
from lichen.service.context import ServiceContext
from lichen.store import Session
from lichen.store.models import Team
from lichen.store.queries import board as queries
from lichen.store.queries import sample
from lichen.store.queries.board import AppFact, FigureFact, Kind, MoneyFact

HEADLINE: Final = "gwp100"


class Look:
    """What a view is built from: a session that reads one state of the store, and who looks.

    Args:
        period: name of a month or a year; None: the newest month that is over.
        indicator: additive, of the nomenclature.
        method: id of the method to look through; None: that of the settings.

    Raises:
        UsageError: a period, indicator or method that does not exist.
    """

    def __init__(
        self,
        context: ServiceContext,
        session: Session,
        seen: Visibility,
        period: str | None = None,
        indicator: str = HEADLINE,
        method: str | None = None,
    ) -> None:
        self.context = context
        self.session = session
        self.seen = seen
        self.indicator = indicator
        self.unit = context.workspace.nomenclature.indicator(indicator).unit
        self.method = context.workspace.method(method or context.settings.method.use)
        self.stamp = stamp_of(context, self.method)
        self.months = queries.months(session, self.kind("organisation"))
        self.today = context.clock().date()
        self.period = periods.default(self.months, self.today) if period is None else periods.read(period)

    @property
    def is_default(self) -> bool:
        """Whether the method is that of the settings, whose figures are kept up to date."""
        return self.method.method_id == self.context.settings.method.use

    def kind(self, level: str, indicator: str | None = None, granularity: str = "month") -> Kind:
        """Which figures of a level are shown."""
        asked = self.indicator if indicator is None else indicator
        if asked == VISITS:
            return Kind(
                level=level, indicator=VISITS, method="", factors_hash="", accounting="", granularity=granularity
            )
        return Kind(
            level=level, indicator=asked, method=self.stamp.method, factors_hash=self.stamp.factors_hash,
            accounting=self.method.accounting, granularity=granularity,
        )  # fmt: skip

    @cached_property
    def organisation(self) -> Any:
        """The organisation's row; None before anybody named it."""
        return queries.organisation(self.session)

    @cached_property
    def sample(self) -> frozenset[str]:
        """Codes of the applications that are made up; empty without the sample portfolio."""
        mark = queries.setting(self.session, sample.MARK)
        return frozenset(mark["codes"]) if mark else frozenset()

    @property
    def currency(self) -> str:
        """Of money on the page."""
        return str(self.organisation.currency) if self.organisation else "EUR"

    @cached_property
    def teams(self) -> Mapping[str, Team]:
        """Every team by id."""
        return queries.teams(self.session)

    @cached_property
    def applications(self) -> Sequence[AppFact]:
        """Applications that are seen, by name."""
        return [one for one in queries.applications(self.session) if self.seen.sees(one.team_id, one.id)]

    @cached_property
    def listed(self) -> Sequence[AppFact]:
        """The same for lists: of retired ones those that the period still counts, so that lines sum to totals."""
        retired = [one.id for one in self.applications if one.is_retired]
        if not retired:
            return self.applications
        counted = queries.counted(self.session, retired, *self.span)
        return [one for one in self.applications if not one.is_retired or one.id in counted]

    @cached_property
    def living(self) -> Sequence[AppFact]:
        """Those that are not retired, which something can still be done about."""
        return [one for one in self.applications if not one.is_retired]

    def team(self, team_id: str | None) -> Named | None:
        """A team by id."""
        found = self.teams.get(team_id or "")
        return None if found is None else Named(code=found.code, name=found.name)

    def frame(self) -> Frame:
        """What stands around a view."""
        method = self.method
        return Frame(
            organisation=self.organisation.name if self.organisation else "",
            sample=bool(self.sample),
            period=self.period,
            periods=periods.names(self.months),
            method=MethodName(
                method_id=method.method_id, version=method.version, title=dict(method.title),
                factors_hash=self.stamp.factors_hash,
            ),
            currency=self.currency,
            is_over=self.period.end <= self.today,
        )  # fmt: skip

    @property
    def span(self) -> tuple[date, date]:
        """First and last month of the period."""
        return self.period.start, periods.last_month(self.period)

    @property
    def trend_span(self) -> tuple[date, date]:
        """The months of a sparkline."""
        last = periods.last_month(self.period)
        return periods.moved(last, 1 - periods.TREND_MONTHS), last

    def why(self, level: str, ref: str, indicator: str | None = None, period: Period | None = None) -> str:
        """Address of a figure's derivation."""
        words = {
            "level": level, "ref": ref, "indicator": indicator or self.indicator, "period": (period or self.period).name,
        }  # fmt: skip
        return "/explain?" + urlencode({key: word for key, word in words.items() if word})

    def figure(
        self,
        facts: Iterable[FigureFact],
        visits: float | None,
        why: str,
        *,
        unit: str | None = None,
        is_measured: bool = True,
    ) -> tuple[Figure, float | None]:
        """Monthly rows of one thing as one figure, and the visits that it stands for.

        Within one thing months share their factors, so that bounds are added bound by bound.

        Args:
            is_measured: whether there is any run of it, which its traffic alone is lacking for.
        """
        rows = list(facts)
        found = as_estimate(rows)
        units = sum(row.units or 0.0 for row in rows) if rows else None
        missing = "" if found.value is not None else _lacking(rows, visits, is_measured)
        covered = min(1.0, units / visits) if visits and units is not None else None
        return (
            Figure(
                value=found.value, low=found.low, high=found.high, unit=unit or self.unit, shares=found.shares,
                covered=covered, why=why if found.value is not None else "", missing=missing,
            ),
            units,
        )  # fmt: skip

    def measures(
        self,
        impact: tuple[Figure, float | None],
        visits: float | None,
        cost: Money,
        value: Money,
        users: int | None = None,
    ) -> Measures:
        """Ratios of a figure, its traffic and its money."""
        figure, units = impact
        carbon = Estimate(value=figure.value, low=figure.low, high=figure.high)
        spent = None if cost.amount is None else Exact(cost.amount, cost.currency)
        of_visits = ratios(carbon=carbon, cost=spent, visits=units, users=users)
        of_cost = ratios(carbon=carbon, cost=spent, visits=visits, users=users)
        gain = roi(_range(value), _range(cost))
        price = self.organisation.internal_carbon_price if self.organisation else None
        priced = None
        if price is not None and self.indicator == HEADLINE:
            found = carbon_cost(carbon, Exact(price, self.currency))
            priced = Money(
                amount=found.value, low=found.low, high=found.high, currency=found.currency, missing=figure.missing
            )
        return Measures(
            visits=visits,
            cost=cost,
            value=value,
            impact=figure,
            per_visit=_ratio(of_visits.carbon_per_visit, f"{self.unit}/visit", figure, Missing.NO_TRAFFIC),
            per_euro=_ratio(of_cost.carbon_per_money, f"{self.unit}/{cost.currency}", figure, Missing.NO_COST),
            roi=Figure(value=gain.ratio.value, low=gain.ratio.low, high=gain.ratio.high, unit="1", missing=gain.unknown_because),
            cost_per_visit=Figure(
                value=of_cost.cost_per_visit, unit=f"{cost.currency}/visit",
                missing=_lacks(of_cost.cost_per_visit, cost),
            ),
            internal_carbon_cost=priced,
        )  # fmt: skip

    def money(self, facts: Sequence[MoneyFact], missing: Missing) -> Money:
        """Sums of one thing as one amount; unknown without any, and where some are of another currency."""
        if not facts:
            return Money(amount=None, currency=self.currency, missing=missing)
        if any(fact.currency != self.currency for fact in facts):
            return Money(amount=None, currency=self.currency, missing=Missing.CURRENCIES)
        bounds = [
            None if any(one is None for one in listed) else add(one for one in listed if one is not None)
            for listed in ([fact.low for fact in facts], [fact.high for fact in facts])
        ]
        return Money(amount=add(fact.amount for fact in facts), currency=self.currency, low=bounds[0], high=bounds[1])

    def trend(self, facts: Iterable[FigureFact], unit: str | None = None) -> Trend:
        """Monthly rows of one thing as a curve over the months of a sparkline that are known to the organisation."""
        first, last = self.trend_span
        by_month = {fact.period: fact for fact in facts}
        known = [month for month in self.months if first <= month <= last]
        points = tuple(_point(month, by_month.get(month)) for month in known)
        return Trend(points=points, unit=unit or self.unit, change=_change(points))


def as_estimate(rows: Sequence[FigureFact]) -> Estimate:
    """Rows of the cache summed; unknown without any."""
    if not rows:
        return estimate.UNKNOWN
    parts = [Estimate(value=row.value, low=row.low, high=row.high, shares=row.shares) for row in rows]
    return parts[0] if len(parts) == 1 else estimate.total(parts).total


def by_ref(facts: Iterable[FigureFact]) -> dict[str, list[FigureFact]]:
    """Rows by the thing that they are of."""
    found: dict[str, list[FigureFact]] = {}
    for fact in facts:
        found.setdefault(fact.ref, []).append(fact)
    return found


def money_by(facts: Iterable[MoneyFact]) -> dict[str | None, list[MoneyFact]]:
    """Sums of money by application; None holds what belongs to none."""
    found: dict[str | None, list[MoneyFact]] = {}
    for fact in facts:
        found.setdefault(fact.application_id, []).append(fact)
    return found


def _point(month: date, fact: FigureFact | None) -> Point:
    return (
        Point(at=month, value=None) if fact is None else Point(at=month, value=fact.value, low=fact.low, high=fact.high)
    )


def change_of(before: float | None, after: float | None) -> float | None:
    """A relative change; None when either is unknown, or there was nothing before."""
    return None if before is None or after is None or not before else after / before - 1


def _change(points: Sequence[Point]) -> float | None:
    return None if len(points) < 2 else change_of(points[-2].value, points[-1].value)


def _range(money: Money) -> MoneyRange | None:
    if money.amount is None:
        return None
    return MoneyRange(amount=money.amount, currency=money.currency, low=money.low, high=money.high)


def _lacking(rows: Sequence[FigureFact], visits: float | None, is_measured: bool) -> Missing:
    """Why a figure is unknown."""
    if any(row.source == SILENT for row in rows):
        return Missing.SOURCE_SILENT
    return Missing.NO_TRAFFIC if is_measured and not visits else Missing.NO_RUN


def _lacks(ratio: float | None, cost: Money) -> str:
    if ratio is not None:
        return ""
    return cost.missing or Missing.NO_COST if cost.amount is None else Missing.NO_TRAFFIC


def _ratio(found: Estimate, unit: str, of: Figure, missing: Missing) -> Figure:
    return Figure(
        value=found.value, low=found.low, high=found.high, unit=unit, shares=of.shares, covered=of.covered, why=of.why,
        missing="" if found.value is not None else of.missing or missing,
    )  # fmt: skip
