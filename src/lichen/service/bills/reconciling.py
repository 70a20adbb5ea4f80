# SPDX-License-Identifier: Apache-2.0
"""Figures of bills beside those of their providers, by account, service, region and month: like with like, and why they differ.

What runs is held against scope 2 by location, with scope 1 where it is told; making against scope 3; the whole against all
scopes, which hold the supply of electricity like a method that counts its life cycle. Figures by market are never compared. A row
of either side that the other one lacks stays.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any, Final

from lichen.collect.bills.carbon.row import EMISSIONS
from lichen.collect.bills.carbon.services import one_name
from lichen.errors import UsageError
from lichen.ledger import Selection
from lichen.model.method import Method
from lichen.portfolio.coverage import coverage_of_cost
from lichen.portfolio.sources import SourceKind
from lichen.service.bills.carbon import KIND
from lichen.service.bills.differing import Reason, Sides, reasons
from lichen.service.bills.reconciled import months_of
from lichen.service.board.gathering import sources_of, summable, total_documents
from lichen.service.board.periods import moved
from lichen.service.context import ServiceContext
from lichen.service.evaluation import evaluate_activities, parse_document

_GWP: Final = "gwp100"
_LIFE_CYCLE: Final = frozenset({"grid.gwp100", "boavizta.grid.gwp100"})
"""Factors of electricity from its fuels to the plug; those of Cloud Carbon Footprint are of power plants alone."""
_LOCATION: Final = "location"
Span = tuple[date | None, date | None]
"""First day, and the day after the last; None: without an end."""
_PROVIDERS: Final = frozenset({"aws", "azure", "gcp", "oci", "ovhcloud", "scaleway"})


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """What both sides tell of; a word is empty where the provider adds up over it."""

    month: str
    provider: str
    account: str
    service: str
    region: str


@dataclass(slots=True)
class Ours:
    """What the method makes of the bill [gCO2e], with its range, and how much of the cost it rests on."""

    use: float = 0.0
    use_low: float = 0.0
    use_high: float = 0.0
    making: float = 0.0
    estimated: bool = False
    costs: dict[str, dict[str, Decimal]] = field(default_factory=dict)

    @property
    def coverage(self) -> float | None:
        """By the currency with the highest cost; None where usage costs nothing."""
        if not self.costs:
            return None
        return coverage_of_cost(max(self.costs.values(), key=lambda amounts: sum(map(abs, amounts.values()))))


@dataclass(slots=True)
class Theirs:
    """What the provider says [gCO2e], by (scope, accounting).

    Attributes:
        twice: whether a second source tells of the same; the first by name counts.
    """

    values: dict[tuple[str, str], float] = field(default_factory=dict)
    sources: dict[tuple[str, str], str] = field(default_factory=dict)
    twice: bool = False

    @property
    def operational(self) -> float | None:
        """Scope 2 by location, with scope 1; None where scope 2 is not told so."""
        second = self.values.get(("2", _LOCATION))
        return None if second is None else second + self.values.get(("1", _LOCATION), 0.0)

    @property
    def making(self) -> float | None:
        """Scope 3."""
        return self.values.get(("3", _LOCATION))

    @property
    def total(self) -> float | None:
        """All scopes by location, where they are not told apart."""
        return self.values.get(("total", _LOCATION)) if self.operational is None else None

    @property
    def whole(self) -> float | None:
        """All scopes by location, whether they are told apart or not."""
        if self.operational is None or self.making is None:
            return self.total
        return self.operational + self.making


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Both sides of a place [gCO2e]; None where a side tells nothing.

    Attributes:
        operational, making, total: the provider's; total where it tells no scopes apart.
        ratio_use, ratio_making, ratio_total: ours over theirs; None where one lacks or theirs is zero. The last one is of all
            scopes, whether they are told apart or not.
        coverage: share of the cost of usage that our figure rests on.
        costs: of usage, by currency and by what became of it.
    """

    place: Place
    use: float | None
    use_low: float | None
    use_high: float | None
    embodied: float | None
    operational: float | None
    making: float | None
    total: float | None
    ratio_use: float | None
    ratio_making: float | None
    ratio_total: float | None
    coverage: float | None
    why: Sequence[Reason]
    costs: Mapping[str, Mapping[str, Decimal]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """All places, the newest month first, and what was applied."""

    method: str
    factors_hash: str
    rows: Sequence[Row]

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        rows = []
        for row in self.rows:
            told = asdict(row)
            del told["costs"]
            rows.append({**told.pop("place"), **told, "why": [str(one) for one in row.why]})
        months = [asdict(one) for one in months_of(self.rows)]
        return {
            "method": self.method, "factors_hash": self.factors_hash, "unit": "gCO2e", "months": months, "rows": rows
        }  # fmt: skip


def reconcile(
    context: ServiceContext, method_id: str, *, month: str | None = None, source: str | None = None
) -> Reconciliation:
    """Holds bills against what providers say.

    Args:
        month: ``YYYY-MM``; None: all that either side tells of.
        source: of the bill, with or without ``bill:``; None: all bills.

    Raises:
        UsageError: there is no bill, or no such source or month.
        StorageError: the ledger is away.
    """
    return reconcile_between(context, method_id, _bills(context, source), _span(month))


def reconcile_between(context: ServiceContext, method_id: str, bills: Sequence[str], span: Span) -> Reconciliation:
    """Holds bills against what providers say of some days.

    Args:
        bills: sources of the ledger. span: first day and the day after the last; None: without an end.

    Raises:
        StorageError: the ledger is away.
    """
    workspace = context.workspace
    method = workspace.method(method_id)
    theirs, known = _theirs(context, span)
    ours = _ours(context, method_id, bills, span)
    told = _told(theirs)
    mine: dict[Place, Ours] = {}
    for place, one in ours.items():
        _added(mine.setdefault(_folded(place, told.get((place.month, place.provider), _NOTHING)), Ours()), one)
    only_mine, only_theirs = mine.keys() - theirs.keys(), theirs.keys() - mine.keys()
    rows = [
        _row(
            place, mine.get(place), theirs.get(place), only_mine if place in theirs else only_theirs,
            known.get(place.provider, ()), life_cycle=_of_life_cycle(method),
        )
        for place in sorted({*mine, *theirs}, key=lambda place: (_down(place.month), place))
    ]  # fmt: skip
    return Reconciliation(method=method.method_id, factors_hash=workspace.factors.hash(), rows=rows)


_NOTHING: Final = frozenset({"account", "service", "region"})
"""What is told apart where the provider says nothing: all."""


def _down(month: str) -> int:
    return -int(month.replace("-", ""))


def _span(month: str | None) -> Span:
    if month is None:
        return None, None
    try:
        first = date.fromisoformat(f"{month}-01")
        return first, moved(first, 1)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"'{month}' is no month.", repair="Write it as 2026-10.", culprit="--month") from error


def _bills(context: ServiceContext, source: str | None) -> list[str]:
    there = sources_of(context, SourceKind.BILL)
    chosen = [one for one in there if source in (None, one, one.partition(":")[2])]
    if not chosen:
        names = ", ".join(there) or "none yet: lichen import bills"
        what = f"There is no bill '{source}' in the ledger." if source else "There is no bill in the ledger."
        raise UsageError(what, repair=f"Bills: {names}.", culprit=source or "bills")
    return chosen


def _ours(context: ServiceContext, method_id: str, bills: Sequence[str], span: Span) -> dict[Place, Ours]:
    """Figures and costs of bills at the finest grain."""
    workspace = context.workspace
    method = workspace.method(method_id)
    first, end = span
    physical = Selection(sources=bills, quantities=summable(context), first_day=first, end_day=end)
    found: dict[Place, Ours] = {}
    by_month: dict[str, list[dict[str, Any]]] = {}
    places: list[Place] = []
    numbers: dict[Place, int] = {}
    for (source, month, account, service), documents in total_documents(
        context, physical, ("source", "month", "account", "service")
    ).items():
        for document in documents:
            region = str(document.get("region") or "")
            provider = _provider(region, str(document.get("platform") or ""), source)
            place = Place(month, provider, account, one_name(provider, service), region)
            if place not in numbers:
                numbers[place] = len(places)
                places.append(place)
            entity = f"{numbers[place]}/{document['entity'].replace('/', '-')}"
            by_month.setdefault(month, []).append({**document, "entity": entity})
    for month, documents in by_month.items():
        activities, said = parse_document(workspace, {"activities": documents})
        evaluation = evaluate_activities(workspace, method, activities, said, on=date.fromisoformat(f"{month}-01"))
        for total in evaluation.totals(lambda entity: entity.partition("/")[0]):
            if total.indicator != _GWP or total.accounting != _LOCATION:
                continue
            one = found.setdefault(places[int(total.entity)], Ours())
            one.estimated = True
            if total.phase == "use":
                one.use, one.use_low, one.use_high = total.value, total.low, total.high
            else:
                one.making = total.value
    money = Selection(sources=bills, quantities=["cost"], first_day=first, end_day=end)
    for row in context.ledger.costs(("source", "month", "account", "service", "region", "coverage"), selection=money):
        if row["effective"] is None:
            continue
        provider = _provider(row["region"] or "", "", row["source"])
        place = Place(
            row["month"], provider, row["account"] or "", one_name(provider, row["service"] or ""), row["region"] or ""
        )
        amounts = found.setdefault(place, Ours()).costs.setdefault(row["currency"] or "", {})
        amounts[row["coverage"]] = amounts.get(row["coverage"], Decimal(0)) + row["effective"]
    return found


def _provider(region: str, platform: str, source: str) -> str:
    """Of a row of a bill: its region and its platform name it, else the source does."""
    told = (region.partition(":")[0], platform.partition(":")[0], source.partition(":")[2].partition("-")[0])
    return next((one for one in told if one in _PROVIDERS), "")


def _theirs(context: ServiceContext, span: Span) -> tuple[dict[Place, Theirs], dict[str, set[str]]]:
    """What providers say, and the months that each of them tells of."""
    sources = vendor_sources(context)
    found: dict[Place, Theirs] = {}
    known: dict[str, set[str]] = {}
    if not sources:
        return found, known
    for row in context.ledger.rows("activities", Selection(sources=sources, quantities=[EMISSIONS])):
        tags = json.loads(row["tags"] or "{}")
        told = json.loads(row["attributes"] or "{}")
        provider = tags.get("provider", "")
        known.setdefault(provider, set()).add(row["month"])
        if span[0] is not None and span[1] is not None and not span[0] <= row["day"] < span[1]:
            continue
        place = Place(
            row["month"], provider, row["account"] or "", one_name(provider, row["service"] or ""),
            row["region"] or tags.get("region", ""),
        )  # fmt: skip
        one = found.setdefault(place, Theirs())
        key = told.get("scope", ""), told.get("accounting", "")
        if one.sources.setdefault(key, row["source"]) == row["source"]:
            one.values[key] = one.values.get(key, 0.0) + row["value"]
        else:
            one.twice = True
    return found, known


def vendor_sources(context: ServiceContext) -> list[str]:
    """Sources of the ledger that are carbon exports of providers."""
    return sorted(one for one in context.ledger.sources() if one.partition(":")[0] == KIND)


def _told(theirs: Iterable[Place]) -> dict[tuple[str, str], frozenset[str]]:
    """What each provider tells apart in each month."""
    found: dict[tuple[str, str], set[str]] = {}
    for place in theirs:
        names = (name for name in ("account", "service", "region") if getattr(place, name))
        found.setdefault((place.month, place.provider), set()).update(names)
    return {key: frozenset(names) for key, names in found.items()}


def _folded(place: Place, told: frozenset[str]) -> Place:
    """A place as coarse as the provider's."""
    return replace(place, **dict.fromkeys(_NOTHING - told, ""))


def _added(one: Ours, other: Ours) -> None:
    """Adds another figure; ranges of figures that share their factors are added end to end."""
    one.use += other.use
    one.use_low += other.use_low
    one.use_high += other.use_high
    one.making += other.making
    one.estimated |= other.estimated
    for currency, amounts in other.costs.items():
        sums = one.costs.setdefault(currency, {})
        for why, amount in amounts.items():
            sums[why] = sums.get(why, Decimal(0)) + amount


def _counterpart(place: Place, others: Iterable[Place]) -> bool:
    """Whether one of them differs in its service alone."""
    return any(replace(other, service=place.service) == place for other in others)


def _of_life_cycle(method: Method) -> bool:
    """Whether a method counts electricity from its fuels to the plug, as lists of life cycles do."""
    bound = (bound for one in method.derivations if one.indicator == _GWP for bound in one.step.bind.values())
    return any(one.kind == "factor" and one.name in _LIFE_CYCLE for one in bound)


def _row(
    place: Place, ours: Ours | None, theirs: Theirs | None, others: Iterable[Place], months: Collection[str],
    *, life_cycle: bool,
) -> Row:  # fmt: skip
    """Both sides of a place.

    Args:
        others: places that the other side alone has.
        months: that the provider tells of.
        life_cycle: whether the method's electricity is of the whole life cycle.
    """
    mine = ours if ours is not None and ours.estimated else None
    said = theirs or Theirs()
    both = None if mine is None else mine.use + mine.making
    ratios = (
        _ratio(None if mine is None else mine.use, said.operational),
        _ratio(None if mine is None else mine.making, said.making),
        _ratio(both, said.total),
    )
    sides = Sides(
        ours=ours is not None, theirs=theirs is not None, estimated=mine is not None,
        coverage=None if ours is None else ours.coverage, values=said.values, ratios=ratios,
        zero=bool(mine and mine.use) and 0.0 in (said.operational, said.total),
        counterpart=(ours is None or theirs is None) and _counterpart(place, others),
        exported=bool(months), published=place.month in months, twice=said.twice,
        life_cycle=life_cycle,
    )  # fmt: skip
    return Row(
        place=place,
        use=None if mine is None else mine.use,
        use_low=None if mine is None else mine.use_low,
        use_high=None if mine is None else mine.use_high,
        embodied=None if mine is None else mine.making,
        operational=said.operational,
        making=said.making,
        total=said.total,
        ratio_use=ratios[0],
        ratio_making=ratios[1],
        ratio_total=_ratio(both, said.whole),
        coverage=None if ours is None else ours.coverage,
        why=reasons(sides),
        costs={} if ours is None else ours.costs,
    )


def _ratio(ours: float | None, theirs: float | None) -> float | None:
    return None if ours is None or not theirs else ours / theirs
