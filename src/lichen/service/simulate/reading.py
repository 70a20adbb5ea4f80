# SPDX-License-Identifier: Apache-2.0
"""Scenario files: TOML that says what a workload asks for, how it runs today, and the ways to weigh."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from lichen.catalogue import prices, regions
from lichen.collect.declared.inventory import read_inventory
from lichen.config.names import nearest
from lichen.config.toml import read_toml, repair_of
from lichen.errors import ConfigError, UsageError
from lichen.portfolio.scenarios import ARCHITECTURES, HOURS, Architecture
from lichen.service.simulate.scenario import HOURLY_RATE, TODAY, Asked, FromBill, Own, OwnMachines, Scenario
from lichen.service.simulate.table import Table
from lichen.service.simulate.workload import QUERIES, WORKLOAD, demands

_TABLES: Final = ("workload", "queries", "own", "bill", "money", "option")
_OWN: Final = (
    "inventory", "application", "machine", "zone", "pue", "electricity_per_kwh", "load", "capital_per_month", "hours_per_month",
)  # fmt: skip
_MACHINE: Final = ("model", "count", "power_w", "cpu", "memory_gb", "bought_on", "written_off_on", "zone")
_BILL: Final = ("application", "month", "utilisation", "hours_per_month")
_MONEY: Final = ("currency", "hourly_rate", "exchange", "prices", "as_of")
_OPTION: Final = ("name", "to", "machine", "database", "hours_per_month", "move_hours", "stop_hours", "today")
MOST_OPTIONS: Final = 40
DEFAULT_ZONE: Final = "WORLD"

Lookup = Callable[[str], tuple[OwnMachines, ...]]
"""Machines of an application in the portfolio."""


def read_scenario(path: Path, today: date, lookup: Lookup | None = None) -> Scenario:
    """The question that a file asks.

    Args:
        path: of the TOML file; names of other files in it are relative to its folder.
        today: day before which machines were bought.
        lookup: machines that the portfolio has of an application.

    Raises:
        ConfigError: it cannot be read, or says something that is not understood; with its place.
        StorageError: a table that it names cannot be read.
    """
    return scenario_of(load(path), path, today, lookup)


def scenario_of(content: Mapping[str, Any], path: Path, today: date, lookup: Lookup | None = None) -> Scenario:
    """The question of a file's content; arguments and errors as `read_scenario`."""
    file = str(path)
    top = Table(content, "", file, _TABLES)
    workload = Table(content.get("workload", {}), "workload", file, WORKLOAD)
    asked = content.get("queries")
    queries = None if asked is None else Table(asked, "queries", file, QUERIES)
    own = _own(content["own"], path, today, lookup) if "own" in top else None
    bill = _bill(content["bill"], file) if "bill" in top else None
    read = demands(workload, queries, path.parent, otherwise=own is not None or bill is not None)
    money = _money(Table(content.get("money", {}), "money", file, _MONEY), path.parent)
    options = _options(content.get("option", []), file)
    if sum([own is not None, bill is not None, *(one.today for one in options)]) > 1:
        raise top.error("It tells twice how the workload runs today", "Keep one of [own], [bill] and today = true.")
    return Scenario(
        name=workload.text("name") or path.stem,
        demand=read.demand,
        cpu_source=read.cpu_source,
        facts=read.facts,
        users=workload.number("users"),
        users_in=workload.text("users_in"),
        own=own,
        bill=bill,
        options=options,
        **money,
    )


def parse_place(text: str) -> tuple[Architecture, str, str]:
    """A way of hosting, as ``aws:eu-west-3/serverless`` writes it: architecture, provider, region.

    Raises:
        UsageError: it is not written so, or the way, the provider or the region is not known.
    """
    place, slash, architecture = text.strip().rpartition("/")
    rented = [one for one in ARCHITECTURES if one != "owned"]
    if not slash or not place:
        raise UsageError(
            f"'{text}' is no place and way of hosting.", repair="Write provider:region/way, such as aws:eu-west-3/paas.",
            culprit=text,
        )  # fmt: skip
    if architecture not in rented:
        raise UsageError(
            f"'{architecture}' is no way of hosting.",
            repair=nearest(architecture, rented, valid_are="Ways"),
            culprit=text,
        )
    provider = regions.key_of(place).partition(":")[0]
    known = sorted({price.provider for price in prices.prices() if price.role == "instance"})
    if provider not in known and ":" in place:
        raise UsageError(
            f"There are no prices of '{provider}'.", repair=f"Providers with prices: {', '.join(known)}.", culprit=text
        )
    region = regions.get(place)
    return next(one for one in rented if one == architecture), region.provider, region.key.partition(":")[2]


def load(path: Path) -> dict[str, Any]:
    """The content of a scenario file; ConfigError where it cannot be read."""
    try:
        content, _ = read_toml(path)
    except OSError as error:
        raise ConfigError(
            f"The scenario {path} cannot be read: {error.strerror or error}.", repair="Name a readable file.",
            culprit=str(path),
        ) from error  # fmt: skip
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"The scenario {path} is not UTF-8 text (byte {error.start}).",
            repair="Save it as UTF-8.",
            culprit=str(path),
        ) from error
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(
            f"The scenario {path} is not TOML: {error}.", repair=repair_of(path, str(error)), culprit=str(path)
        ) from error
    return content


def _own(content: Any, path: Path, today: date, lookup: Lookup | None) -> Own:
    table = Table(content, "own", str(path), _OWN)
    sources = [name for name in ("inventory", "application", "machine") if name in table]
    if len(sources) != 1:
        raise table.error(
            "It has not just one of own.inventory, own.application and [[own.machine]]", "Give one of them."
        )
    machines = _machines(table, path, today, lookup)
    if not sum(machine.count for machine in machines):
        raise table.error("No machine is owned", "Name one, with its count.")
    return Own(
        machines=machines,
        zone=table.text("zone") or DEFAULT_ZONE,
        pue=table.spread("pue", least=1.0, most=10.0),
        electricity=table.spread("electricity_per_kwh", most=100.0),
        load=table.spread("load", most=1.0),
        capital=table.spread("capital_per_month"),
        hours=table.spread("hours_per_month", most=1e5),
    )


def _machines(table: Table, path: Path, today: date, lookup: Lookup | None) -> tuple[OwnMachines, ...]:
    inventory, application = table.text("inventory"), table.text("application")
    if inventory is not None:
        return inventory_machines(path.parent / inventory, today)
    if application is not None:
        if lookup is None:
            raise table.error(
                f"The portfolio has no machine of '{application}'", "Run lichen import inventory FILE first."
            )
        return lookup(application)
    listed = _list(table.raw("machine"), table, "own.machine")
    return tuple(_machine(one, place, str(path)) for place, one in enumerate(listed))


def inventory_machines(path: Path, today: date) -> tuple[OwnMachines, ...]:
    """Machines of a table, as `lichen import inventory` reads it."""
    return tuple(
        OwnMachines(
            model=row.model, count=row.count, power_w=row.power_w, cpu=row.cpu, memory_gb=row.memory_gb,
            bought_on=row.bought_on, written_off_on=row.written_off_on, zone=row.region,
        )
        for row in read_inventory(path, today)
    )  # fmt: skip


def _machine(content: Any, place: int, file: str) -> OwnMachines:
    table = Table(content, f"own.machine.{place}", file, _MACHINE)
    count = table.number("count", most=1e7)
    return OwnMachines(
        model=table.needed("model"),
        count=1.0 if count is None else count,
        power_w=table.number("power_w", most=1e6),
        cpu=table.text("cpu"),
        memory_gb=table.number("memory_gb", most=1e6),
        bought_on=table.day("bought_on"),
        written_off_on=table.day("written_off_on"),
        zone=table.text("zone"),
    )


def _bill(content: Any, file: str) -> FromBill:
    table = Table(content, "bill", file, _BILL)
    month = table.day("month")
    if month is None:
        raise table.error("bill.month is missing", 'Write month = "2026-10".')
    return FromBill(
        application=table.needed("application"),
        month=month.replace(day=1),
        utilisation=table.spread("utilisation", most=1.0),
        hours=table.spread("hours_per_month", most=HOURS),
    )


def _money(table: Table, folder: Path) -> dict[str, Any]:
    currency = (table.text("currency") or "EUR").upper()
    if not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise table.error(f"money.currency is '{currency}'", 'Write the code of ISO 4217, such as "EUR".')
    rate = table.spread("hourly_rate", most=1e6)
    if rate is None and currency != "EUR":
        raise table.error("money.hourly_rate is missing", f"Write what an hour of work costs, in {currency}.")
    told = Table(table.raw("exchange") or {}, "money.exchange", table.file, (table.raw("exchange") or {}))
    exchange = {}
    for code in table.raw("exchange") or {}:
        value = told.number(code, least=1e-9)
        exchange[code.upper()] = Decimal(repr(value))
    own = table.text("prices")
    return {
        "currency": currency,
        "rate": HOURLY_RATE if rate is None else rate,
        "rate_assumed": rate is None,
        "exchange": exchange,
        "prices": () if own is None else prices.read_own(folder / own),
        "as_of": table.day("as_of"),
    }


def _options(content: Any, file: str) -> tuple[Asked, ...]:
    top = Table({}, "option", file, ())
    options = [_option(one, place, file) for place, one in enumerate(_list(content, top, "option"))]
    names = [one.name for one in options]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise top.error(f"Two [[option]] are called '{twice}'", "Rename one.")
    if TODAY in names:
        raise top.error(f"An [[option]] is called '{TODAY}', as what runs now is", "Rename it, or write today = true.")
    return tuple(options)


def _option(content: Any, place: int, file: str) -> Asked:
    table = Table(content, f"option.{place}", file, _OPTION)
    to = table.needed("to")
    architecture, provider, region = parse_place(to)
    return Asked(
        name=table.text("name") or to,
        architecture=architecture,
        provider=provider,
        region=region,
        machine=table.text("machine"),
        database=table.text("database"),
        hours=table.spread("hours_per_month", most=1e5),
        move_hours=table.spread("move_hours", most=1e6),
        stop_hours=table.spread("stop_hours", most=1e5),
        today=table.flag("today"),
    )


def _list(content: Any, table: Table, name: str) -> Sequence[Any]:
    if not isinstance(content, list) or len(content) > MOST_OPTIONS:
        raise table.error(f"{name} is no list of {MOST_OPTIONS} at most", f"Write [[{name}]] above each.")
    return content
