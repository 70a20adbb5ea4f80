# SPDX-License-Identifier: Apache-2.0
"""Reads the weeks of all applications once, for as many digests as there are."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Final

from lichen.service.board import periods
from lichen.service.board.aims import Aims
from lichen.service.board.queries import EVERYTHING
from lichen.service.board.reading import Look, by_ref
from lichen.service.board.traffic import daily
from lichen.service.context import ServiceContext
from lichen.service.digest.vintages import at_one_day
from lichen.service.digest.weeks import BEFORE, SHOWN, ApplicationWeeks, JourneyWeeks, Unit
from lichen.store import Session
from lichen.store.queries import board
from lichen.store.queries import digest as queries
from lichen.store.queries.board import AppFact
from lichen.store.queries.digest import ChangeFact, DeployedFact
from lichen.store.queries.figures import TrafficFact

_RUNS_BACK: Final = timedelta(days=400)
"""Runs that are older than this before the week tell nothing in a digest but that the application is stale."""


class Book:
    """What a week's digests are made of.

    Args:
        monday: of the week.

    Attributes:
        look: at the board, in the newest month that was over at the end of the week.
        applications: those that are not retired.
    """

    def __init__(self, context: ServiceContext, session: Session, monday: date) -> None:
        self.look = Look(context, session, EVERYTHING)
        self.look.period = periods.default(self.look.months, monday + timedelta(days=7))
        self.monday = monday
        self.sunday = monday + timedelta(days=6)
        self.applications: Sequence[AppFact] = self.look.living
        self.ids = [one.id for one in self.applications]

    @cached_property
    def aims(self) -> Aims:
        """Targets."""
        return Aims(self.look)

    @cached_property
    def weeks(self) -> Mapping[str, ApplicationWeeks]:
        """Every application's weeks, by id."""
        journeys = board.journeys(self.look.session, self.ids)
        first = self.monday - timedelta(days=7 * max(SHOWN - 1, BEFORE))
        traffic: dict[str, list[TrafficFact]] = defaultdict(list)
        for row in queries.traffic(self.look.session, self.ids, first, self.sunday):
            traffic[row.application_id].append(row)
        kind = self.look.kind("journey", granularity="run")
        runs = by_ref(
            board.of_refs(self.look.session, kind, [one.id for one in journeys], self.monday - _RUNS_BACK, self.sunday)
        )
        units = at_one_day(self.look, runs, {one.id: one.code for one in journeys}, first)
        own: dict[str, list[tuple[str, str, str]]] = defaultdict(list)
        for one in journeys:
            own[one.application_id].append((one.id, one.code, one.name))
        return {one.id: _weeks(one, own[one.id], traffic[one.id], units) for one in self.applications}

    def of(self, applications: Iterable[AppFact]) -> list[ApplicationWeeks]:
        """The weeks of some applications."""
        return [self.weeks[one.id] for one in applications]

    @cached_property
    def deployments(self) -> Mapping[str, list[DeployedFact]]:
        """Deployments up to the end of the week, by application, the oldest first."""
        found: dict[str, list[DeployedFact]] = defaultdict(list)
        first, end = (datetime.combine(day, time(), UTC) for day in (self.monday - _RUNS_BACK, self._after))
        for one in queries.deployments(self.look.session, self.ids, first, end):
            found[one.application_id].append(one)
        return found

    @property
    def _after(self) -> date:
        return self.sunday + timedelta(days=1)

    @cached_property
    def changes(self) -> Mapping[str, list[ChangeFact]]:
        """Changes that were confirmed in the week, by application."""
        found: dict[str, list[ChangeFact]] = defaultdict(list)
        for one in queries.changes(self.look.session, self.ids, self.monday, self.sunday):
            found[one.application_id].append(one)
        return found

    def deployed(self, ids: Iterable[str]) -> int:
        """How many deployments some applications had in the week."""
        start = datetime.combine(self.monday, time(), UTC)
        return sum(one.at >= start for ref in ids for one in self.deployments.get(ref, ()))

    def estimated(self, level: str, ref: str) -> float | None:
        """Share of the month's figure that is modelled or stands in."""
        facts = board.of_refs(self.look.session, self.look.kind(level), [ref], *self.look.span)
        shares = facts[-1].shares if facts else {}
        return shares.get("modelled", 0.0) + shares.get("proxy", 0.0) if shares else None


def _weeks(
    fact: AppFact,
    journeys: Sequence[tuple[str, str, str]],
    traffic: Sequence[TrafficFact],
    units: Mapping[str, Sequence[Unit]],
) -> ApplicationWeeks:
    """An application's weeks; visits that are known of the whole alone are spread evenly over the measured journeys."""
    rows: dict[str | None, list[TrafficFact]] = defaultdict(list)
    for row in traffic:
        rows[row.journey_id].append(row)
    by_journey = {journey: daily(rows[journey]) for journey, _, _ in journeys if journey in rows}
    whole = daily(rows[None]) if None in rows else {}
    measured = [journey for journey, _, _ in journeys if journey in units]
    if whole and not any(by_journey.values()):
        spread = (
            {day: None if count is None else count / len(measured) for day, count in whole.items()} if measured else {}
        )
        by_journey = dict.fromkeys(measured, spread)
    days = {day for visits in (*by_journey.values(), whole) for day, count in visits.items() if count is not None}
    return ApplicationWeeks(
        application_id=fact.id, code=fact.code, name=fact.name, team_id=fact.team_id,
        journeys=[
            JourneyWeeks(journey, code, name, _by_week(by_journey.get(journey, {})), units.get(journey, ()))
            for journey, code, name in journeys
        ],
        complete=_complete(days),
    )  # fmt: skip


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())


def _by_week(visits: Mapping[date, float | None]) -> dict[date, float]:
    found: dict[date, list[float]] = defaultdict(list)
    for day, count in visits.items():
        if count is not None:
            found[_monday(day)].append(count)
    return {week: math.fsum(counts) for week, counts in found.items()}


def _complete(days: Iterable[date]) -> frozenset[date]:
    """Mondays of the weeks of which all seven days are there."""
    counts: dict[date, int] = defaultdict(int)
    for day in days:
        counts[_monday(day)] += 1
    return frozenset(week for week, count in counts.items() if count == 7)
