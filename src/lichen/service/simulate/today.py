# SPDX-License-Identifier: Apache-2.0
"""The month that a bill tells: what it costs today, what runs, and so what the workload asks for elsewhere."""

from __future__ import annotations

import calendar
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from lichen.catalogue import regions
from lichen.catalogue.prices import Price
from lichen.errors import FactorNotFound, UsageError
from lichen.ledger import Selection
from lichen.portfolio.coverage import NO_USAGE, coverage_of_cost
from lichen.portfolio.scenarios import HOURS, LEVELS, SECONDS_PER_HOUR, Demand, Level, Spread
from lichen.portfolio.sources import SourceKind
from lichen.records import Activity
from lichen.service.bills.days import Told, ToldDays
from lichen.service.board.gathering import sources_of, summable, total_documents
from lichen.service.context import ServiceContext
from lichen.service.evaluation import parse_document
from lichen.service.simulate.billed_needs import needs_of, rented_by_core, workload_rows
from lichen.service.simulate.billed_prices import unit_prices
from lichen.service.simulate.pricing import Market
from lichen.service.simulate.result import BillLine, Note
from lichen.service.simulate.scenario import FromBill

USUAL_LOAD: Final = Spread(0.05, 0.2, 0.6)
"""Load of rented CPUs where neither the bill nor a factor tells it."""
_SOURCE: Final = "bill"
_MONTHS_TOLD: Final = 6
_NAMES_TOLD: Final = 3
_DAY_H: Final = 24
_BY_MONTH: Final = frozenset({"storage"})
"""Families whose prices are of a month, however long it is; the others' are of hours or amounts."""
_APART: Final = frozenset({"analytics", "ai", "requests", "other"})
"""Families that no way of hosting rents for the workload."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """What a month of an application's bills tells.

    Attributes:
        provider, region (``provider:region``), zone: of the dearest part.
        costs: by service and currency, effective cost.
        needs: what the workload asks for, at three levels of the load of its CPUs; requests are not on a bill.
        prices: effective cost over quantity, which go before list prices.
        notes: of today's way. doubts: what stands in the way of comparing it with the others.
        facts: what is told with the answer; ``coverage`` is the share of the cost that has physical quantities. Where there is
            any: ``not_compared`` is the money of taxes, credits, fees and purchases in the currency of the answer, as it is
            billed, and ``not_compared_share`` its share of today's bill, or of what that would be without credits.
    """

    provider: str
    region: str
    zone: str
    costs: Mapping[tuple[str, str], float]
    activities: tuple[Activity, ...]
    needs: Mapping[Level, Demand]
    machines: float
    vcpus: float
    prices: tuple[Price, ...]
    notes: tuple[Note, ...]
    doubts: tuple[Note, ...]
    facts: Mapping[str, float]

    def lines(self, market: Market) -> tuple[BillLine, ...]:
        """The bill by service, the dearest first, in the currency of the answer."""
        found = [
            BillLine(
                role="billed", key=service, quantity=1.0, unit="month", count=0,
                money=_money(amount, market.rate(currency)), price=amount, price_currency=currency, status="own",
                source=_SOURCE,
            )
            for (service, currency), amount in self.costs.items()
        ]  # fmt: skip
        return tuple(sorted(found, key=lambda line: -line.money.value))

    def demand(self, declared: Mapping[Level, Demand], *, cpu_known: bool) -> dict[Level, Demand]:
        """What the bill tells, with what was declared in its place.

        Args:
            declared: requests, headroom... cpu_known: whether the CPU time of its requests is more than a guess.
        """
        return {level: _merged(self.needs[level], declared[level], cpu_known=cpu_known) for level in LEVELS}


def read_billed(context: ServiceContext, asked: FromBill, market: Market) -> Billed:
    """A month of an application, from the ledger, as a month of `HOURS` of the days that are told.

    Args:
        market: rates of exchange.

    Raises:
        UsageError: no bill was imported, none tells of this application in this month, or a currency has no rate.
    """
    sources = sources_of(context, SourceKind.BILL)
    if not sources:
        raise UsageError(
            "No bill has been imported.", repair="Import one: lichen import bills FILE.", culprit=asked.application
        )
    days = calendar.monthrange(asked.month.year, asked.month.month)[1]
    end = asked.month + timedelta(days=days)
    chosen = Selection(applications=[asked.application], sources=sources, first_day=asked.month, end_day=end)
    costs = context.ledger.costs(("source", "service", "region", "family", "coverage"), selection=chosen)
    if not costs:
        raise _no_bill(context, sources, asked)
    all_days = ToldDays(context.ledger)
    told = {source: all_days.of(source, asked.month) for source in sources}
    physical = replace(chosen, quantities=summable(context))
    rows = context.ledger.totals(
        ("source", "region", "platform", "family", "method", "attributes"), peaks=(), selection=physical
    )
    documents = _documents(context, physical, told)
    activities, _ = parse_document(context.workspace, {"activities": documents})
    region = _dearest(costs, rows, market)
    place = regions.find(region)
    mean = [
        {**row, "value": None if row["value"] is None else row["value"] / _seconds(told[row["source"]])}
        for row in workload_rows(rows)
    ]
    needs, count = needs_of(mean, _load(context, asked))
    count += rented_by_core(context.ledger, chosen, told)
    return Billed(
        provider=region.partition(":")[0],
        region=region,
        zone="" if place is None else place.zone,
        costs=_by_service(costs, told),
        activities=tuple(activities),
        needs=needs,
        machines=count,
        vcpus=needs["value"].peak_cpus / needs["value"].load_most,
        prices=unit_prices(context.ledger, chosen, days * _DAY_H * SECONDS_PER_HOUR, asked),
        notes=tuple(_notes(costs, rows, told, asked, market)),
        doubts=tuple(_doubts(costs, told, asked, market)),
        facts={**_covered(costs, market), **_not_compared(costs, told, market)},
    )


def _seconds(told: Told) -> float:
    """Of the days that are told."""
    return told.count * _DAY_H * SECONDS_PER_HOUR


def _documents(context: ServiceContext, physical: Selection, told: Mapping[str, Told]) -> list[dict[str, Any]]:
    """What runs, as documents of activities of a month of `HOURS`."""
    found = []
    for (source,), documents in total_documents(context, physical, ("source",)).items():
        scale = HOURS * SECONDS_PER_HOUR / _seconds(told[source])
        # Entities of two sources are no one thing.
        found += [
            {
                **one,
                "entity": f"{one['entity']}.{source}",
                "value": None if one["value"] is None else one["value"] * scale,
            }
            for one in documents
        ]
    return found


def _no_bill(context: ServiceContext, sources: Sequence[str], asked: FromBill) -> UsageError:
    known = context.ledger.costs(
        ("application", "month"), selection=Selection(sources=sources, applications=[asked.application])
    )
    months = sorted({str(row["month"]) for row in known})[-_MONTHS_TOLD:]
    where = f"{asked.month:%Y-%m}"
    if months:
        return UsageError(
            f"No bill tells of '{asked.application}' in {where}.", repair=f"Months with a bill: {', '.join(months)}.",
            culprit=where,
        )  # fmt: skip
    return UsageError(
        f"No bill tells of '{asked.application}'.",
        repair="Name an application that a rule of [[bills.owner]] gives lines to.", culprit=asked.application,
    )  # fmt: skip


def _money(amount: float, rate: Spread) -> Spread:
    ends = sorted((amount * rate.low, amount * rate.high))
    return Spread(ends[0], amount * rate.value, ends[1])


def _by_service(costs: Iterable[Mapping[str, Any]], told: Mapping[str, Told]) -> dict[tuple[str, str], float]:
    """Cost of a month of `HOURS`; what nobody priced is left out."""
    found: dict[tuple[str, str], float] = {}
    for row in costs:
        if row["effective"] is not None:
            place = str(row["service"] or ""), str(row["currency"])
            found[place] = found.get(place, 0.0) + float(row["effective"]) * _of_month(row, told[row["source"]])
    return found


def _of_month(row: Mapping[str, Any], told: Told) -> float:
    """What a cost is multiplied by: taxes, fees and what lines of whole months bill stand as they are."""
    if row["coverage"] == NO_USAGE or not told.daily:
        return 1.0
    return told.to_month if row["family"] in _BY_MONTH else HOURS * SECONDS_PER_HOUR / _seconds(told)


def _dearest(costs: Iterable[Mapping[str, Any]], rows: Iterable[Mapping[str, Any]], market: Market) -> str:
    """The region that costs most; where no money is known, that in which most processors run."""
    found: dict[str, float] = {}
    for row in costs:
        if row["region"] and row["effective"] is not None:
            found[row["region"]] = found.get(row["region"], 0.0) + _amount(row, market)
    if not any(amount > 0 for amount in found.values()):
        found = {}
        for row in rows:
            if row["region"]:
                used = float(row["value"] or 0.0) if row["quantity"] == "vcpu_time" else 0.0
                found[row["region"]] = found.get(row["region"], 0.0) + used
    return max(found, key=lambda region: found[region]) if found else ""


def _amount(row: Mapping[str, Any], market: Market) -> float:
    """Effective cost in the currency of the answer; nothing where nobody told it."""
    return 0.0 if row["effective"] is None else float(row["effective"]) * market.rate(str(row["currency"])).value


def _covered(costs: Iterable[Mapping[str, Any]], market: Market) -> dict[str, float]:
    """Share of the cost of usage that has physical quantities; none where it cannot be told."""
    amounts: dict[str, Decimal] = {}
    for row in costs:
        amounts[row["coverage"]] = amounts.get(row["coverage"], Decimal(0)) + Decimal(repr(_amount(row, market)))
    share = coverage_of_cost(amounts)
    return {} if share is None else {"coverage": share}


def _not_compared(costs: Iterable[Mapping[str, Any]], told: Mapping[str, Told], market: Market) -> dict[str, float]:
    """What no way of hosting changes, and its share of today's bill; none without it, or without usage that costs anything."""
    rest = used = 0.0
    for row in costs:
        amount = _amount(row, market) * _of_month(row, told[row["source"]])
        rest, used = (rest + amount, used) if row["coverage"] == NO_USAGE else (rest, used + amount)
    whole = used + max(0.0, rest)
    return {"not_compared": rest, "not_compared_share": abs(rest) / whole} if rest and whole > 0 else {}


def _load(context: ServiceContext, asked: FromBill) -> Spread:
    if asked.utilisation is not None:
        return asked.utilisation
    try:
        factor = context.workspace.lookup("cloud.utilisation.usual", None)
    except FactorNotFound:
        return USUAL_LOAD
    return Spread(factor.low, factor.value, factor.high)


def _merged(billed: Demand, declared: Demand, *, cpu_known: bool) -> Demand:
    found = replace(
        billed, requests=declared.requests, peak_requests_per_s=declared.peak_requests_per_s,
        duration_s=declared.duration_s, load_most=declared.load_most, spare=declared.spare,
        function_memory_gib=declared.function_memory_gib, queries=declared.queries,
    )  # fmt: skip
    return replace(found, cpu_s=declared.cpu_s, peak_cpus=declared.peak_cpus) if cpu_known and declared.cpu_s else found


def _doubts(
    costs: Sequence[Mapping[str, Any]], told: Mapping[str, Told], asked: FromBill, market: Market
) -> Iterable[Note]:
    """Days that are not told, what no other way rents, and what nobody priced."""
    telling = {row["source"]: told[row["source"]] for row in costs}
    least = min(telling.values(), key=lambda one: one.count)
    if not least.whole:
        facts: dict[str, str | float] = {"month": f"{asked.month:%Y-%m}", "told": least.count, "days": least.of_month}
        if all(one.count == least.count for one in telling.values()):
            yield Note(code="billed_days", facts=facts)
        else:
            yield Note(code="billed_days_by", facts={**facts, "sources": _partial(telling)})
    whole = sum(_amount(row, market) for row in costs)
    apart = [
        row for row in costs if row["coverage"] != NO_USAGE and row["family"] in _APART and _amount(row, market) > 0
    ]
    if apart and whole > 0:
        share = sum(_amount(row, market) for row in apart) / whole
        yield Note(code="billed_apart", facts={"share": share, "services": _services(apart)})
    unpriced = [row for row in costs if row["effective"] is None]
    if unpriced:
        yield Note(code="billed_unpriced", facts={"services": _services(unpriced)})


def _notes(
    costs: Sequence[Mapping[str, Any]],
    rows: Sequence[Mapping[str, Any]],
    told: Mapping[str, Told],
    asked: FromBill,
    market: Market,
) -> Iterable[Note]:
    """How the bill was read."""
    month, covered = f"{asked.month:%Y-%m}", _covered(costs, market)
    yield (
        Note(code="billed", facts={"month": month, **covered})
        if covered
        else Note(code="billed_free", facts={"month": month})
    )
    if any(told[row["source"]].daily for row in costs):
        hours = calendar.monthrange(asked.month.year, asked.month.month)[1] * _DAY_H
        yield Note(code="billed_hours", facts={"month": month, "hours": hours})
    loads = [json.loads(row["attributes"] or "{}") for row in rows if row["quantity"] == "vcpu_time"]
    if asked.utilisation is None and any("utilisation" not in one for one in loads):
        yield Note(code="load_usual")
    yield Note(code="peak_from_bill")


def _partial(telling: Mapping[str, Told]) -> str:
    """Bills that do not tell all days, each with how many it tells, the first of them."""
    lacking = sorted((one.count, source, one) for source, one in telling.items() if not one.whole)
    return _first([f"{source} ({one.count}/{one.of_month})" for _, source, one in lacking])


def _services(rows: Iterable[Mapping[str, Any]]) -> str:
    """Names of services, the first of them."""
    return _first(sorted({str(row["service"] or "") for row in rows} - {""}))


def _first(names: Sequence[str]) -> str:
    more = [f"+{len(names) - _NAMES_TOLD}"] if len(names) > _NAMES_TOLD else []
    return ", ".join([*names[:_NAMES_TOLD], *more])
