# SPDX-License-Identifier: Apache-2.0
"""Charges that were understood, as rows of the ledger's ``activities``: physical quantities, and money. All of it is Ibis.

A charge is first reduced to what counts (`keyed`): its meter and its owner are numbers then. Each application gets its part of
it (`owned`), and the parts are summed at the grain of the ledger: a resource and a day. Sums are DECIMAL, so that they are the
same in whatever order an engine meets the rows; byte-seconds are summed in GB.s, where they have room.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import ibis
import ibis.expr.datatypes as dt

from lichen.collect.bills.line import DECIMAL, METER, OWNER
from lichen.collect.bills.lines import COUNT, added
from lichen.collect.bills.meter import ESTIMATED, Reason
from lichen.collect.bills.reading import as_day

if TYPE_CHECKING:
    import ibis.expr.types as ir

COST: Final = "cost"
LARGE: Final = "B.s"
SCALE: Final = 1e9
MOST: Final = 1e18
"""Highest amount of a charge that can be meant: 30 billion vCPU-years, 30,000 exabytes for a year."""
MOST_INSTANCES: Final = 10_000
"""Instances that one resource can be; a hundred times as many where the bill names no resource."""
_DAY_S: Final = 86_400.0
_AMOUNT: Final = dt.Decimal(*DECIMAL)
_TIMED: Final = ("instance_time", "vcpu_time")
"""Quantities that a measured load belongs to."""
_PLACE: Final = ("application", "source", "period", "account", "service", "resource", "day", "region", "family")
_THING: Final = (*_PLACE, "quantity", "unit", "platform", "attributes", "method")
ONCE: Final = "once"
"""Lines, each in one of the parts that applications have of it."""
_BILLED: Final = (*_PLACE, "coverage", "currency")
_MONEY: Final = ("effective_cost", "billed_cost", "list_cost")
_SEPARATOR: Final = "\x1f"
_LONG: Final = (1, 3, 5, 7, 8, 10, 12)
_FEBRUARY: Final = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Understanding:
    """What was understood of the distinct keys of charges, as tables of the engine.

    Attributes:
        meters: columns `METER`, ``number``, ``family``, ``reason`` (empty where there are amounts).
        amounts: ``number``, ``quantity``, ``unit``, ``per_unit``, ``monthly``, ``platform``, ``attributes`` (a JSON object),
            ``open`` (the same, without its end and without a load), ``method``.
        owners: columns `OWNER`, ``owner``.
        shares: ``owner``, ``application``, ``pool``, ``low``, ``high``: from low to high, the whole is the application's.
        places: ``provider``, ``region``, ``place``: key of the catalogue, or empty.
        sources: ``provider``, ``payer``, ``source``.
        loads: ``resource``, ``first``, ``last``, ``load`` (a JSON number); None where none was measured.
    """

    meters: ir.Table
    amounts: ir.Table
    owners: ir.Table
    shares: ir.Table
    places: ir.Table
    sources: ir.Table
    loads: ir.Table | None = None


def keyed(charges: ir.Table, known: Understanding) -> ir.Table:
    """Charges with numbers in place of what says of what and whose they are. Days lie within their billing period."""
    rows = charges.mutate(day=in_period(charges.day, charges.period))
    for table, keys in (
        (known.meters, METER), (known.owners, OWNER), (known.places, ("provider", "region")),
        (known.sources, ("provider", "payer")),
    ):  # fmt: skip
        rows = rows.join(table, list(keys))
    return rows.select(
        "source", "period", "day", "account", "service", "resource", "currency", "number", "owner", "family", "reason",
        "quantity", *_MONEY, COUNT, region=rows.place,
    )  # fmt: skip


def moved(charges: ir.Table) -> ir.Table:
    """How many lines have a day outside of their billing period, as ``moved``; null for none."""
    outside = charges.filter((charges.day < charges.period) | (charges.day > _last(charges.period)))
    return outside.aggregate(moved=added(outside[COUNT]))


def in_period(day: ir.DateValue, period: ir.DateValue) -> ir.DateValue:
    """A day, or the nearest one of its billing period."""
    return ibis.greatest(period, ibis.least(day, _last(period)))


def _last(period: ir.DateValue) -> ir.DateValue:
    """Last day of a billing period."""
    return as_day(period + ibis.interval(months=1) - ibis.interval(days=1))


def owned(keyed: ir.Table, known: Understanding, pools: ir.Table | None = None) -> ir.Table:
    """The parts of applications: money is split to the last digit, and adds up to the whole.

    Args:
        pools: ``pool``, ``month`` (first day), ``currency``, ``application``, ``low``, ``high``; None: no charge is of a pool.
    """
    rows = keyed.join(known.shares, "owner")
    if pools is not None:
        rows = rows.mutate(month=_month(rows.day)).left_join(pools, ["pool", "month", "currency"])
        rows = rows.mutate(
            application=rows.application_right.fill_null(rows.application),
            low=rows.low_right.fill_null(rows.low),
            high=rows.high_right.fill_null(rows.high),
        )
    return rows.mutate(**{name: _part(rows[name], rows.low, rows.high) for name in _MONEY}).select(
        *keyed.columns, "application", "pool", "low", "high"
    )


def paid(owned: ir.Table) -> ir.Table:
    """What applications pay themselves, without what they share: ``application``, ``month``, ``currency``, ``amount``."""
    rows = owned.filter(owned.pool == "")
    rows = rows.mutate(month=_month(rows.day))
    return rows.group_by(["application", "month", "currency"]).aggregate(amount=rows.effective_cost.sum())


def pooled(keyed: ir.Table, known: Understanding) -> ir.Table:
    """The pools that have charges: ``pool``, ``month``, ``currency``."""
    rows = keyed.join(known.shares, "owner")
    rows = rows.filter(rows.pool != "")
    return rows.select("pool", "currency", month=_month(rows.day)).distinct()


def things(owned: ir.Table, known: Understanding) -> ir.Table:
    """Physical quantities at the grain of the ledger, with ``wrong``: the reason why a sum cannot be meant, empty mostly."""
    rows = _expanded(owned, known)
    clipped = ibis.ifelse(rows.amount.abs() <= MOST, rows.amount, ibis.ifelse(rows.amount > 0, MOST, -MOST))
    rows = rows.mutate(amount=clipped.cast(_AMOUNT))
    found = rows.group_by(list(_THING)).aggregate(total=rows.amount.sum())
    total = found.total.cast("float64")
    most_s = _DAY_S * MOST_INSTANCES * ibis.ifelse(found.resource == "", 100.0, 1.0)
    absurd = (total >= MOST) | ((found.quantity == "instance_time") & (total > most_s))
    wrong = ibis.cases((absurd, str(Reason.ABSURD)), (total < 0, str(Reason.NEGATIVE)), else_="")
    return found.mutate(value=total * ibis.ifelse(found.unit == LARGE, SCALE, 1.0), wrong=wrong).drop("total")


def rented(things: ir.Table) -> ir.Table:
    """Physical quantities of a bill by platform, region and attributes: these columns, ``quantity`` and ``value``."""
    rows = things.filter(things.wrong == "")
    rows = rows.mutate(exact=ibis.ifelse(rows.unit == LARGE, rows.value / SCALE, rows.value).cast(_AMOUNT))
    sums = rows.group_by(["platform", "region", "attributes", "quantity", "unit"]).aggregate(total=rows.exact.sum())
    value = sums.total.cast("float64") * ibis.ifelse(sums.unit == LARGE, SCALE, 1.0)
    return sums.mutate(value=value).drop("total", "unit")


def bills(owned: ir.Table, known: Understanding, wrong: ir.Table | None = None) -> ir.Table:
    """Money at the grain of the ledger, with what of it is covered.

    Args:
        wrong: of `things`, those that cannot be meant; None where there are none.
    """
    estimated = ibis.ifelse(owned.quantity.isnull(), str(Reason.NO_QUANTITY), ESTIMATED)
    rows = owned.mutate(coverage=ibis.ifelse(owned.reason == "", estimated, owned.reason))
    if wrong is not None:
        keys = [*_PLACE, "number"]
        why = _expanded(owned, known).join(wrong.select(*_THING, "wrong"), list(_THING))
        why = why.group_by(keys).aggregate(wrong=why.wrong.min())
        rows = rows.left_join(why, keys)
        rows = rows.mutate(coverage=rows.wrong.fill_null(rows.coverage))
    # Of the parts of a line, one begins where the whole does.
    once = ibis.ifelse((rows.low <= 0) & (rows.high > 0), rows[COUNT], 0)
    return rows.group_by(list(_BILLED)).aggregate(
        **{name: rows[name].sum().cast(_AMOUNT) for name in _MONEY}, **{COUNT: added(rows[COUNT]), ONCE: added(once)}
    )


def activities_of_things(things: ir.Table, run_id: str) -> ir.Table:
    """Rows of ``activities``, with the columns that a physical quantity has."""
    return _activity(
        things.filter(things.wrong == ""), run_id, ("quantity", "platform", "attributes", "method"),
        quantity=things.quantity, unit=things.unit, value=things.value, method=things.method,
        platform=things.platform.nullif(""), attributes=things.attributes.nullif("{}"),
    )  # fmt: skip


def fitted(rows: ir.Table, columns: ibis.Schema) -> ir.Table:
    """Rows with all columns of a table, in their order; those that lack are null."""
    return rows.select(
        **{name: rows[name].cast(kind) if name in rows.columns else ibis.null(kind) for name, kind in columns.items()}
    )


def activities_of_bills(bills: ir.Table, run_id: str) -> ir.Table:
    """Rows of ``activities``, with the columns that money has."""
    tags = ibis.literal('{"kind":"cloud","lines":') + bills[COUNT].cast("string") + "}"
    return _activity(
        bills, run_id, ("coverage", "currency"),
        quantity=ibis.literal(COST), unit=ibis.literal("currency"), value=bills.effective_cost.cast("float64"),
        method=ibis.literal("metered"), amount=bills.effective_cost.cast(dt.Decimal(26, 6)), currency=bills.currency,
        coverage=bills.coverage, effective_amount=bills.effective_cost, billed_amount=bills.billed_cost,
        list_amount=bills.list_cost, tags=tags,
    )  # fmt: skip


def _activity(rows: ir.Table, run_id: str, told_apart_by: tuple[str, ...], **columns: ir.Value) -> ir.Table:
    """Columns that all rows have, and further ones.

    Args:
        told_apart_by: what tells rows of one place apart.
    """
    entity = rows.application + "/" + _segment(rows.service) + "/" + _segment(rows.resource)
    start = rows.day.cast("timestamp('UTC')")
    key = ["source", "period", "account", "day", "region", "family", *told_apart_by]
    identity = ibis.literal(_SEPARATOR).join([entity, *(rows[name].cast("string") for name in key)])
    return rows.select(
        source=rows.source, month=rows.day.cast("string").substr(0, 7), day=rows.day, started_at=start,
        ended_at=start + ibis.interval(days=1), run_id=ibis.literal(run_id), application=rows.application,
        batch=ibis.literal(0).cast("int64"), activity_id=identity.hexdigest("md5"), entity=entity, basis=ibis.literal("total"),
        tier=ibis.literal("server"), region=rows.region.nullif(""), service=rows.service.nullif(""),
        account=rows.account.nullif(""), resource=rows.resource.nullif(""), family=rows.family, **columns,
    )  # fmt: skip


def _expanded(owned: ir.Table, known: Understanding) -> ir.Table:
    """Physical quantities of charges, byte-seconds in GB.s: columns `_THING`, ``number`` and ``amount``."""
    rows = owned.filter((owned.reason == "") & owned.quantity.notnull()).rename(billed_quantity="quantity")
    rows = rows.join(known.amounts, "number")
    scale = ibis.ifelse(rows.unit == LARGE, rows.per_unit / SCALE, rows.per_unit)
    timed = ibis.ifelse(rows.monthly, scale * _days_of_month(rows.day) * _DAY_S, scale)
    rows = rows.mutate(amount=rows.billed_quantity.cast("float64") * timed * (rows.high - rows.low))
    if known.loads is not None:
        loads = known.loads.rename(loaded="resource")
        measured = (rows.resource == loads.loaded) & (rows.day >= loads.first) & (rows.day <= loads.last)
        unused = rows.attributes.contains('"utilisation":0.0,') | rows.attributes.endswith('"utilisation":0.0}')
        rows = rows.left_join(loads, [measured, rows.quantity.isin(_TIMED), ~unused])
        told = rows.open + '"utilisation":' + rows.load + "}"
        rows = rows.mutate(
            attributes=ibis.ifelse(rows.load.isnull(), rows.attributes, told),
            method=ibis.ifelse(rows.load.notnull() & (rows.method == "modelled"), "metered", rows.method),
        )
    return rows.select(*_THING, "number", "amount")


def _part(amount: ir.DecimalValue, low: ir.FloatingValue, high: ir.FloatingValue) -> ir.Value:
    """The part of an amount from one share to another: parts that follow each other add up to it exactly."""
    as_float = amount.cast("float64")
    until = ibis.ifelse(high >= 1.0, amount, (as_float * high).cast(_AMOUNT))
    from_ = ibis.ifelse(low <= 0.0, ibis.literal(0).cast(_AMOUNT), (as_float * low).cast(_AMOUNT))
    return (until - from_).cast(_AMOUNT)


def _segment(name: ir.StringValue) -> ir.StringValue:
    """As `lichen.collect.entities.segment`."""
    plain = name.replace("/", "∕").strip()
    return ibis.ifelse(plain == "", "-", plain)


def _month(day: ir.DateValue) -> ir.DateValue:
    return as_day(day.truncate("M"))


def _days_of_month(day: ir.DateValue) -> ir.FloatingValue:
    year, month = day.year(), day.month()
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    february = ibis.ifelse(leap, 29.0, 28.0)
    return ibis.cases((month.isin(_LONG), 31.0), (month == _FEBRUARY, february), else_=30.0)
