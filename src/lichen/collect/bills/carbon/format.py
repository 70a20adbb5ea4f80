# SPDX-License-Identifier: Apache-2.0
"""The formats of carbon exports: files of ``formats/``, each of which says where a table or an answer has what."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from lichen.collect.bills.carbon.row import Accounting, Scope
from lichen.errors import StorageError

_SHIPPED: Final = files("lichen.collect.bills.carbon") / "formats"
_SHOWN: Final = 6
"""Columns named in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureRule:
    """Where a figure stands.

    Attributes:
        value, unit, scopes, accounting_told: columns, of which the first with a value counts.
        constant_unit: of the figure, where no column tells it.
        scope, accounting: of the figure, where no column tells them.
        water: whether it is water, else emissions.
    """

    value: tuple[str, ...]
    unit: tuple[str, ...] = ()
    constant_unit: str = ""
    scopes: tuple[str, ...] = ()
    scope: Scope = ""
    accounting_told: tuple[str, ...] = ()
    accounting: Accounting = ""
    water: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CarbonFormat:
    """A format.

    Attributes:
        provider: whose it is; empty where a column tells.
        requires: columns that a file has at least one of each of; ``name.*`` is a beginning.
        kept_as: what the name of the source has behind the provider, where two exports of one provider stand side by side.
        by_scope: whether files of different scopes stand side by side, as each holds some of them alone.
        cells: cell -> columns.
    """

    name: str
    title: str
    source: str
    provider: str
    requires: tuple[tuple[str, ...], ...]
    cells: Mapping[str, tuple[str, ...]]
    figures: tuple[FigureRule, ...]
    kept_as: str = ""
    by_scope: bool = False

    def lacking(self, columns: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """What a file with these columns lacks."""
        return tuple(names for names in self.requires if not any(_has(name, columns) for name in names))

    def matched(self, columns: Sequence[str]) -> int:
        """How many of its columns a file has."""
        known = [name for names in self.cells.values() for name in names]
        known += [name for rule in self.figures for name in (*rule.value, *rule.unit)]
        return sum(_has(name, columns) for name in known)


@functools.cache
def carbon_formats() -> tuple[CarbonFormat, ...]:
    """All formats, by name."""
    paths = sorted((one for one in _SHIPPED.iterdir() if one.name.endswith(".toml")), key=lambda one: one.name)
    return tuple(
        _parsed(one.name.removesuffix(".toml"), tomllib.loads(one.read_text(encoding="utf-8"))) for one in paths
    )


def is_carbon_export(columns: Sequence[str]) -> bool:
    """Whether a file with these columns is one."""
    return any(not one.lacking(columns) for one in carbon_formats())


def recognise_carbon(columns: Sequence[str], where: str) -> CarbonFormat:
    """The format that a file has: of those that lack nothing, the one that knows most of its columns.

    Args:
        where: the file, for messages.

    Raises:
        StorageError: it has none.
    """
    fitting = [one for one in carbon_formats() if not one.lacking(columns)]
    if fitting:
        return max(fitting, key=lambda one: one.matched(columns))
    shown = ", ".join(columns[:_SHOWN]) + (f" and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else "")
    raise StorageError(
        f"{where} is no carbon export that Lichen knows: its columns are {shown}.",
        repair=f"Export one of {', '.join(one.name for one in carbon_formats())}, or write a table of your own (docs/bills.md).",
        culprit=where,
    )


def _has(name: str, columns: Sequence[str]) -> bool:
    if name.endswith("*"):
        return any(column.casefold().startswith(name[:-1].casefold()) for column in columns)
    return any(column.casefold() == name.casefold() for column in columns)


def _parsed(name: str, told: Mapping[str, Any]) -> CarbonFormat:
    return CarbonFormat(
        name=name, title=told["title"], source=told["source"], provider=told.get("provider", ""),
        requires=tuple(map(tuple, told["requires"])), kept_as=told.get("kept_as", ""), by_scope=told.get("by_scope", False),
        cells={cell: tuple(names) for cell, names in told["cells"].items()},
        figures=tuple(
            FigureRule(
                value=tuple(one["value"]), unit=tuple(one.get("unit", ())), constant_unit=one.get("in", ""),
                scopes=tuple(one.get("scopes", ())), scope=one.get("scope", ""),
                accounting_told=tuple(one.get("accounting_told", ())), accounting=one.get("accounting", ""),
                water=one.get("water", False),
            )
            for one in told["figure"]
        ),
    )  # fmt: skip
