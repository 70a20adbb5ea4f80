# SPDX-License-Identifier: Apache-2.0
"""What to measure next, and how far the roll-out is."""

from __future__ import annotations

from datetime import timedelta

from lichen.portfolio.measure_next import Candidate, State, Suggestion, suggest
from lichen.portfolio.measure_next import roll_out as rolled_out
from lichen.service.board import lists, periods
from lichen.service.board.aims import YEAR
from lichen.service.board.cells import VISITS
from lichen.service.board.newest import per_run as newest_run
from lichen.service.board.portfolio import Portfolio
from lichen.service.board.queries import EVERYTHING, PAGE_ROWS, Visibility
from lichen.service.board.reading import Look
from lichen.service.board.rows import MeasureNextRow
from lichen.service.board.shapes import Figure, Missing, Named, RollOut
from lichen.service.board.views import MeasureNextView
from lichen.service.context import ServiceContext
from lichen.store.queries import board as queries
from lichen.store.queries.board import FigureFact

_REASONS = {State.NEVER: "never_measured", State.STALE: "stale"}


def measure_next(
    context: ServiceContext, seen: Visibility = EVERYTHING, *, period: str | None = None, page: int = 1
) -> MeasureNextView:
    """Journeys worth measuring, by traffic x footprint x expected saving x weight, the most promising first.

    Raises:
        UsageError: a period that does not exist.
    """
    with context.store.reading() as session:
        look = Look(context, session, seen, period)
        names: dict[tuple[str, str | None], Named] = {}
        own: dict[tuple[str, str | None], FigureFact] = {}
        candidates = list(_candidates(look, names, own))
        teams = {one.code: look.team(one.team_id) for one in look.applications}
        found = suggest(candidates, look.today)
        pages, shown = lists.page_of(page, PAGE_ROWS, found)
        first = (page - 1) * PAGE_ROWS + 1
        far = rolled_out(candidates, look.today)
        applications = {one.code: lists.named(one) for one in look.applications}
        return MeasureNextView(
            frame=look.frame(),
            roll_out=RollOut(measured=far.applications_measured, total=far.applications),
            journeys_roll_out=RollOut(measured=far.measured, total=far.total),
            rows=tuple(
                _row(
                    look, one, number, applications[one.candidate.application],
                    names.get((one.candidate.application, one.candidate.journey)), teams[one.candidate.application],
                    own.get((one.candidate.application, one.candidate.journey)),
                )
                for number, one in enumerate(shown, start=first)
            ),
            page=pages,
        )  # fmt: skip


def _candidates(
    look: Look, names: dict[tuple[str, str | None], Named], own: dict[tuple[str, str | None], FigureFact]
) -> list[Candidate]:
    """Journeys, and applications without any, with what is known of them."""
    session = look.session
    portfolio = Portfolio(look)
    ids = [one.id for one in look.living]
    journeys = queries.journeys(session, ids)
    by_application: dict[str, list[str]] = {}
    for journey in journeys:
        by_application.setdefault(journey.application_id, []).append(journey.id)
    facts = {journey.id: journey for journey in journeys}
    months = 1 if look.period.is_month else YEAR
    visits = {ref: count / months for ref, count in _by_journey(look).items()}
    recent = look.today - timedelta(days=2 * 366)
    newest: dict[str, FigureFact] = {}
    for fact in queries.of_period(session, look.kind("journey", granularity="run"), recent, look.today):
        if fact.ref not in newest or newest[fact.ref].period <= fact.period:
            newest[fact.ref] = fact
    found = []
    for one in look.living:
        weight = portfolio.weights.get(one.id, (1.0, ""))[0]
        for ref in by_application.get(one.id, ()):
            journey = facts[ref]
            names[one.code, journey.code] = lists.named(journey)
            if (last := newest.get(ref)) is not None:
                own[one.code, journey.code] = last
            found.append(
                Candidate(
                    application=one.code, journey=journey.code, kind=one.kind or "", visits=visits.get(ref),
                    per_visit=None if last is None else last.value, measured_on=None if last is None else last.period,
                    expected_saving=journey.expected_saving, weight=weight,
                )
            )  # fmt: skip
        if one.id not in by_application:
            known = portfolio.visits.get(one.id)
            found.append(
                Candidate(
                    application=one.code, journey=None, kind=one.kind or "", visits=None if known is None else known / months,
                    weight=weight,
                )
            )  # fmt: skip
    return found


def _by_journey(look: Look) -> dict[str, float]:
    found: dict[str, float] = {}
    for fact in queries.of_period(
        look.session, look.kind("journey", VISITS), look.period.start, periods.last_month(look.period)
    ):
        found[fact.ref] = found.get(fact.ref, 0.0) + (fact.value or 0.0)
    return found


def _row(
    look: Look,
    found: Suggestion,
    rank: int,
    application: Named,
    journey: Named | None,
    team: Named | None,
    own: FigureFact | None,
) -> MeasureNextRow:
    one = found.candidate
    yearly = None if one.visits is None else one.visits * YEAR
    known = yearly is not None and found.per_visit is not None
    per_visit = _figure(look, found, own)
    return MeasureNextRow(
        rank=rank,
        application=application,
        journey=journey,
        team=team,
        visits_a_year=yearly,
        per_visit=per_visit,
        footprint_is=found.basis.value,
        expected_saving=found.saving,
        weight=one.weight,
        saving=(yearly or 0.0) * (found.per_visit or 0.0) * found.saving if known else None,
        saving_low=_times(per_visit.low, yearly, found.saving),
        saving_high=_times(per_visit.high, yearly, found.saving),
        score=None if found.score is None else found.score * YEAR,
        last_run=one.measured_on,
        reason=_REASONS.get(found.state, "large"),
    )


def _figure(look: Look, found: Suggestion, own: FigureFact | None) -> Figure:
    """Of its newest run, or of others like it, which is a guess: from the least of them to the most."""
    if own is not None:
        return newest_run(look, own)
    return Figure(
        value=found.per_visit, low=found.low, high=found.high, unit=f"{look.unit}/visit",
        shares={"proxy": 1.0} if found.per_visit else {}, missing=Missing.NO_RUN if found.per_visit is None else "",
    )  # fmt: skip


def _times(bound: float | None, visits: float | None, saving: float) -> float | None:
    return None if bound is None or visits is None else bound * visits * saving
