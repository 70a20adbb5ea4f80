# SPDX-License-Identifier: Apache-2.0
"""How far a place is from its visitors: in their country, on their continent, or beyond.

A class and no milliseconds: what a visitor waits for is mostly the page, and the network's part is measured, not simulated.
"""

from __future__ import annotations

from typing import Final

from lichen.catalogue import places

_CONTINENTS: Final = {
    "europe": "AD AL AT BA BE BG BY CH CY CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT LU LV MC MD ME MK MT NL "
    "NO PL PT RO RS SE SI SK SM UA VA XK",
    "north america": "BM CA GL MX US BS BB CR CU DO GT HN HT JM NI PA PR SV TT",
    "south america": "AR BO BR CL CO EC GF GY PE PY SR UY VE",
    "africa": "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG ML MR MU MW MZ NA NE NG "
    "RE RW SC SD SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW",
    "asia": "AE AF AM AZ BD BH BN BT CN GE HK ID IL IN IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN MO MV MY NP OM PH PK PS QA "
    "SA SG SY TH TJ TL TM TR TW UZ VN YE",
    "oceania": "AU FJ NC NZ PF PG WF",
}  # fmt: skip
_OF: Final = {country: name for name, countries in _CONTINENTS.items() for country in countries.split()}


def latency(zone: str, users_in: str | None) -> str:
    """``near`` (the same country), ``continent``, ``far``; empty where one of the places is not known.

    Args:
        zone: of the machines. users_in: of the visitors. ISO 3166 codes or grid zones.

    >>> latency("FR", "FR"), latency("DE", "FR"), latency("US-PJM", "FR"), latency("FR", None)
    ('near', 'continent', 'far', '')
    """
    if not users_in or not zone or places.WORLD in (zone, users_in):
        return ""
    here, there = places.country(places.canonical(zone)), places.country(places.canonical(users_in))
    if here == there:
        return "near"
    if here not in _OF or there not in _OF:
        return ""
    return "continent" if _OF[here] == _OF[there] else "far"
