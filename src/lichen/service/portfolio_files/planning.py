# SPDX-License-Identifier: Apache-2.0
"""What an import would add and change: rows of files against those of a store. Nothing is written here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from lichen.config.names import nearest
from lichen.errors import LichenError, UsageError
from lichen.nomenclature import Nomenclature
from lichen.portfolio import targets
from lichen.service.portfolio_files.kinds import LINEAR
from lichen.service.portfolio_files.reading import Given
from lichen.service.portfolio_files.tables import TABLES, Row, Table
from lichen.store.queries.portfolio import Stored

Key = tuple[Any, ...]
_OPTIONAL_KEYS: Final = frozenset({"of", "journey"})


@dataclass(frozen=True, slots=True)
class Change:
    """A row to add, or to change.

    Attributes:
        row_id: of the row to change, or wanted for a new one; None for a new one.
        before: values of the keys that change, before; empty for a new row. after: what is to be written.
    """

    table: str
    shown: str
    row_id: str | None
    is_new: bool
    before: Row
    after: Row


@dataclass(frozen=True, slots=True)
class Plan:
    """An import.

    Attributes:
        changes: in the order in which they can be written.
        unchanged: rows of the files that are in the store as they are, by table.
        left: rows of the store that no file names, by table; an import leaves them alone.
    """

    changes: list[Change] = field(default_factory=list)
    unchanged: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)

    def count(self, table: str, *, new: bool) -> int:
        """How many rows of a table are added, or changed."""
        return sum(change.table == table and change.is_new == new for change in self.changes)


def plan(given: Sequence[Given], stored: Mapping[str, Sequence[Stored]], nomenclature: Nomenclature) -> Plan:
    """Compare files with a store.

    Args:
        given: rows of the files. stored: rows of the store, by table.
        nomenclature: indicators and quantities that there are.

    Raises:
        UsageError: a row that stands twice, lacks a key, refers to nothing, or is one of several that are called the same.
    """
    made = Plan()
    codes, journeys = _codes(given, stored), _journeys(given, stored)
    for name, table in TABLES.items():
        there = _There(table, stored.get(name, ()))
        for row in given:
            if row.table is not table:
                continue
            there.claim(row)
            _check_references(row, codes)
            if row.values.get("indicator") is not None:
                _check(row, partial(nomenclature.indicator, row.values["indicator"]))
            match = there.match(row)
            if name == "budget":
                _check_budget(row, {**(match.values if match else {}), **row.values}, journeys, nomenclature)
            change = _compare(row, match)
            if change is None:
                made.unchanged[name] = made.unchanged.get(name, 0) + 1
            else:
                made.changes.append(change)
        if left := there.unnamed:
            made.left[name] = left
    return made


class _There:
    """The rows of a table that are there, and which of them the files have named."""

    def __init__(self, table: Table, rows: Sequence[Stored]) -> None:
        self._by_id = {row.row_id: row for row in rows}
        self._by_key: dict[Key, list[Stored]] = {}
        for row in rows:
            self._by_key.setdefault(tuple(row.values[name] for name in table.key), []).append(row)
        self._claimed: set[str | Key] = set()
        self._matched: set[str] = set()

    @property
    def unnamed(self) -> int:
        """How many no file has named."""
        return len(self._by_id) - len(self._matched)

    def claim(self, row: Given) -> None:
        """Note that a file names this row; UsageError when it was named before."""
        identity = _identity(row)
        if identity in self._claimed:
            raise UsageError(
                f"{_shown(row.table, row.values)} stands twice ({row.place}).",
                repair="Keep one of them.",
                culprit=row.place,
            )
        self._claimed.add(identity)

    def match(self, row: Given) -> Stored | None:
        """The row that is meant, None for a new one."""
        if (wanted := row.values.get("id")) is not None:
            found = [self._by_id[wanted]] if wanted in self._by_id else []
        else:
            found = self._by_key.get(tuple(row.values.get(name) for name in row.table.key), [])
        if len(found) > 1:
            raise UsageError(
                f"{_shown(row.table, row.values)} could be any of {len(found)} rows ({row.place}).",
                repair="Export the portfolio: the export tells them apart by their id.", culprit=row.place,
            )  # fmt: skip
        self._matched |= {stored.row_id for stored in found}
        return found[0] if found else None


def _identity(row: Given) -> str | Key:
    """The id of a row that has one; else the values of its key."""
    for name in row.table.key:
        if row.values.get(name) is None and name not in _OPTIONAL_KEYS:
            raise UsageError(
                f"A {row.table.name} has no {name} ({row.place}).", repair=f"Add {name}.", culprit=row.place
            )
    return row.values.get("id") or tuple(row.values.get(name) for name in row.table.key)


def _compare(row: Given, stored: Stored | None) -> Change | None:
    table = row.table
    values = {name: value for name, value in row.values.items() if name != "id"}
    whole = ({name: stored.values[name] for name in table.fields if name != "id"} if stored else {}) | values
    for name in table.required:
        if whole.get(name) is None:
            raise UsageError(
                f"{_shown(table, row.values)} has no {name} ({row.place}).", repair=f"Add {name}.", culprit=row.place
            )
    if table.name == "target":
        _check_target(row, whole)
    if stored is None:
        return Change(table.name, _shown(table, values), row.values.get("id"), is_new=True, before={}, after=values)
    changed = [
        name
        for name, field_ in table.fields.items()
        if name in values and values[name] != stored.values[name]
        and not (field_.is_unset(values[name]) and field_.is_unset(stored.values[name]))
    ]  # fmt: skip
    if not changed:
        return None
    before, after = {name: stored.values[name] for name in changed}, {name: values[name] for name in changed}
    if "of" in after:  # whose code it is, is told by the scope
        after["scope"] = whole["scope"]
    if after.get("journey") is not None:  # its code is unique in its application alone
        after["application"] = whole["application"]
    return Change(table.name, _shown(table, whole), stored.row_id, is_new=False, before=before, after=after)


def _check_target(row: Given, whole: Row) -> None:
    if (whole["scope"] == "organisation") != (whole.get("of") is None):
        raise UsageError(
            f"A target of the scope {whole['scope']} {'lacks' if whole.get('of') is None else 'has'} 'of' ({row.place}).",
            repair="Give the code of its team or application; the organisation has none.", culprit=row.place,
        )  # fmt: skip
    path = whole.get("path") or LINEAR
    _check(
        row,
        lambda: targets.Target(
            indicator=whole["indicator"], base_year=whole["base_year"], base_value=whole.get("base_value"),
            horizon_year=whole["horizon_year"], reduction=whole["reduction"],
            points=() if path == LINEAR else targets.points_of({"kind": "points", "points": path}),
        ),
    )  # fmt: skip


def _check(row: Given, check: Callable[[], object]) -> None:
    """A check of another room, told with the place of the row."""
    try:
        check()
    except LichenError as error:
        raise UsageError(
            f"{error.problem.removesuffix('.')} ({row.place}).", repair=error.repair, culprit=row.place
        ) from error


def _codes(given: Sequence[Given], stored: Mapping[str, Sequence[Stored]]) -> dict[str, set[str]]:
    """Codes of the teams and applications that are there, or come with the files."""
    return {
        name: {row.values["code"] for row in stored.get(name, ())}
        | {row.values["code"] for row in given if row.table.name == name and row.values.get("code") is not None}
        for name in ("team", "application")
    }


def _journeys(given: Sequence[Given], stored: Mapping[str, Sequence[Stored]]) -> set[tuple[Any, Any]]:
    """Applications and codes of the journeys that are there, or come with the files."""
    rows = [row.values for row in stored.get("journey", ())] + [
        row.values for row in given if row.table.name == "journey"
    ]
    return {(values.get("application"), values.get("code")) for values in rows}


def _check_budget(row: Given, whole: Row, journeys: set[tuple[Any, Any]], nomenclature: Nomenclature) -> None:
    """A budget is of a journey that is there, of what a visit or a month has, in its canonical unit, for a span of days."""
    application, journey, what = whole["application"], whole.get("journey"), whole["what"]
    if journey is not None and (application, journey) not in journeys:
        raise UsageError(
            f"{application} has no journey '{journey}' ({row.place}).",
            repair="Add that [[journey]].",
            culprit=row.place,
        )
    indicators = nomenclature.names("indicator")
    known = indicators if whole["per"] == "month" else (*indicators, *nomenclature.names("quantity"))
    if what not in known:
        raise UsageError(
            f"A {whole['per']} has no budget of '{what}' ({row.place}).",
            repair=nearest(what, known, valid_are="It has budgets of"),
            culprit=row.place,
        )
    term = nomenclature.indicator(what) if what in indicators else nomenclature.quantity(what)
    if whole.get("unit") not in (None, term.unit):
        raise UsageError(
            f"A budget of {what} is not in {whole['unit']} ({row.place}).",
            repair=f"Convert the limit, and give unit = '{term.unit}'.", culprit=row.place,
        )  # fmt: skip
    if whole.get("valid_to") is not None and whole["valid_to"] < whole["valid_from"]:
        raise UsageError(
            f"{_shown(row.table, whole)} ends before it begins ({row.place}).", repair="Give a later valid_to.",
            culprit=row.place,
        )  # fmt: skip


def _check_references(row: Given, codes: Mapping[str, set[str]]) -> None:
    refers = dict(row.table.refers)
    if row.table.name == "target" and row.values.get("scope") in codes:
        refers["of"] = row.values["scope"]
    for key, name in refers.items():
        code = row.values.get(key)
        if code is not None and code not in codes[name]:
            known = sorted(codes[name])
            raise UsageError(
                f"There is no {name} '{code}' ({row.place}).",
                repair=nearest(code, known[:50], valid_are=f"Known {name}s") if known else f"Add that [[{name}]].",
                culprit=row.place,
            )


def _shown(table: Table, values: Mapping[str, Any]) -> str:
    """A row in messages: its table and its key."""
    return " ".join([table.name, *(str(values[name]) for name in table.key if values.get(name) is not None)])
