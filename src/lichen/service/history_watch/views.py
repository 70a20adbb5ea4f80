# SPDX-License-Identifier: Apache-2.0
"""What the histories of an application show: confirmed changes with their likely cause, and what each deployment did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from lichen.portfolio.actions import compare
from lichen.service.board.queries import EVERYTHING, Visibility
from lichen.service.board.reading import HEADLINE
from lichen.service.board.shapes import Named
from lichen.service.context import ServiceContext
from lichen.service.history_watch.finding import told
from lichen.service.history_watch.readings import Reading, kept
from lichen.service.history_watch.series import upgrades
from lichen.store.models import RESTATED, ChangePoint, Deployment, Journey
from lichen.store.queries import watching as queries

SHOWN: Final = 20
_DEPLOYMENTS: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRow:
    """A confirmed change.

    Attributes:
        journey: None: the whole application. indicator: or a quantity; unit: its canonical unit.
        at: first day of what is new. change, low, high: relative; 0.05 is 5 % more.
        confirmed_on: when a second evaluation found it.
        deployment: version and commit of the likely one; empty: no deployment was near.
        restated: found when the history was seen for the first time, or with another method or other factors.
    """

    journey: Named | None
    indicator: str
    unit: str
    at: date
    change: float
    low: float | None
    high: float | None
    confirmed_on: date
    deployment: str
    restated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectRow:
    """What a deployment did to a journey's figure of one visit.

    Attributes:
        before, after: means of the runs since the deployment before, and up to the next one; in ``unit``.
        difference, low, high: after - before with its 95 % range of repeatability; None with too few runs.
        evidence: ``better``, ``worse``, ``no_evidence`` or ``too_few_runs``.
    """

    at: datetime
    deployment: str
    link: str
    journey: Named
    indicator: str
    unit: str
    before: float | None
    after: float | None
    difference: float | None
    low: float | None
    high: float | None
    evidence: str
    runs_before: int
    runs_after: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkRow:
    """A day on which what is measured with became another one; ``source`` is who said so, ``runs`` where the runs did."""

    at: datetime
    kind: str
    text: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryView:
    """The newest changes, effects of deployments and marks of an application."""

    application: Named
    changes: tuple[ChangeRow, ...]
    effects: tuple[EffectRow, ...]
    marks: tuple[MarkRow, ...]


def changes(context: ServiceContext, code: str, seen: Visibility = EVERYTHING) -> HistoryView | None:
    """What the histories of an application showed when they were evaluated last; None when it is not there or not seen.

    Args:
        code: of the application.
    """
    with context.store.reading() as session:
        application = next((one for one in queries.applications(session) if one.code == code), None)
        if application is None or not seen.sees(application.team_id, application.id):
            return None
        journeys = {one.id: one for one in queries.journeys(session, application.id)}
        found = queries.change_points(session, [application.id])[:SHOWN]
        deployments = queries.deployments(session, [application.id], _DEPLOYMENTS)
        marks = [
            MarkRow(at=row.at, kind=row.kind, text=row.text, source=row.source)
            for row in queries.marks(session, application.id)
        ]
    readings = kept(context, application.id)
    marks += [MarkRow(at=cut.at, kind=cut.kind, text=cut.text, source="runs") for cut in upgrades(readings)]
    return HistoryView(
        application=Named(code=application.code, name=application.name),
        changes=tuple(_change(context, row, journeys) for row in found),
        effects=tuple(_effects(context, readings, deployments, list(journeys.values())))[:SHOWN],
        marks=tuple(sorted(marks, key=lambda mark: mark.at, reverse=True)[:SHOWN]),
    )


def unit_of(context: ServiceContext, name: str) -> str:
    """Canonical unit of an indicator or a quantity; empty for a name that the nomenclature lost."""
    nomenclature = context.workspace.nomenclature
    if name in nomenclature.names("indicator"):
        return nomenclature.indicator(name).unit
    return nomenclature.quantity(name).unit if name in nomenclature.names("quantity") else ""


def _change(context: ServiceContext, row: ChangePoint, journeys: Mapping[str, Journey]) -> ChangeRow:
    journey = journeys.get(row.journey_id or "")
    restated = row.cause == RESTATED
    return ChangeRow(
        journey=None if journey is None else Named(code=journey.code, name=journey.name), indicator=row.indicator,
        unit=unit_of(context, row.indicator), at=row.at_day, change=row.change, low=row.low, high=row.high,
        confirmed_on=row.confirmed_on, deployment="" if restated else row.cause or "", restated=restated,
    )  # fmt: skip


def _effects(
    context: ServiceContext, readings: Sequence[Reading], deployments: Sequence[Deployment], journeys: Sequence[Journey]
) -> Iterator[EffectRow]:
    """The newest deployment first; those without a run on both sides are left out."""
    for position, one in enumerate(deployments):
        begin = deployments[position + 1].at if position + 1 < len(deployments) else None
        end = deployments[position - 1].at if position else None
        for journey in journeys:
            after = _runs(readings, journey.code, one.at, end)
            before = _runs(readings, journey.code, begin, one.at)
            if after:  # runs measured with something else say nothing about the deployment
                before, after = (
                    [run for run in side if run.measured_with == after[0].measured_with] for side in (before, after)
                )
            if not before or not after:
                continue
            found = compare(*([run.values[journey.code][HEADLINE] for run in side] for side in (before, after)))
            yield EffectRow(
                at=one.at, deployment=told(one), link=one.link or "",
                journey=Named(code=journey.code, name=journey.name), indicator=HEADLINE, unit=unit_of(context, HEADLINE),
                before=found.before, after=found.after, difference=found.difference, low=found.low, high=found.high,
                evidence=str(found.evidence), runs_before=found.runs_before, runs_after=found.runs_after,
            )  # fmt: skip


def _runs(readings: Sequence[Reading], journey: str, begin: datetime | None, end: datetime | None) -> list[Reading]:
    """Runs of a journey in a span, the end not included."""
    return [
        one
        for one in readings
        if HEADLINE in one.values.get(journey, {})
        and (begin is None or one.at >= begin)
        and (end is None or one.at < end)
    ]
