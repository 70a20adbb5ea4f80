# SPDX-License-Identifier: Apache-2.0
"""Where a factor holds: regions of clouds, grid zones, countries, the world; and which of them is asked after which."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from lichen.catalogue import places, regions
from lichen.errors import ActivityError, FactorError

WORLD: Final = places.WORLD
UNKNOWN_PLACE: Final = "(place not given)"
"""Stands in a fall-back path for the place that nobody named."""

_ZONE: Final = re.compile(r"WORLD|[A-Z]{2}(-[A-Z0-9]{1,8})*")
_REGION: Final = re.compile(r"[a-z][a-z0-9]*:(\*|[a-z0-9]+(-[a-z0-9]+)*)")
_SEPARATOR: Final = ":"
_PLACES: Final = 4096
"""Places that are remembered: the activities of a run name few."""
_ANYONE: Final = "?"  # the provider of a region that nobody knows, and whose provider is not said


@dataclass(frozen=True, slots=True)
class Place:
    """Where something happened, as closely as it is known.

    Attributes:
        zone: ISO 3166 country or grid zone of the electricity; None is unknown.
        region: key of a cloud region, ``aws:eu-west-3``; ``aws:*`` when only the provider is known; None outside clouds.
    """

    zone: str | None = None
    region: str | None = None

    @property
    def path(self) -> tuple[str, ...]:
        """The places to ask, nearest first.

        >>> Place("US-CAL-CISO").path
        ('US-CAL-CISO', 'US', 'WORLD')
        >>> Place("FR", "aws:eu-west-3").path
        ('aws:eu-west-3', 'aws:*', 'FR', 'WORLD')
        """
        near: list[str] = []
        if self.region:
            provider = self.region.partition(_SEPARATOR)[0]
            near += [self.region] if provider == _ANYONE else [self.region, f"{provider}{_SEPARATOR}*"]
        if self.zone and self.zone != WORLD:
            near += [self.zone, places.country(self.zone)]
        return tuple(dict.fromkeys([*near, WORLD]))


def is_region(geography: str) -> bool:
    """Whether a geography is a region of a cloud, or a whole cloud, rather than a country, a zone or the world."""
    return _SEPARATOR in geography


def is_geography(geography: str) -> bool:
    """Whether a place is written as a cloud region, a country, a grid zone or WORLD."""
    return (_REGION if is_region(geography) else _ZONE).fullmatch(geography) is not None


def unknown(geography: str) -> ActivityError | None:
    """Why a geography that is written as one does not exist, or None."""
    if not is_region(geography) and not places.is_user_assigned(geography):
        try:
            places.canonical(geography)
        except ActivityError as error:
            return error
    return None


def of_name(name: str, known: frozenset[str] = frozenset()) -> Place:
    """The place of one name: a region with its zone, a country, a zone, or the world.

    Args:
        known: places that packs have rows for, besides those of the catalogue.

    Raises:
        FactorError: it is not written as a place, or does not exist.
    """
    if is_region(name):
        key = regions.key_of(name)
        found = regions.find(name)
        return Place(found.zone if found else None, key)
    try:
        return Place(places.canonical(name, known))
    except ActivityError as error:
        raise FactorError(error.problem, repair=error.repair, culprit=error.culprit) from None


def of_attributes(attributes: Mapping[str, object], known: frozenset[str] = frozenset()) -> Place:
    """The place that the attributes ``zone``, ``region`` and ``platform`` of an activity name.

    Args:
        attributes: those of the activity. A region without a zone has the zone of the catalogue; the first half of a platform
            such as ``aws:m5.xlarge`` says whose region it is.
        known: places that packs have rows for, besides those of the catalogue.

    Raises:
        ActivityError: a zone that does not exist, or a region that nobody knows and that has no zone.
    """
    zone, region = attributes.get("zone"), attributes.get("region")
    owner, separator, _ = str(attributes.get("platform") or "").partition(_SEPARATOR)
    return _place(
        None if zone is None else str(zone),
        None if region is None else str(region),
        owner if separator else None,
        known,
    )


@lru_cache(maxsize=_PLACES)
def _place(zone: str | None, region: str | None, owner: str | None, known: frozenset[str]) -> Place:
    """The place of a zone and of a region, or of the owner of a platform."""
    if zone is not None:
        zone = places.canonical(zone, known)
    provider = None if owner is None else regions.key_of(f"{owner}:*").partition(_SEPARATOR)[0]
    if region is None:
        return Place(zone, f"{provider}:*" if provider in regions.providers() else None)
    key = regions.key_of(region, provider)
    found = regions.regions().get(key)
    if found is not None:
        return Place(zone or found.zone, key)
    if zone is None and key not in known:
        regions.get(region, provider)
    return Place(zone, key if is_region(key) else f"{_ANYONE}{_SEPARATOR}{key}")
