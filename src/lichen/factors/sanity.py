# SPDX-License-Identifier: Apache-2.0
"""Rules that no electricity row may break. Public tables break each of them somewhere.

A grid with a life cycle of 0 g/kWh, a world primary energy below the energy of the electricity itself, a hundred countries
that silently repeat the world: the shipped table is built through these rules, and a user's table can be checked with them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from lichen.factors.schema import day, number
from lichen.units import MJ_PER_KWH

MJ_PER_KWH_FLOOR: Final = MJ_PER_KWH  # a kWh of electricity contains 3.6 MJ; producing it takes no less
LIMITS: Final[Mapping[str, tuple[float, float]]] = {
    "grid.gwp100": (5.0, 1400.0),
    "grid.adpe": (1e-6, 1e-2),
    "grid.pe": (MJ_PER_KWH_FLOOR, 20.0),
    "grid.water": (0.0, 200.0),
}
"""Smallest and largest credible value per kWh: g, gSbe, MJ, L."""

_WHY: Final[Mapping[str, str]] = {
    "grid.gwp100": "no grid has a life cycle below 5 g/kWh, none reaches 1400",
    "grid.adpe": "every plant is made of metal, none of it costs 0.01 gSbe/kWh",
    "grid.pe": "a kWh contains 3.6 MJ, and no fleet needs 20",
    "grid.water": "water is not produced, and no mix evaporates 200 L/kWh",
}
WORLD: Final = "WORLD"


@dataclass(frozen=True, slots=True)
class Finding:
    """One row, or one place, that cannot be true."""

    where: str
    what: str


def check(rows: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Findings about electricity rows; an empty list when they are sane.

    Args:
        rows: mappings with the fields of a factor row; figures may be text, as in a csv file. Other factors are ignored.
    """
    table = [row for row in rows if str(row.get("id")) in LIMITS]
    return [finding for row in table for finding in _check_row(row)] + _copies_of_the_world(table)


def _check_row(row: Mapping[str, Any]) -> list[Finding]:
    where = f"{row.get('id')} {row.get('geography')} {row.get('valid_from')}"
    value, low, high = (number(row.get(name)) for name in ("value", "low", "high"))
    findings = []
    if day(row.get("valid_from")) is None:
        findings.append(Finding(where, "the year is missing"))
    if value is None or low is None or high is None:
        return [*findings, Finding(where, "value, low or high is missing")]
    smallest, largest = LIMITS[str(row["id"])]
    if not smallest <= value <= largest:
        findings.append(Finding(where, f"{value:g} {row.get('unit')}: {_WHY[str(row['id'])]}"))
    if not low <= value <= high:
        findings.append(Finding(where, f"the order low <= value <= high is broken ({low:g}, {value:g}, {high:g})"))
    return findings


def _copies_of_the_world(rows: Iterable[Mapping[str, Any]]) -> list[Finding]:
    """Places whose four indicators all equal the world's in some vintage: a stand-in that calls itself a country."""
    values: dict[str, dict[str, set[float]]] = {}
    for row in rows:
        value = number(row.get("value"))
        if value is not None:
            values.setdefault(str(row.get("geography")), {}).setdefault(str(row["id"]), set()).add(value)
    world = values.pop(WORLD, {})
    if world.keys() != LIMITS.keys():
        return []
    return [
        Finding(place, "all four indicators equal the world's: a stand-in, not a figure of this place")
        for place, own in values.items()
        if own.keys() == world.keys() and all(_meet(own[name], world[name]) for name in world)
    ]


def _meet(some: set[float], others: set[float]) -> bool:
    return any(math.isclose(a, b, rel_tol=1e-9) for a in some for b in others)
