# SPDX-License-Identifier: Apache-2.0
"""Plain lists for programs: journeys, teams, runs, activities, figures as they are kept."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from lichen.service.board import lists
from lichen.service.board.figures import read_contents
from lichen.service.board.queries import EVERYTHING, SeriesQuery, Visibility
from lichen.service.board.reading import Look
from lichen.service.board.rows import RunRow
from lichen.service.board.series import check, ref_of, span_of
from lichen.service.board.shapes import Named, Shares
from lichen.service.context import ServiceContext
from lichen.store.queries import board as queries


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyItem:
    """A journey. expected_saving: share of its footprint that could be saved, 0 to 1; null when nobody said."""

    application: Named
    journey: Named
    expected_saving: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamItem:
    """A team, and how many applications it has."""

    code: str
    name: str
    cost_centre: str
    slack_channel: str
    applications: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityItem:
    """What happened, in one physical quantity, of one functional unit.

    Attributes:
        value: mean of the kept samples, in ``unit``; null when unknown. samples: of each repetition.
        method: how it was obtained: measured, metered, allocated, modelled or proxy.
        attributes: such as tier, zone, device.
    """

    run_id: str
    measured_at: datetime
    entity: str
    quantity: str
    value: float | None
    unit: str
    method: str
    samples: Sequence[float | None]
    attributes: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactItem:
    """A figure, as it is kept.

    Attributes:
        period: first day of the month, or day of the run. tier, phase: empty for the total over all of them.
        value: in ``unit``: of the month, or of one visit for a run; low, high: 5 % and 95 % of the model.
        shares: how its data were obtained. visits: functional units that it stands for.
    """

    level: str
    ref: str
    period: date
    run_id: str
    indicator: str
    tier: str
    phase: str
    accounting: str
    value: float | None
    low: float | None
    high: float | None
    unit: str
    shares: Shares
    visits: float | None
    source: str
    method: str
    factors_hash: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImpactQuery:
    """Which figures, from which place in the list on, and how many."""

    series: SeriesQuery
    position: int
    limit: int


def journey_items(context: ServiceContext, seen: Visibility = EVERYTHING) -> list[JourneyItem]:
    """Journeys of the applications that are seen."""
    with context.store.reading() as session:
        look = Look(context, session, seen)
        by_id = {one.id: one for one in look.applications}
        found = [
            JourneyItem(
                application=lists.named(by_id[one.application_id]), journey=lists.named(one),
                expected_saving=one.expected_saving,
            )
            for one in queries.journeys(session, list(by_id))
        ]  # fmt: skip
    return sorted(found, key=lambda one: (one.application.code, one.journey.code))


def team_items(context: ServiceContext, seen: Visibility = EVERYTHING) -> list[TeamItem]:
    """Teams that are seen, by name."""
    with context.store.reading() as session:
        look = Look(context, session, seen)
        return [
            TeamItem(
                code=one.code, name=one.name, cost_centre=one.cost_centre or "", slack_channel=one.slack_channel or "",
                applications=sum(fact.team_id == one.id for fact in look.applications),
            )
            for one in look.teams.values()
            if seen.teams is None or one.id in seen.teams
        ]  # fmt: skip


def run_items(
    context: ServiceContext,
    application: str | None,
    after: tuple[datetime, str] | None,
    limit: int,
    seen: Visibility = EVERYTHING,
    *,
    run_id: str | None = None,
) -> list[RunRow] | None:
    """Runs, the newest first; None when the application does not exist or is not seen.

    Args:
        after: when and id of the run after which the list goes on.
        run_id: the one that begins so alone.
    """
    with context.store.reading() as session:
        look = Look(context, session, seen)
        by_id = {one.id: one for one in look.applications if application in (None, one.code)}
        if application is not None and not by_id:
            return None
        if run_id is not None:
            found = queries.run(session, run_id)
            rows = [row for row in found if row.application_id in by_id] if len(found) == 1 else []
        else:
            everything = application is None and seen.teams is None
            rows = queries.runs(session, None if everything else list(by_id), limit=limit, before=after)
        return list(lists.run_rows(look, rows, by_id))


def run_file(context: ServiceContext, run_id: str, seen: Visibility = EVERYTHING) -> bytes | None:
    """The file of a run, gzipped; None when there is none, or it is not seen."""
    rows = run_items(context, None, None, 1, seen, run_id=run_id)
    if not rows:
        return None
    content = read_contents(context, [rows[0].run_id])[rows[0].run_id]
    return gzip.compress(json.dumps(content, sort_keys=True, separators=(",", ":")).encode(), mtime=0)


def activities(context: ServiceContext, runs: Sequence[RunRow], quantity: str | None = None) -> list[ActivityItem]:
    """Activities of some runs.

    Raises:
        StorageError: a run file cannot be read.
    """
    contents = read_contents(context, [run.run_id for run in runs])
    plain = {"entity", "quantity", "value", "unit", "method", "samples"}
    terms = context.workspace.nomenclature
    return [
        ActivityItem(
            run_id=run.run_id, measured_at=run.measured_at, entity=row["entity"], quantity=row["quantity"],
            value=row["value"], unit=row.get("unit") or terms.quantity(row["quantity"]).unit,
            method=row.get("method", "measured"), samples=tuple(row.get("samples", ())),
            attributes={key: value for key, value in row.items() if key not in plain},
        )
        for run in runs
        for row in contents[run.run_id]["activities"]
        if quantity in (None, row["quantity"])
    ]  # fmt: skip


def impacts(context: ServiceContext, query: ImpactQuery, seen: Visibility = EVERYTHING) -> list[ImpactItem] | None:
    """Figures of one thing, or of everything of a level that is seen; None when it does not exist or is not seen.

    Returns:
        One more than the limit when there are further ones.

    Raises:
        UsageError: a level, granularity, indicator or month that does not exist.
    """
    series = query.series
    check(series)
    with context.store.reading() as session:
        look = Look(context, session, seen, None, series.indicator)
        if series.ref or series.level == "organisation":
            ref = ref_of(look, series)
            if ref is None:
                return None
            codes = {ref: series.ref}
        else:
            codes = _all(look, series.level)
        first, last = span_of(look, series)
        rows = queries.figures(
            session, look.kind(series.level, granularity=series.granularity), list(codes), (first, last),
            (query.position, query.limit + 1),
        )  # fmt: skip
        per = "/visit" if series.granularity == "run" else ""
        return [
            ImpactItem(
                level=series.level, ref=codes[row.ref], period=row.period, run_id=row.run_id, indicator=row.indicator,
                tier=row.tier, phase=row.phase, accounting=look.method.accounting, value=row.value, low=row.low,
                high=row.high, unit=look.unit + per, shares=row.shares, visits=row.units, source=row.source or "",
                method=look.stamp.method, factors_hash=look.stamp.factors_hash,
            )
            for row in rows
        ]  # fmt: skip


def _all(look: Look, level: str) -> dict[str, str]:
    """Codes of everything of a level that is seen, by id."""
    applications = {one.id: one.code for one in look.applications}
    if level == "application":
        return applications
    if level == "team":
        return {one.id: one.code for one in look.teams.values() if look.seen.teams is None or one.id in look.seen.teams}
    return {
        one.id: f"{applications[one.application_id]}/{one.code}"
        for one in queries.journeys(look.session, list(applications))
    }
