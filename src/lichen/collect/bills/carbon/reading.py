# SPDX-License-Identifier: Apache-2.0
"""Reads a provider's carbon export into rows of one shape. Such files are small: some figures an account, service and month."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from itertools import islice
from pathlib import Path
from typing import Any, Final

from lichen.collect.bills.carbon.format import CarbonFormat, FigureRule, recognise_carbon
from lichen.collect.bills.carbon.row import EMISSIONS, WATER, Accounting, Reported, Scope
from lichen.collect.bills.json_rows import rows as json_rows
from lichen.collect.bills.opening import Opened, sniff
from lichen.collect.bills.reading import NULLS
from lichen.collect.declared.lines import TextFile
from lichen.errors import StorageError
from lichen.units import scale

MOST_BYTES: Final = 256 << 20
_SPELT: Final = {
    "mtco2e": "tCO2e",
    "mtco2": "tCO2e",
    "tco2e": "tCO2e",
    "kgco2e": "kgCO2e",
    "gco2e": "gCO2e",
    "m3": "m3",
    "l": "L",
}
_PROVIDERS: Final = {"amazon": "aws", "google": "gcp", "microsoft": "azure", "oracle": "oci", "ovh": "ovhcloud"}
_CANONICAL: Final = {EMISSIONS: "gCO2e", WATER: "L"}
_ACCOUNTING: Final[Mapping[str, Accounting]] = {
    "location": "location", "location_based": "location", "location-based": "location", "lbm": "location",
    "market": "market", "market_based": "market", "market-based": "market", "mbm": "market",
}  # fmt: skip
_SUBSCRIPTION: Final = re.compile(r"/subscriptions/([^/]+)", re.IGNORECASE)
_ITEMS: Final = {"Subscription": "account", "ResourceType": "service", "Location": "region", "Resource": "resource"}
"""Kinds of items of Azure, and the cell that each of them is."""
_ALL: Final = frozenset("123")
_MONTH: Final = timedelta(days=31)
_NEWEST: Final = re.compile(r"\d{1,9}")
_FIRST: Final = date(2000, 1, 1)
_LAST: Final = date(2199, 12, 31)
"""No cloud has emitted before the first; the second is as far as bills are read."""
_MOST: Final = Decimal("1e15")
"""Grams of a figure, or litres: a billion tonnes, what all data centres together do not emit in a year."""


def read_carbon(path: Path, name: str) -> tuple[CarbonFormat, list[Reported]]:
    """What a file of a provider says, its figures of the same month, place, scope and accounting added up.

    Where a month has figures of several versions of the provider's method, those of the newest one count.

    Args:
        name: of the file, for messages.

    Raises:
        StorageError: it is damaged, of no known format, or tells a figure, a unit, a scope or a month that is none.
    """
    opened = sniff(path)
    one = recognise_carbon(opened.columns, name)
    found: dict[Reported, Decimal] = {}
    for number, row in enumerate(_rows(path, opened), 1):
        for key, value in _figures(one, _Row(row, f"{name}, row {number}")):
            found[key] = found.get(key, Decimal(0)) + value
    return one, _newest([replace(key, value=value) for key, value in found.items()])


class _Row:
    """A row of texts, found in any letter case."""

    def __init__(self, row: Mapping[str, str], where: str) -> None:
        self._texts = {name.casefold(): text.strip() for name, text in row.items() if text.strip() not in NULLS}
        self.where = where

    def get(self, names: Iterable[str]) -> str:
        """The first that has a value; empty where none has."""
        return next((text for name in names if (text := self._texts.get(name.casefold()))), "")

    def refuse(self, problem: str, repair: str) -> StorageError:
        return StorageError(f"{self.where}: {problem}.", repair=repair, culprit=self.where)


def _rows(path: Path, opened: Opened) -> Iterator[Mapping[str, str]]:
    if opened.kind == "json":
        yield from json_rows(opened.path, TextFile(path).content(MOST_BYTES))
    elif opened.kind == "csv":
        text = _decoded(path, TextFile(path).content(MOST_BYTES))
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=opened.delimiter)
        for cells in _told_lines(lines, path):
            if len(cells) not in (0, len(opened.columns)):
                raise StorageError(
                    f"{path}:{lines.line_num} has {len(cells)} cells where there are {len(opened.columns)} headings.",
                    repair="Fetch the file again.", culprit=str(path),
                )  # fmt: skip
            yield dict(zip(opened.columns, cells, strict=False))
    else:
        yield from _parquet(path)


def _told_lines(lines: Iterator[list[str]], path: Path) -> Iterator[list[str]]:
    """The rows below the headings."""
    try:
        yield from islice(lines, 1, None)
    except csv.Error as error:
        # The one mistake of a table that is not read strictly.
        raise StorageError(
            f"{path} has a cell of more than {csv.field_size_limit():,} characters.", repair="Fetch the file again.",
            culprit=str(path),
        ) from error  # fmt: skip


def _decoded(path: Path, content: bytes) -> str:
    """A file as text: a name whose letters were guessed would be another account or service."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise StorageError(
            f"{path}:{line} holds bytes that are no UTF-8.", repair="Save it as UTF-8.", culprit=str(path)
        ) from error


def _parquet(path: Path) -> Iterator[Mapping[str, str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(8192):
                for row in batch.to_pylist():
                    yield dict(_flat(row, ""))
    except (pa.ArrowException, OSError) as error:
        raise StorageError(
            f"{path} is a damaged Parquet file.", repair="Fetch the file again.", culprit=str(path)
        ) from error


def _flat(value: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, one in value.items():
        if isinstance(one, Mapping):
            yield from _flat(one, f"{prefix}{name}.")
        elif one is not None:
            yield f"{prefix}{name}", str(one)


def _figures(one: CarbonFormat, row: _Row) -> Iterator[tuple[Reported, Decimal]]:
    """Keys with their values; a figure that is not told is left out."""
    cells = _cells(one, row)
    for rule in one.figures:
        text = row.get(rule.value)
        if not text:
            continue
        quantity = WATER if rule.water else EMISSIONS
        key = Reported(
            provider=cells["provider"], payer=cells["payer"], account=cells["account"], service=cells["service"],
            region=cells["region"], resource=cells["resource"], month=_month(one, row), quantity=quantity,
            scope=_scope(rule, row), accounting=_accounting(rule, row), value=Decimal(0), model_version=cells["model_version"],
        )  # fmt: skip
        yield key, _within(_amount(text, row) * _factor(rule, row, quantity), text, row)


def _cells(one: CarbonFormat, row: _Row) -> dict[str, str]:
    names = ("provider", "payer", "account", "service", "region", "resource", "model_version")
    cells = {name: row.get(one.cells.get(name, ())) for name in names}
    provider = (one.provider or cells["provider"]).casefold()
    cells["provider"] = _PROVIDERS.get(provider, provider)
    item, kind = (row.get(one.cells.get(name, ())) for name in ("item", "item_kind"))
    if kind in _ITEMS and not cells[_ITEMS[kind]]:
        cells[_ITEMS[kind]] = item
    if not cells["account"] and (found := _SUBSCRIPTION.search(cells["resource"] or item)):
        cells["account"] = found[1]
    if not cells["provider"]:
        raise row.refuse("no provider is told", "Write it in the column provider.")
    return cells


def _month(one: CarbonFormat, row: _Row) -> date:
    """First day of the calendar month that a row tells of."""
    start = _day(row.get(one.cells["start"]), row)
    if "end" in one.cells:
        text = row.get(one.cells["end"])
        next_month = (start + _MONTH).replace(day=1)
        if start.day != 1 or (text and _day(text, row) not in (next_month, next_month - timedelta(days=1))):
            raise row.refuse(
                f"it tells of {start} to {text or '?'}, which is no calendar month",
                "Ask for one month, from its first day on.",
            )
    return start.replace(day=1)


def _day(text: str, row: _Row) -> date:
    whole = f"{text}-01" if re.fullmatch(r"\d{4}-\d{2}", text) else text[:10]
    try:
        day = date.fromisoformat(whole)
    except ValueError as error:
        raise row.refuse(
            f"'{text}' is no day" if text else "no month is told", "Write days as 2026-10-01, beside an answer too."
        ) from error  # fmt: skip
    if not _FIRST <= day <= _LAST:
        raise row.refuse(f"'{text}' is no day of a cloud", "Write days as 2026-10-01, beside an answer too.")
    return day


def _scope(rule: FigureRule, row: _Row) -> Scope:
    """The scope of a figure, of those that were asked for together: all three are the total, others are no scope."""
    text = row.get(rule.scopes)
    if rule.water or not rule.scopes:
        return rule.scope
    if text.casefold() == "total":
        return "total"
    named = frozenset(re.findall(r"[123]", text))
    if not named:
        raise row.refuse(
            "it does not say of which scopes its figure is the sum",
            'Write what was asked for beside the rows: "carbonScopeList": ["Scope2"]; in a table, scope as 1, 2, 3 or total.',
        )
    if named == _ALL:
        return "total"
    return next(iter(named)) if len(named) == 1 else ""


def _accounting(rule: FigureRule, row: _Row) -> Accounting:
    text = row.get(rule.accounting_told)
    if rule.water or not text:
        return rule.accounting
    found = _ACCOUNTING.get(text.casefold())
    if found is None:
        raise row.refuse(f"'{text}' is no way to count electricity", "Write location or market.")
    return found


def _amount(text: str, row: _Row) -> Decimal:
    try:
        # What Python's own notation allows is no notation of a provider.
        value = Decimal(text if "_" not in text else "")
    except InvalidOperation as error:
        raise row.refuse(f"'{text}' is no number", "Write figures with a decimal point.") from error
    if not value.is_finite():
        raise row.refuse(f"'{text}' is no number", "Leave a figure that is unknown empty.")
    return value


def _within(value: Decimal, text: str, row: _Row) -> Decimal:
    if abs(value) > _MOST:
        raise row.refuse(f"'{text}' is more than any provider emits", "Look at the figure and its unit.")
    return value


def _factor(rule: FigureRule, row: _Row, quantity: str) -> Decimal:
    unit = row.get(rule.unit) or rule.constant_unit
    spelt = _SPELT.get(unit.casefold())
    factor = None if spelt is None else scale(spelt, _CANONICAL[quantity])
    if factor is None:
        raise row.refuse(
            f"the unit '{unit}' is not known" if unit else "a figure has no unit",
            "Units: MTCO2e, kgCO2e, gCO2e; m3, L for water.",
        )
    return Decimal(str(factor))


def _newest(rows: Sequence[Reported]) -> list[Reported]:
    """Rows of the newest version of the method, by provider, payer and month."""
    newest: dict[tuple[str, str, date], tuple[int, ...]] = {}
    for row in rows:
        key = row.provider, row.payer, row.month
        newest[key] = max(newest.get(key, ()), _version(row))
    return [row for row in rows if _version(row) == newest[row.provider, row.payer, row.month]]


def _version(row: Reported) -> tuple[int, ...]:
    return tuple(int(digits) for digits in _NEWEST.findall(row.model_version))
