# SPDX-License-Identifier: Apache-2.0
"""Countries and grid zones: which codes exist, and what a person who wrote another one may have meant.

``countries.csv`` holds the codes of ISO 3166-1 (and XK, which statistics use for Kosovo). ``zones.csv`` lists every zone of the
countries whose zones Lichen knows completely: states and balancing authorities of the United States (EIA-930), provinces of
Canada, states of Australia. A zone of another country is taken as written, as nobody keeps one list of them.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

from lichen.errors import ActivityError

WORLD: Final = "WORLD"
_USED_FOR: Final[Mapping[str, str]] = {
    "BU": "MM", "DD": "DE", "EL": "GR", "SU": "RU", "TP": "TL", "UK": "GB", "YU": "RS", "ZR": "CD",
}  # fmt: skip
"""Codes that stand, or stood, for a country in place of its own."""
_USER_ASSIGNED: Final = re.compile(r"AA|Q[M-Z]|X[A-Z]|ZZ")
_FOLDER: Final = Path(__file__).parent
_ZONE: Final = re.compile(r"[A-Z]{2}(-[A-Z0-9]{1,8})*")
_ALPHA3: Final = re.compile(r"[A-Z]{3}")


@cache
def countries() -> Mapping[str, str]:
    """Alpha-2 code by alpha-3 code."""
    return {row["alpha3"]: row["alpha2"] for row in _rows("countries.csv")}


@cache
def zones() -> frozenset[str]:
    """Zones of the countries whose zones are all known."""
    return frozenset(row["zone"] for row in _rows("zones.csv"))


def country(zone: str) -> str:
    """The country of a zone: ``US`` of ``US-CAL-CISO``."""
    return zone.partition("-")[0]


def is_user_assigned(zone: str) -> bool:
    """Whether ISO 3166-1 leaves the code to its users: such a place exists for those who have figures for it."""
    return _USER_ASSIGNED.fullmatch(country(zone)) is not None


def canonical(zone: str, known: frozenset[str] = frozenset()) -> str:
    """A place as factors write it: an alpha-3 code becomes the alpha-2 one, ``FRA`` is ``FR``.

    Args:
        known: places that exist besides those of the catalogue, because somebody has figures for them.

    Raises:
        ActivityError: it is not written as a place, its country does not exist, or its country has no such zone.
    """
    if zone == WORLD:
        return zone
    if _ALPHA3.fullmatch(zone):
        zone = countries().get(zone, zone)
    if not _ZONE.fullmatch(zone):
        raise ActivityError(
            f"'{zone}' is not a place that factors know.",
            repair="Write an ISO 3166-1 code such as FR or FRA, a grid zone such as US-CAL-CISO, or WORLD.",
            culprit=zone,
        )
    if zone in known or (country(zone) in known and is_user_assigned(zone)):
        return zone
    if country(zone) not in countries().values():
        own = _USED_FOR.get(country(zone))
        raise ActivityError(
            f"'{zone}' names no country: ISO 3166-1 has no code '{country(zone)}'.",
            repair=f"Did you mean '{own}'?" if own else "Give the ISO 3166 code of a country, such as FR.",
            culprit=zone,
        )
    close = difflib.get_close_matches(zone, zones(), n=1)
    if "-" in zone and zone not in zones() and any(country(known) == country(zone) for known in zones()):
        raise ActivityError(
            f"'{zone}' is not a zone of {country(zone)}.",
            repair=f"Did you mean '{close[0]}'?" if close else f"Write {country(zone)}, or one of its zones.",
            culprit=zone,
        )
    return zone


def _rows(name: str) -> list[dict[str, str]]:
    with (_FOLDER / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
