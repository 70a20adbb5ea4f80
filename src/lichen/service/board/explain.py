# SPDX-License-Identifier: Apache-2.0
"""A figure opened: the organisation's into teams, an application's into journeys, a journey's into runs x visits, formulas and
factors."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from lichen.errors import UsageError
from lichen.model.results import Evaluation
from lichen.service.board import lists, newest, periods
from lichen.service.board.cells import JOURNEYS
from lichen.service.board.explain_bill import LEVEL, explain_bill
from lichen.service.board.explain_parts import LARGEST, factor_rows, formula_steps, term
from lichen.service.board.figures import read_contents
from lichen.service.board.portfolio import Portfolio
from lichen.service.board.queries import EVERYTHING, Visibility
from lichen.service.board.reading import HEADLINE, Look
from lichen.service.board.rows import ExplainStep, RunRow
from lichen.service.board.series import LEVELS
from lichen.service.board.shapes import Figure, Named
from lichen.service.board.traffic import by_month, daily
from lichen.service.board.units import content_of
from lichen.service.board.views import ExplainView
from lichen.service.context import ServiceContext
from lichen.service.evaluation import evaluate_activities
from lichen.store.queries import board as queries
from lichen.store.queries import figures as facts_of
from lichen.store.queries.board import AppFact, FigureFact

EXPLAINED: Final = (*LEVELS, LEVEL)
"""What a figure may be of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplainQuery:
    """Which figure: as the ``why`` of a figure says it."""

    level: str = "organisation"
    ref: str = ""
    indicator: str = HEADLINE
    period: str | None = None


def explain(context: ServiceContext, query: ExplainQuery, seen: Visibility = EVERYTHING) -> ExplainView | None:
    """What a figure is made of; None when what it is of does not exist or is not seen.

    Raises:
        UsageError: a level, indicator or period that does not exist.
    """
    if query.level not in EXPLAINED:
        raise UsageError(f"level is '{query.level}'.", repair=f"Use {', '.join(EXPLAINED)}.", culprit="level")
    with context.store.reading() as session:
        look = Look(context, session, seen, query.period, query.indicator)
        if query.level == LEVEL:
            return explain_bill(look, query.ref)
        if query.level == "journey":
            return _journey(look, query.ref)
        if query.level == "application":
            return _application(look, query.ref)
        return _sum(look, query.level, query.ref)


def _sum(look: Look, level: str, ref: str) -> ExplainView | None:
    """The organisation as its applications, or a team as its own."""
    team = next((one for one in look.teams.values() if one.code == ref), None) if level == "team" else None
    if level == "team" and (team is None or (look.seen.teams is not None and team.id not in look.seen.teams)):
        return None
    if level == "organisation" and (look.seen.teams is not None or ref):
        return None
    own = [one for one in look.applications if team is None or one.team_id == team.id]
    portfolio = Portfolio(look, own)
    lines = sorted(
        (line for line in portfolio.lines if line.value is not None),
        key=lambda line: -(line.value or 0.0),
    )
    portfolio.prepare([line.fact.id for line in lines[:LARGEST]])
    steps = [term(line.fact.name, line.measures.impact) for line in lines[:LARGEST]]
    steps += _rest(look, [line.value or 0.0 for line in lines[LARGEST:]])
    totals = portfolio.totals(portfolio.lines).measures
    named = Named(code=team.code, name=team.name) if team else Named(code="", name=look.frame().organisation)
    return ExplainView(
        frame=look.frame(), level=level, named=named, indicator=look.indicator, figure=totals.impact, sources={},
        steps=tuple(steps), factors=(), runs=(), visits=totals.visits,
    )  # fmt: skip


def _rest(look: Look, values: Sequence[float]) -> list[ExplainStep]:
    """What is not shown one by one."""
    if not values:
        return []
    return [term(f"+ {len(values)}", Figure(value=math.fsum(values), unit=look.unit))]


def _application(look: Look, code: str) -> ExplainView | None:
    fact = next((one for one in look.applications if one.code == code), None)
    if fact is None:
        return None
    session = look.session
    line = Portfolio(look, [fact]).lines[0]
    journeys = queries.journeys(session, [fact.id])
    visits = lists.visits_of(look, "journey", [one.id for one in journeys])
    steps = []
    for one in journeys:
        rows = queries.of_refs(session, look.kind("journey"), [one.id], *look.span)
        figure, _ = look.figure(rows, visits.get(one.id), look.why("journey", f"{code}/{one.code}"))
        steps.append(term(one.name, figure))
    split = queries.of_refs(session, look.kind("application"), [fact.id], *look.span, split=True)
    if any(row.tier and row.source != JOURNEYS for row in split):
        steps = _tiers(look, code, split)
    return ExplainView(
        frame=look.frame(), level="application", named=lists.named(fact), indicator=look.indicator,
        figure=line.measures.impact, sources={row.tier: row.source or "" for row in split if row.tier},
        steps=tuple(sorted(steps, key=lambda step: -(step.figure.value or 0.0))), factors=(), runs=(),
        visits=line.measures.visits,
    )  # fmt: skip


def _tiers(look: Look, code: str, split: Sequence[FigureFact]) -> list[ExplainStep]:
    """Terms of a figure that is not the sum of journeys: its tiers, each from the source that counts."""
    tiers: dict[str, list[FigureFact]] = {}
    for row in split:
        if row.tier:
            tiers.setdefault(row.tier, []).append(row)
    steps = []
    for tier, rows in tiers.items():
        source = rows[-1].source or ""
        why = look.why(LEVEL, code) if source == LEVEL else ""
        steps.append(term(tier, look.figure(rows, None, why)[0], source))
    return steps


def _journey(look: Look, ref: str) -> ExplainView | None:
    code, _, journey_code = ref.partition("/")
    fact = next((one for one in look.applications if one.code == code), None)
    found = (
        None
        if fact is None
        else next((one for one in queries.journeys(look.session, [fact.id]) if one.code == journey_code), None)
    )
    if fact is None or found is None:
        return None
    visits = lists.visits_of(look, "journey", [found.id]).get(found.id)
    rows = queries.of_refs(look.session, look.kind("journey"), [found.id], *look.span)
    figure, _ = look.figure(rows, visits, "")
    weights = _weights(look, fact, found.id, journey_code)
    runs = _runs(look, fact, weights)
    per_run = {
        one.run_id: one
        for one in queries.of_refs(
            look.session, look.kind("journey", granularity="run"), [found.id], date.min, date.max
        )
    }
    steps = [
        ExplainStep(
            label=run.measured_at.date().isoformat(), figure=newest.per_run(look, per_run.get(run.run_id)),
            formula="figure_per_visit * visits", arguments={"visits": f"{weights[run.run_id]:.0f}"}, source=JOURNEYS,
            run_id=run.run_id,
        )
        for run in runs
    ]  # fmt: skip
    opened = _open(look, runs[0].run_id, journey_code) if runs else None
    return ExplainView(
        frame=look.frame(), level="journey", named=lists.named(found), indicator=look.indicator, figure=figure,
        sources={}, steps=(*steps, *(formula_steps(look, opened.impacts, "visit") if opened else ())),
        factors=tuple(factor_rows(look, opened) if opened else ()), runs=runs, visits=visits,
    )  # fmt: skip


def _weights(look: Look, fact: AppFact, journey_id: str, code: str) -> dict[str, float]:
    """Run -> visits of the period that take its figure."""
    runs = [run for run in facts_of.runs(look.session, [fact.id]) if code in run.journeys]
    rows = [row for row in facts_of.traffic(look.session, [fact.id]) if row.journey_id == journey_id]
    first, last = look.span
    found: dict[str, float] = {}
    for month, share in by_month(daily(rows), runs).items():
        if first <= month <= last:
            for run_id, count in share.runs.items():
                found[run_id] = found.get(run_id, 0.0) + count
    return found


def _runs(look: Look, fact: AppFact, weights: dict[str, float]) -> tuple[RunRow, ...]:
    """The runs that weigh something, the newest first."""
    listed = [row for run_id in weights for row in queries.run(look.session, run_id)]
    rows = lists.run_rows(look, listed, {fact.id: fact})
    return tuple(sorted(rows, key=lambda row: row.measured_at, reverse=True))


def _open(look: Look, run_id: str, journey: str) -> Evaluation:
    """A run's journey through the model, under the factors of the period."""
    content = content_of(look.context.workspace, run_id, read_contents(look.context, [run_id])[run_id])
    rows = [row for row in content.rows if row.entity.split("/")[2:3] == [journey]]
    on = periods.last_month(look.period)
    return evaluate_activities(look.context.workspace, look.method, rows, content.context, on=on)
