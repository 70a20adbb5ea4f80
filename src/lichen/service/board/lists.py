# SPDX-License-Identifier: Apache-2.0
"""Rows that several views have: runs, deployments, actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any

from lichen.service.board.cells import VISITS
from lichen.service.board.newest import per_run
from lichen.service.board.reading import Look, by_ref
from lichen.service.board.rows import ActionRow, DeploymentMark, RunFigure, RunRow
from lichen.service.board.shapes import Figure, Missing, Named, Page
from lichen.store.queries import board as queries
from lichen.store.queries.board import AppFact, FigureFact

SHOWN_RUNS = 8
SHOWN_ACTIONS = 10


def page_of(number: int, size: int, rows: Sequence[Any]) -> tuple[Page, Sequence[Any]]:
    """A page of a list, and its rows."""
    first = (number - 1) * size
    return Page(number=number, size=size, rows=len(rows)), rows[first : first + size]


def named(fact: Any) -> Named:
    """An application, team or journey by its code and name."""
    return Named(code=fact.code, name=fact.name)


def run_rows(look: Look, runs: Sequence[Any], applications: Mapping[str, AppFact]) -> tuple[RunRow, ...]:
    """Runs, with the figure of one functional unit of each of their journeys."""
    journeys = {
        one.id: one for one in queries.journeys(look.session, {run.application_id for run in runs if run.journeys})
    }
    asked = {code for run in runs for code in run.journeys}
    figures: dict[tuple[str, str], FigureFact] = {}
    if runs:
        days = [run.measured_at.date() for run in runs]
        found = queries.of_refs(
            look.session, look.kind("journey", granularity="run"),
            [one.id for one in journeys.values() if one.code in asked], min(days), max(days),
        )  # fmt: skip
        figures = {(fact.run_id, journeys[fact.ref].code): fact for fact in found}
    names = {(one.application_id, one.code): named(one) for one in journeys.values()}
    rows = []
    for run in runs:
        own = tuple(
            RunFigure(
                journey=names.get((run.application_id, code), Named(code=code, name=code)),
                per_visit=per_run(look, figures.get((run.run_id, code))),
            )
            for code in run.journeys
        )
        rows.append(_run(look, run, named(applications[run.application_id]), own))
    return tuple(rows)


def _run(look: Look, run: Any, application: Named, figures: tuple[RunFigure, ...]) -> RunRow:
    several = Figure(value=None, unit=f"{look.unit}/visit", missing=Missing.SEVERAL_JOURNEYS)
    return RunRow(
        run_id=run.run_id,
        application=application,
        journeys=tuple(run.journeys),
        measured_at=run.measured_at,
        received_at=run.received_at,
        samples=run.samples,
        host=run.host or "",
        browser=run.browser or "",
        lichen_version=run.lichen_version or "",
        figures=figures,
        per_visit=figures[0].per_visit if len(figures) == 1 else several if figures else per_run(look, None),
        landed=run.evidence is not None,
    )


def deployments(look: Look, application_id: str) -> tuple[DeploymentMark, ...]:
    """Deployments over the months of the sparkline, the oldest first."""
    since = datetime.combine(look.trend_span[0], time(), UTC)
    return tuple(
        DeploymentMark(
            at=row.at, version=row.version or "", commit=row.commit or "", author=row.author or "", link=row.link or "",
            environment=row.environment or "",
        )
        for row in queries.deployments(look.session, application_id, since)
    )  # fmt: skip


def action_rows(look: Look, rows: Iterable[Any], applications: Mapping[str, AppFact]) -> tuple[ActionRow, ...]:
    """Entries of the register, those of applications that are named here."""
    nomenclature = look.context.workspace.nomenclature
    known = {*nomenclature.names("indicator"), *nomenclature.names("quantity")}

    def unit(name: str | None) -> str:
        if name is None or name not in known:
            return ""
        terms = nomenclature.indicator if name in nomenclature.names("indicator") else nomenclature.quantity
        return terms(name).unit

    return tuple(
        ActionRow(
            action_id=row.id, application=named(applications[row.application_id]), title=row.title,
            description=row.description or "", owner=row.owner or "", status=row.status, started_on=row.started_on,
            done_on=row.done_on, indicator=row.indicator or "", before=row.before_value, after=row.after_value,
            unit=unit(row.indicator), expected_saving=row.expected_saving, tags=tuple(row.tags or ()),
        )
        for row in rows
        if row.application_id in applications
    )  # fmt: skip


def visits_of(look: Look, level: str, refs: Sequence[str]) -> dict[str, float]:
    """Visits of some things over the period."""
    return visits_between(look, level, refs, *look.span)


def visits_between(look: Look, level: str, refs: Sequence[str], first: date, last: date) -> dict[str, float]:
    """Visits of some things from one month to another."""
    facts = by_ref(queries.of_refs(look.session, look.kind(level, VISITS), refs, first, last))
    return {ref: sum(fact.value or 0.0 for fact in rows) for ref, rows in facts.items()}
