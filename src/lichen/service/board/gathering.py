# SPDX-License-Identifier: Apache-2.0
"""What an application's figures come from, and a fingerprint of each month: what is unchanged is not computed again."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final, TypeVar

from lichen.ledger import Selection
from lichen.ledger.sums import Key
from lichen.portfolio.sources import SourceKind
from lichen.records import canonical_json, digest
from lichen.service.board.periods import moved
from lichen.service.board.traffic import Share, by_month, daily
from lichen.service.board.units import Epochs
from lichen.service.context import ServiceContext
from lichen.store.queries import figures as queries
from lichen.store.queries.figures import DeclaredSource, JourneyFact, Owned, RunFact, TrafficFact

FINGERPRINT: Final = 16
"""Hexadecimal digits of a fingerprint."""
_LATER_MONTHS: Final = 12
"""How far apart two months may be whose difference is told apart by cause: the same month of the next year."""

_Fact = TypeVar("_Fact", JourneyFact, RunFact, TrafficFact, DeclaredSource)

_OF_A_ROW: Final = frozenset(("started_at", "ended_at", "duration_s"))
"""Attributes that tell activities of a month apart that are one in the month's sum."""
_ATTRIBUTES: Final[tuple[Key, ...]] = ("tier", "boundary", "zone", "region", "platform", "device", "network")
TOTAL: Final = "total"
"""First segment of entities that stand for many."""
_ENTITY: Final = 12
"""Hexadecimal digits of their second segment."""
_MONEY: Final = "currency"

Totals = Mapping[SourceKind, Sequence[Mapping[str, Any]]]
"""Activities of a month that a meter or a bill tells, as documents."""


@dataclass(frozen=True, slots=True)
class JourneyMonths:
    """A journey with its runs, the oldest first, and its months."""

    fact: JourneyFact
    runs: Sequence[RunFact]
    months: Mapping[date, Share]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """An application with what its figures come from.

    Attributes:
        visits: by month. totals: of meters and bills, by month. declared: sources of its tiers, the oldest first.
    """

    owned: Owned
    journeys: Sequence[JourneyMonths]
    visits: Mapping[date, float]
    totals: Mapping[date, Totals]
    declared: Sequence[DeclaredSource]

    def months(self) -> list[date]:
        """Months that anything is known of, the oldest first."""
        of_journeys = (month for journey in self.journeys for month in journey.months)
        return sorted({*self.visits, *self.totals, *of_journeys})

    def runs(self, months: Collection[date]) -> Iterator[tuple[str, date]]:
        """Runs that some months rest on, with those."""
        for journey in self.journeys:
            for month, share in journey.months.items():
                if month in months:
                    yield from ((run_id, month) for run_id in share.runs)

    def sources_on(self, month: date) -> dict[str, SourceKind]:
        """The source that is declared for each tier on the last day of a month."""
        last = moved(month, 1) - timedelta(days=1)
        return {one.tier: SourceKind(one.source) for one in self.declared if one.valid_from <= last}

    def fingerprints(self, epochs: Epochs, today: date) -> dict[date, str]:
        """By month: another one whenever its figures may have changed, under the same method and factors."""
        return {
            month: digest(
                [
                    self.visits.get(month),
                    [
                        [one.fact.journey_id, one.fact.code, share.visits, sorted(share.runs.items())]
                        for one in self.journeys
                        if (share := one.months.get(month)) is not None
                    ],
                    {str(kind): list(rows) for kind, rows in self.totals.get(month, {}).items()},
                    {tier: str(source) for tier, source in sorted(self.sources_on(month).items())},
                    [later.isoformat() for later in later_factors(epochs, month, today)],
                ]
            )[:FINGERPRINT]
            for month in self.months()
        }


def later_factors(epochs: Epochs, month: date, today: date) -> list[date]:
    """Of the months after one, the first of each span of days whose factors are not those of the month."""
    found: dict[int, date] = {}
    for away in range(1, _LATER_MONTHS + 1):
        later = moved(month, away)
        if later <= today:
            found.setdefault(epochs.of(later), later)
    found.pop(epochs.of(month), None)
    return list(found.values())


def gather(
    context: ServiceContext, chosen: Sequence[Owned], totals: Mapping[str, Mapping[date, Totals]]
) -> list[Gathered]:
    """Some applications; journeys that a run measured and nobody declared are made.

    Args:
        totals: of meters and bills, by code of the application and month.
    """
    ids = [one.application_id for one in chosen]
    with context.store.reading() as session:
        journeys, runs = queries.journeys(session, ids), queries.runs(session, ids)
        traffic, declared = queries.traffic(session, ids), queries.declared_sources(session, ids)
    missing = {(run.application_id, code) for run in runs for code in run.journeys} - {
        (one.application_id, one.code) for one in journeys
    }
    if missing:
        with context.store.session() as session:
            queries.add_journeys(session, sorted(missing))
            journeys = queries.journeys(session, ids)
    of_journeys, of_runs, of_traffic = _by_application(journeys), _by_application(runs), _by_application(traffic)
    of_declared = _by_application(declared)
    return [
        _gathered(
            Gathered(
                owned=one, journeys=(), visits={}, totals=totals.get(one.code, {}),
                declared=of_declared.get(one.application_id, ()),
            ),
            of_journeys.get(one.application_id, ()), of_runs.get(one.application_id, ()),
            of_traffic.get(one.application_id, ()),
        )
        for one in chosen
    ]  # fmt: skip


def _by_application(rows: Sequence[_Fact]) -> dict[str, list[_Fact]]:
    found: dict[str, list[_Fact]] = {}
    for row in rows:
        found.setdefault(row.application_id, []).append(row)
    return found


def _gathered(
    empty: Gathered, journeys: Sequence[JourneyFact], runs: Sequence[RunFact], traffic: Sequence[TrafficFact]
) -> Gathered:
    """With its traffic. Visits that are known of the whole application and of no journey are spread evenly over the journeys
    that were measured."""
    of_journey: dict[str | None, list[TrafficFact]] = {}
    for row in traffic:
        of_journey.setdefault(row.journey_id, []).append(row)
    by_journey = {fact.journey_id: daily(of_journey.get(fact.journey_id, ())) for fact in journeys}
    of_it = daily(of_journey.get(None, ()))
    own = {fact.journey_id: [run for run in runs if fact.code in run.journeys] for fact in journeys}
    measured = [fact.journey_id for fact in journeys if own[fact.journey_id]]
    if of_it and not any(by_journey.values()):
        by_journey = {
            journey: {day: None if count is None else count / len(measured) for day, count in of_it.items()}
            for journey in measured
        }
    months = {fact.journey_id: by_month(by_journey.get(fact.journey_id, {}), own[fact.journey_id]) for fact in journeys}
    visits: dict[date, list[float]] = {}
    for share_of in [by_month(of_it, ())] if of_it else months.values():
        for month, share in share_of.items():
            visits.setdefault(month, []).append(share.visits)
    return replace(
        empty,
        journeys=[JourneyMonths(fact, own[fact.journey_id], months[fact.journey_id]) for fact in journeys],
        visits={month: math.fsum(counts) for month, counts in visits.items()},
    )


def read_totals(
    context: ServiceContext, codes: Collection[str] | None, months: Collection[date] | None = None
) -> dict[str, dict[date, Totals]]:
    """Activities that meters and bills tell, by application and month; the ledger adds up the same things of a month.

    Args:
        codes: of these applications alone; None: of all.
        months: of these and those between them alone; None: of all.
    """
    first, end = (min(months), moved(max(months), 1)) if months else (None, None)
    found: dict[str, dict[date, dict[SourceKind, Sequence[Mapping[str, Any]]]]] = {}
    for kind in (SourceKind.METER, SourceKind.BILL):
        sources = sources_of(context, kind)
        if sources:
            selection = Selection(
                applications=codes, sources=sources, quantities=summable(context), first_day=first, end_day=end
            )
            # What a meter reads supersedes a model of the same entity, so that entities of meters stay apart.
            summed = total_documents(context, selection, ("application", "month"), entities=kind is SourceKind.METER)
            for (code, month), documents in summed.items():
                found.setdefault(code, {}).setdefault(date.fromisoformat(f"{month}-01"), {})[kind] = documents
    return {code: dict(sorted(months.items())) for code, months in sorted(found.items())}


def state_of_totals(context: ServiceContext) -> str:
    """Another one whenever a meter or a bill may tell something else; known without reading a row."""
    sources = [*sources_of(context, SourceKind.METER), *sources_of(context, SourceKind.BILL)]
    return context.ledger.state(sources) if sources else ""


def sources_of(context: ServiceContext, kind: SourceKind) -> list[str]:
    """Sources of the ledger that are meters, or bills."""
    return sorted(source for source in context.ledger.sources() if source.partition(":")[0] == str(kind))


def summable(context: ServiceContext) -> list[str]:
    """Quantities that add up and are no money."""
    nomenclature = context.workspace.nomenclature
    return [
        name for name in nomenclature.names("quantity")
        if nomenclature.quantity(name).additive and nomenclature.quantity(name).unit != _MONEY
    ]  # fmt: skip


def total_documents(
    context: ServiceContext, selection: Selection, by: Sequence[Key], *, entities: bool = False
) -> dict[tuple[str, ...], list[dict[str, Any]]]:
    """Activities of the basis ``total``, added up by columns and attributes, as the model reads them.

    Args:
        selection: of additive quantities alone.
        by: columns, whose values are the keys of the result; an absent one is an empty text.
        entities: whether entities stay apart. Otherwise what shares its attributes is one entity: the resources of a bill are too
            many to be looked at one by one, and each alike.
    """
    columns = (*by, *_ATTRIBUTES, "attributes", "method", *(("entity",) if entities else ()))
    sums: dict[tuple[str, ...], dict[str, tuple[dict[str, Any], list[float | None]]]] = {}
    for row in context.ledger.totals(columns, peaks=(), selection=selection):
        if row["basis"] != "total":
            continue
        attributes = {name: row[name] for name in _ATTRIBUTES if row[name] is not None}
        attributes |= json.loads(row["attributes"]) if row["attributes"] else {}
        attributes = {"tier": "server"} | {key: value for key, value in attributes.items() if key not in _OF_A_ROW}
        entity = row["entity"] if entities else f"{TOTAL}/{digest(attributes, _ENTITY)}"
        told = {"entity": entity, **{name: row[name] for name in ("quantity", "unit", "method")}, "basis": "total"}
        place = tuple(row[name] or "" for name in by)
        key = canonical_json([attributes, told]).decode()
        sums.setdefault(place, {}).setdefault(key, (attributes | told, []))[1].append(row["value"])
    return {
        place: [
            document | {"value": None if None in values else math.fsum(one for one in values if one is not None)}
            for _, (document, values) in sorted(rows.items())
        ]
        for place, rows in sorted(sums.items())
    }
