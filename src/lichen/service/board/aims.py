# SPDX-License-Identifier: Apache-2.0
"""Targets on the board: the organisation's, and what of it falls to a team or an application."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from lichen.portfolio.estimate import Estimate
from lichen.portfolio.targets import Target, allowed, points_of, standing
from lichen.service.board import periods
from lichen.service.board.reading import Look
from lichen.service.board.rows import Curve
from lichen.service.board.shapes import Point, TargetGap
from lichen.store.queries import board as queries

_Sums = Mapping[str, tuple[float, int]]
YEAR: int = 12
"""Months that a target is about."""


@dataclass(frozen=True, slots=True)
class Aim:
    """A target of something, its own or its part of the organisation's."""

    scope: str
    inherited: bool
    target: Target


class Aims:
    """Targets of the indicator that is looked at.

    The organisation's target falls to those without one of their own in proportion to what they had in the first twelve known
    months; the parts add up to it, as those figures add up to the organisation's.
    """

    def __init__(self, look: Look) -> None:
        self._look = look
        self.end = periods.last_month(look.period)
        self._few: dict[str, set[str] | None] = {}
        self._read: dict[tuple[str, tuple[date, date]], tuple[set[str] | None, _Sums]] = {}

    @cached_property
    def _own(self) -> Mapping[tuple[str, str], Target]:
        """The newest valid target by scope and id."""
        found: dict[tuple[str, str], Target] = {}
        for row in queries.targets(self._look.session, self._look.indicator):
            if row.valid_from <= self._look.today:
                found.setdefault((row.scope, row.scope_id or ""), _target(row))
        return found

    @cached_property
    def _first(self) -> tuple[date, date] | None:
        """The first twelve known months; None with fewer."""
        months = self._look.months
        return (months[0], months[YEAR - 1]) if len(months) >= YEAR else None

    def prepare(self, scope: str, refs: Collection[str]) -> None:
        """Reads what the gaps of some things need, which are about to be shown; the others' is read when it is asked for."""
        if scope not in self._few:
            self._few[scope] = set(refs)

    def _sums(self, scope: str, ref: str, span: tuple[date, date]) -> tuple[float | None, int]:
        """Sum of a thing's months of a span, and how many are known."""
        few = self._few.get(scope)
        if few is not None and ref not in few:
            few = self._few[scope] = None
        read = self._read.get((scope, span))
        if read is None or (few is None and read[0] is not None):
            found = queries.sums(self._look.session, self._look.kind(scope), *span, few)
            read = self._read[scope, span] = (few, found)
        return read[1].get(ref, (None, 0))

    def _base_share(self, scope: str, ref: str) -> float | None:
        """What something had in the first twelve known months."""
        return None if self._first is None else self._sums(scope, ref, self._first)[0]

    def aim(self, scope: str, ref: str = "") -> Aim | None:
        """The target of something; None where neither it nor the organisation has one."""
        own = self._own.get((scope, ref))
        if own is not None:
            return Aim(scope, False, self._with_base(own, scope, ref))
        whole = self._own.get(("organisation", ""))
        if whole is None or scope == "organisation":
            return None
        whole = self._with_base(whole, "organisation", "")
        part, everything = self._base_share(scope, ref), self._base_share("organisation", "")
        base = None
        if part is not None and everything and whole.base_value is not None:
            base = whole.base_value * part / everything
        return Aim("organisation", True, replace(whole, base_value=base))

    def _with_base(self, target: Target, scope: str, ref: str) -> Target:
        """A target whose base is not declared takes that of its base year, if all its months are known."""
        if target.base_value is not None:
            return target
        year = (date(target.base_year, 1, 1), date(target.base_year, YEAR, 1))
        value, count = self._sums(scope, ref, year)
        return replace(target, base_value=value) if count == YEAR else target

    def actual(self, scope: str, ref: str = "") -> float | None:
        """What the twelve months up to the end of the period had; None while fewer are known."""
        value, count = self._sums(scope, ref, (periods.moved(self.end, 1 - YEAR), self.end))
        return value if count == YEAR else None

    def gap(self, scope: str, ref: str = "") -> TargetGap | None:
        """Where something stands against its target; None without one."""
        aim = self.aim(scope, ref)
        if aim is None:
            return None
        actual = self.actual(scope, ref)
        last_day = periods.moved(self.end, 1) - timedelta(days=1)
        stand = standing(aim.target, Estimate(value=actual), last_day)
        known = actual is not None and stand.allowed
        return TargetGap(
            scope=aim.scope,
            inherited=aim.inherited,
            indicator=self._look.indicator,
            base_year=aim.target.base_year,
            horizon_year=aim.target.horizon_year,
            reduction=aim.target.reduction,
            base=aim.target.base_value,
            planned=stand.allowed,
            actual=actual,
            unit=self._look.unit,
            gap=actual / stand.allowed - 1 if known and actual is not None and stand.allowed else None,
        )

    def curves(self, scope: str, ref: str = "") -> tuple[Curve, Curve]:
        """What the path allows and what was, by year."""
        aim = self.aim(scope, ref)
        unit = self._look.unit
        if aim is None:
            return Curve(name="planned", unit=unit, points=()), Curve(name="actual", unit=unit, points=())
        years = range(aim.target.base_year, aim.target.horizon_year + 1)
        planned = tuple(Point(at=date(year, 12, 31), value=allowed(aim.target, year)) for year in years)
        first, last = date(years[0], 1, 1), date(years[-1], 12, 1)
        facts = queries.of_refs(self._look.session, self._look.kind(scope), [ref], first, last)
        by_year: dict[int, list[float]] = {}
        for fact in facts:
            if fact.value is not None:
                by_year.setdefault(fact.period.year, []).append(fact.value)
        actual = [
            Point(at=date(year, 12, 31), value=math.fsum(values))
            for year, values in sorted(by_year.items())
            if len(values) == YEAR
        ]
        running = self.actual(scope, ref)
        if running is not None and (not actual or actual[-1].at < self.end):
            actual.append(Point(at=self.end, value=running))
        if aim.target.base_value is not None and (not actual or actual[0].at.year > aim.target.base_year):
            actual.insert(0, Point(at=date(aim.target.base_year, 12, 31), value=aim.target.base_value))
        return Curve(name="planned", unit=unit, points=planned), Curve(name="actual", unit=unit, points=tuple(actual))


def _target(row: Any) -> Target:
    return Target(
        indicator=row.indicator, base_year=row.base_year, base_value=row.base_value, horizon_year=row.horizon_year,
        reduction=row.reduction, points=points_of(row.path),
    )  # fmt: skip
