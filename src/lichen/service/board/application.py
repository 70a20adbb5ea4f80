# SPDX-License-Identifier: Apache-2.0
"""One application: its figures by tier and journey, its history, its runs and what was done about it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from lichen.service.board import lists, newest, periods
from lichen.service.board.cells import VISITS
from lichen.service.board.effects import effects
from lichen.service.board.evidence import with_evidence
from lichen.service.board.figures import compute, read_contents
from lichen.service.board.lines import Line
from lichen.service.board.portfolio import Portfolio
from lichen.service.board.queries import EVERYTHING, Visibility
from lichen.service.board.reading import HEADLINE, Look, by_ref
from lichen.service.board.rows import Curve, Facts, JourneyRow, PartRow
from lichen.service.board.run import newest_steps
from lichen.service.board.shapes import Figure, Point
from lichen.service.board.sources import beside, tier_claims
from lichen.service.board.units import content_of
from lichen.service.board.views import ApplicationView, JourneyView
from lichen.service.context import ServiceContext
from lichen.service.evaluation import evaluate_activities
from lichen.store.queries import board as queries
from lichen.store.queries.board import AppFact, FigureFact


def application(
    context: ServiceContext,
    code: str,
    seen: Visibility = EVERYTHING,
    *,
    period: str | None = None,
    indicator: str = HEADLINE,
    method: str | None = None,
) -> ApplicationView | None:
    """The page of an application; None when there is none with this code, or it is not seen.

    Args:
        method: id of a method to look through; its figures are computed for this application alone when it is not that of the
            settings.

    Raises:
        UsageError: a period, indicator or method that does not exist.
    """
    with context.store.reading() as session:
        look = Look(context, session, seen, period, indicator, method)
        fact = next((one for one in look.applications if one.code == code), None)
        if fact is None:
            return None
    if not look.is_default:
        compute(context, fact.id, look.method)
    with context.store.reading() as session:
        look = Look(context, session, seen, period, indicator, method)
        return _Application(look, fact).view()


class _Application:
    """An application that is looked at."""

    def __init__(self, look: Look, fact: AppFact) -> None:
        self.look = look
        self.fact = fact
        self.row = queries.application(look.session, fact.code)
        # Ranks are places among all that are seen: their totals are read, nothing else of them.
        others = [one for one in look.listed if one.id != fact.id]
        self.portfolio = Portfolio(look, [*others, fact])
        self.line: Line = next(line for line in self.portfolio.lines if line.fact.id == fact.id)
        self.journeys = queries.journeys(look.session, [fact.id])

    def view(self) -> ApplicationView:
        """The whole page."""
        look, fact, session = self.look, self.fact, self.look.session
        by_id = {one.id: one for one in look.applications}
        runs = queries.runs(session, [fact.id], limit=lists.SHOWN_RUNS)
        span = look.span
        split = queries.of_refs(session, look.kind("application"), [fact.id], *span, split=True)
        return ApplicationView(
            frame=look.frame(),
            application=lists.named(fact),
            team=look.team(fact.team_id),
            facts=facts_of(self.row),
            indicator=look.indicator,
            measures=self.line.measures,
            indicators=self._indicators(),
            tiers=self._shares([row for row in split if row.tier], "tier"),
            parts=self._shares([row for row in split if row.phase], "phase"),
            journeys=self._journeys(),
            curves=self._curves(),
            deployments=lists.deployments(look, fact.id),
            change=effects(look, [fact.id], periods.before(look.period), look.period),
            target=self.portfolio.aims.gap("application", fact.id),
            ranks=self.portfolio.ranks(self.line),
            runs=lists.run_rows(look, runs, by_id),
            actions=with_evidence(
                look, lists.action_rows(look, queries.actions(session, [fact.id])[: lists.SHOWN_ACTIONS], by_id)
            ),
            methods=look.context.workspace.method_ids(),
            not_covered=_not_covered(look, runs),
            public_key=None if self.row is None else self.row.public_key,
        )

    def _indicators(self) -> dict[str, Figure]:
        look = self.look
        facts = queries.all_indicators(look.session, look.kind("application"), self.fact.id, *look.span)
        by_name: dict[str, list[FigureFact]] = {}
        for fact in facts:
            by_name.setdefault(fact.indicator, []).append(fact)
        nomenclature = look.context.workspace.nomenclature
        return {
            name: look.figure(
                by_name[name], self.line.measures.visits, look.why("application", self.fact.code, name),
                unit=nomenclature.indicator(name).unit,
            )[0]
            for name in nomenclature.names("indicator")
            if name in by_name
        }  # fmt: skip

    def _shares(self, facts: Sequence[FigureFact], by: str) -> tuple[PartRow, ...]:
        """Rows by tier or phase, the largest first."""
        groups: dict[str, list[FigureFact]] = {}
        for fact in facts:
            groups.setdefault(getattr(fact, by), []).append(fact)
        whole = self.line.measures.impact.value
        told = tier_claims(self.look, self.fact) if by == "tier" else {}
        rows = []
        for name in dict.fromkeys([*groups, *told]):
            members = groups.get(name, [])
            figure, _ = self.look.figure(members, None, self.look.why("application", self.fact.code))
            row = PartRow(
                code=name, name=name, figure=figure, source=members[0].source or "" if members else "",
                share=figure.value / whole if figure.value is not None and whole else None,
            )  # fmt: skip
            rows.append(beside(row, told.get(name, ())))
        return tuple(sorted(rows, key=lambda row: -(row.figure.value or 0.0)))

    def _journeys(self) -> tuple[JourneyRow, ...]:
        look, ids = self.look, [one.id for one in self.journeys]
        months = by_ref(queries.of_refs(look.session, look.kind("journey"), ids, *look.span))
        runs = by_ref(queries.of_refs(look.session, look.kind("journey", granularity="run"), ids, date.min, date.max))
        visits = lists.visits_of(look, "journey", ids)
        figures = {
            one.id: look.figure(
                months.get(one.id, ()), visits.get(one.id), look.why("journey", f"{self.fact.code}/{one.code}"),
                is_measured=one.id in runs,
            )[0]
            for one in self.journeys
        }  # fmt: skip
        # Of what journeys tell: where a meter counts, they are no part of the application's figure.
        whole = math.fsum(figure.value or 0.0 for figure in figures.values())
        rows = []
        for one in self.journeys:
            figure = figures[one.id]
            last = runs[one.id][-1] if one.id in runs else None
            rows.append(
                JourneyRow(
                    journey=lists.named(one), visits=visits.get(one.id), per_visit=newest.per_run(look, last), impact=figure,
                    share=figure.value / whole if figure.value is not None and whole else None,
                    last_run=None if last is None else last.period, run_id=None if last is None else last.run_id,
                )
            )  # fmt: skip
        return tuple(sorted(rows, key=lambda row: -(row.impact.value or 0.0)))

    def _curves(self) -> tuple[Curve, ...]:
        """Traffic, cost, impact and impact per visit by month."""
        look, session, span = self.look, self.look.session, self.look.trend_span
        visits = queries.of_refs(session, look.kind("application", VISITS), [self.fact.id], *span)
        impact = queries.of_refs(session, look.kind("application"), [self.fact.id], *span)
        costs: dict[date, float] = {}
        for cost in queries.costs(session, *span, [self.fact.id]):
            if cost.currency == look.currency:
                costs[cost.period] = costs.get(cost.period, 0.0) + float(cost.amount)
        per_visit = [per_unit(one) for one in impact if one.units]
        return (
            Curve(name="visits", unit="1", points=look.trend(visits).points),
            Curve(
                name="cost", unit=look.currency, points=tuple(Point(at=k, value=v) for k, v in sorted(costs.items()))
            ),
            Curve(name="impact", unit=look.unit, points=look.trend(impact).points),
            Curve(name="per_visit", unit=f"{look.unit}/visit", points=tuple(per_visit)),
        )


def per_unit(fact: FigureFact) -> Point:
    """A month's figure of one functional unit."""
    bounds = [None if one is None or not fact.units else one / fact.units for one in (fact.value, fact.low, fact.high)]
    return Point(at=fact.period, value=bounds[0], low=bounds[1], high=bounds[2])


def _not_covered(look: Look, runs: Sequence[Any]) -> tuple[tuple[str, str], ...]:
    """Quantities of the newest run that the method turns into no figure although it knows them, and why."""
    if not runs:
        return ()
    run_id, workspace = runs[0].run_id, look.context.workspace
    content = content_of(workspace, run_id, read_contents(look.context, [run_id])[run_id])
    found = evaluate_activities(workspace, look.method, content.rows, content.context, on=runs[0].measured_at.date())
    return tuple(dict.fromkeys((row.quantity, row.reason) for row in found.not_covered if not row.by_design))


def facts_of(row: Any) -> Facts:
    """What somebody declared about an application."""
    return Facts(
        domain=row.domain or "", kind=row.kind or "", lifecycle=row.lifecycle or "", business_owner=row.business_owner or "",
        technical_owner=row.technical_owner or "", criticality=row.criticality, complexity=row.complexity,
        maturity=row.maturity or "", users=row.users, person_days_per_year=row.person_days_per_year,
        tags=tuple(row.tags or ()), repository=row.repository or "", description=row.description or "",
    )  # fmt: skip


def journey(
    context: ServiceContext,
    code: str,
    journey_code: str,
    seen: Visibility = EVERYTHING,
    *,
    period: str | None = None,
    indicator: str = HEADLINE,
) -> JourneyView | None:
    """The page of a journey; None when there is none, or its application is not seen."""
    with context.store.reading() as session:
        look = Look(context, session, seen, period, indicator)
        fact = next((one for one in look.applications if one.code == code), None)
        found = (
            None
            if fact is None
            else next((one for one in queries.journeys(session, [fact.id]) if one.code == journey_code), None)
        )
        if fact is None or found is None:
            return None
        by_id: Mapping[str, AppFact] = {fact.id: fact}
        why = look.why("journey", f"{code}/{journey_code}")
        months = queries.of_refs(session, look.kind("journey"), [found.id], *look.trend_span)
        first, last = look.span
        visits = lists.visits_of(look, "journey", [found.id]).get(found.id)
        impact, _ = look.figure([one for one in months if first <= one.period <= last], visits, why)
        own = queries.of_refs(session, look.kind("journey", granularity="run"), [found.id], date.min, date.max)
        runs = queries.runs(session, [fact.id], limit=lists.SHOWN_RUNS, journey=journey_code)
        points = tuple(Point(at=one.period, value=one.value, low=one.low, high=one.high) for one in own)
        return JourneyView(
            frame=look.frame(),
            application=lists.named(fact),
            journey=lists.named(found),
            indicator=look.indicator,
            expected_saving=found.expected_saving,
            visits=visits,
            per_visit=newest.per_run(look, own[-1] if own else None),
            impact=impact,
            steps=newest_steps(look, runs, journey_code),
            curve=Curve(name="per_visit", unit=f"{look.unit}/visit", points=points),
            deployments=lists.deployments(look, fact.id),
            runs=lists.run_rows(look, runs, by_id),
        )
