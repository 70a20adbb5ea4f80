# SPDX-License-Identifier: Apache-2.0
"""The month that a bill tells: what it costs today, what runs, and so what the workload asks for elsewhere."""

from __future__ import annotations

import calendar
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, Final

from lichen.catalogue import machines, regions
from lichen.catalogue.prices import Price
from lichen.errors import FactorNotFound, UsageError
from lichen.ledger import Selection
from lichen.portfolio.scenarios import HOURS, LEVELS, SECONDS_PER_HOUR, Demand, Level, Spread
from lichen.records import Activity
from lichen.service.board.gathering import summable, total_documents
from lichen.service.context import ServiceContext
from lichen.service.evaluation import parse_document
from lichen.service.simulate.billed_prices import unit_prices
from lichen.service.simulate.pricing import Market
from lichen.service.simulate.result import BillLine, Note
from lichen.service.simulate.scenario import FromBill
from lichen.units import BYTE_PER_GB

USUAL_LOAD: Final = Spread(0.05, 0.2, 0.6)
"""Load of rented CPUs where neither the bill nor a factor tells it."""
BY_USE_LOAD: Final = Spread(0.3, 0.7, 1.0)
"""Load of CPUs that are paid by use: a function waits for its database while it is paid. Assumed."""
BY_USE_PEAK: Final = 2.0
"""Peak over mean of what is paid by use, which no bill tells. Assumed."""
_SOURCE: Final = "bill"
_DATABASE: Final = "database"
_MONTHS_TOLD: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Billed:
    """What a month of an application's bills tells.

    Attributes:
        provider, region (``provider:region``), zone: of the dearest part.
        costs: by service and currency, effective cost.
        needs: what the workload asks for, at three levels of the load of its CPUs; requests are not on a bill.
        prices: effective cost over quantity, which go before list prices.
        facts: what is told with the answer; ``coverage`` is the share of the cost that has physical quantities.
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


def read_billed(context: ServiceContext, asked: FromBill) -> Billed:
    """A month of an application, from the ledger.

    Raises:
        UsageError: no bill was imported, or none tells of this application in this month.
    """
    sources = [one for one in context.ledger.sources() if one.partition(":")[0] == _SOURCE]
    if not sources:
        raise UsageError(
            "No bill has been imported.", repair="Import one: lichen import bills FILE.", culprit=asked.application
        )
    days = calendar.monthrange(asked.month.year, asked.month.month)[1]
    end = asked.month + timedelta(days=days)
    chosen = Selection(applications=[asked.application], sources=sources, first_day=asked.month, end_day=end)
    costs = context.ledger.costs(("service", "region", "coverage"), selection=chosen)
    if not costs:
        raise _no_bill(context, sources, asked)
    physical = replace(chosen, quantities=summable(context))
    rows = context.ledger.totals(("region", "platform", "family", "attributes"), peaks=(), selection=physical)
    documents = total_documents(context, physical, ("application",)).get((asked.application,), [])
    activities, _ = parse_document(context.workspace, {"activities": documents})
    region = _dearest(costs)
    place = regions.find(region)
    seconds = days * 24 * SECONDS_PER_HOUR
    needs, count = _needs(rows, seconds, _load(context, asked))
    return Billed(
        provider=region.partition(":")[0],
        region=region,
        zone="" if place is None else place.zone,
        costs=_by_service(costs),
        activities=tuple(activities),
        needs=needs,
        machines=count,
        vcpus=needs["value"].peak_cpus / needs["value"].load_most,
        prices=unit_prices(context.ledger, chosen, seconds, asked),
        notes=_notes(costs, rows, asked),
        facts={"coverage": _coverage(costs)},
    )


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


def _by_service(costs: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for row in costs:
        place = str(row["service"] or ""), str(row["currency"])
        found[place] = found.get(place, 0.0) + float(row["effective"])
    return found


def _dearest(costs: Iterable[Mapping[str, Any]]) -> str:
    found: dict[str, float] = {}
    for row in costs:
        if row["region"]:
            found[row["region"]] = found.get(row["region"], 0.0) + float(row["effective"])
    return max(found, key=lambda region: found[region]) if found else ""


def _coverage(costs: Iterable[Mapping[str, Any]]) -> float:
    """Share of the cost with physical quantities; purchases, taxes and credits are no usage."""
    of = {True: 0.0, False: 0.0}
    for row in costs:
        if row["coverage"] != "no_usage":
            of[row["coverage"] == "estimated"] += max(0.0, float(row["effective"]))
    whole = of[True] + of[False]
    return of[True] / whole if whole else 0.0


def _load(context: ServiceContext, asked: FromBill) -> Spread:
    if asked.utilisation is not None:
        return asked.utilisation
    try:
        factor = context.workspace.lookup("cloud.utilisation.usual", None)
    except FactorNotFound:
        return USUAL_LOAD
    return Spread(factor.low, factor.value, factor.high)


def _needs(rows: Iterable[Mapping[str, Any]], seconds: float, load: Spread) -> tuple[dict[Level, Demand], float]:
    """What runs in the mean, as a demand; and how many machines of a type that is."""
    sums: dict[str, float] = {}
    busy, peak = dict.fromkeys(LEVELS, 0.0), dict.fromkeys(LEVELS, 0.0)
    count = 0.0
    for row in rows:
        value = float(row["value"] or 0.0) / (BYTE_PER_GB if row["unit"] in ("B", "B.s") else 1.0)
        told = json.loads(row["attributes"] or "{}")
        stored = "database_" if row["family"] == _DATABASE else ""
        match row["quantity"]:
            case "vcpu_time" if stored:
                _add(sums, "database_vcpus", value / seconds)
            case "vcpu_time":
                rented = machines.find(row["platform"] or "") or {}
                by_use = rented.get("kind") != "instance"
                usual = BY_USE_LOAD if by_use else load
                for level in LEVELS:
                    used = value / seconds * float(told.get("utilisation", usual.at(level)))
                    busy[level] += used
                    peak[level] += BY_USE_PEAK * used if by_use else max(used, value / seconds * Demand().load_most)
            case "instance_time":
                facts = machines.find(row["platform"] or "") or {}
                _add(sums, f"{stored}memory_gb", float(facts.get("memory_gb", 0.0)) * value / seconds)
                count += value / seconds
            case "memory_byte_seconds":
                _add(sums, f"{stored}memory_gb", value / seconds)
            case "storage_byte_seconds":
                kind = "database" if stored else "storage" if told.get("storage_class") == "hdd" else "disk"
                _add(sums, f"{kind}_gb", value / seconds)
            case "network_bytes" if told.get("path") in ("internet", "cdn"):
                _add(sums, "egress_gb", value)
    return {level: _demand(sums, busy[level], peak[level]) for level in LEVELS}, count


def _add(sums: dict[str, float], name: str, value: float) -> None:
    sums[name] = sums.get(name, 0.0) + value


def _demand(sums: Mapping[str, float], mean_cpus: float, peak_cpus: float) -> Demand:
    """Rented CPUs are taken as sized for their peak: that is what they carry with the usual headroom."""
    return Demand(
        cpu_s=mean_cpus * HOURS * SECONDS_PER_HOUR,
        peak_cpus=peak_cpus,
        memory_gb=sums.get("memory_gb", 0.0),
        storage_gb=sums.get("storage_gb", 0.0),
        disk_gb=sums.get("disk_gb", 0.0),
        egress_gb=sums.get("egress_gb", 0.0),
        database_gb=sums.get("database_gb", 0.0),
        database_vcpus=sums.get("database_vcpus", 0.0),
        database_memory_gb=sums.get("database_memory_gb", 0.0),
    )


def _merged(billed: Demand, declared: Demand, *, cpu_known: bool) -> Demand:
    found = replace(
        billed, requests=declared.requests, peak_requests_per_s=declared.peak_requests_per_s,
        duration_s=declared.duration_s, load_most=declared.load_most, spare=declared.spare,
        function_memory_gb=declared.function_memory_gb, queries=declared.queries,
    )  # fmt: skip
    return replace(found, cpu_s=declared.cpu_s, peak_cpus=declared.peak_cpus) if cpu_known and declared.cpu_s else found


def _notes(costs: Sequence[Mapping[str, Any]], rows: Sequence[Mapping[str, Any]], asked: FromBill) -> tuple[Note, ...]:
    found = [Note(code="billed", facts={"month": f"{asked.month:%Y-%m}", "coverage": _coverage(costs)})]
    whole = sum(float(row["effective"]) for row in costs)
    rest = sum(float(row["effective"]) for row in costs if row["coverage"] == "no_usage")
    if whole and rest:
        found.append(Note(code="billed_rest", facts={"share": rest / whole}))
    loads = [json.loads(row["attributes"] or "{}") for row in rows if row["quantity"] == "vcpu_time"]
    if asked.utilisation is None and any("utilisation" not in one for one in loads):
        found.append(Note(code="load_usual"))
    found.append(Note(code="peak_from_bill"))
    return tuple(found)
