# SPDX-License-Identifier: Apache-2.0
"""Places of lichen.toml: refused before anything is measured when there is no such place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from babel import Locale
from babel.core import get_global

from lichen.errors import ConfigError
from lichen.factors.store import WORLD
from lichen.service.workspace import Workspace

_PSEUDO: Final = frozenset({"EU", "EZ", "QO", "UN", "XA", "XB", "ZZ"})
"""Codes of CLDR's list of territories that name no country: unions, pseudo-locales, unknown."""


def check_places(workspace: Workspace) -> None:
    """Refuses a zone whose country neither exists nor has factors: the world's electricity would stand in for a slip.

    A country without factors of its own, and a grid zone without them, are places: what stands in for them is said with
    the result.

    Raises:
        ConfigError: names the zone and where it was set.
    """
    for zone, origin in _zones(workspace):
        country = zone.partition("-")[0]
        if zone == WORLD or country in _countries() or _has_factors(workspace, zone, country):
            continue
        alias = next(iter(get_global("territory_aliases").get(country, ())), None)
        where = f" ({origin})" if origin else ""
        raise ConfigError(
            f"There is no place '{zone}'{where}.",
            repair=f"Did you mean '{alias}'?"
            if alias
            else "Give the ISO 3166 code of a country, such as FR, a grid zone that begins with one, or WORLD.",
            culprit=origin or zone,
        )


def _zones(workspace: Workspace) -> Iterator[tuple[str, str]]:
    """Each zone that is set, with the place where it is."""
    settings = workspace.settings
    named = [("context.zone", settings.context.zone)]
    named += [(f"part.{index}.zone", part.zone) for index, part in enumerate(settings.parts)]
    for key, zone in named:
        if zone is not None:
            origin = settings.origins.get(key)
            yield zone, (origin.where or "") if origin is not None else ""


def _countries() -> frozenset[str]:
    """ISO 3166-1 alpha-2 codes, as CLDR lists them."""
    codes = map(str, Locale("en").territories)
    return frozenset(code for code in codes if len(code) == 2 and code.isalpha()) - _PSEUDO


def _has_factors(workspace: Workspace, *places: str) -> bool:
    factors = workspace.factors
    known = {place for factor_id in factors.ids() for place in factors.places(factor_id)}
    return any(place in known for place in places)
