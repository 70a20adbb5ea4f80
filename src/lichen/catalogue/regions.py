# SPDX-License-Identifier: Apache-2.0
"""Regions of cloud providers: where each one stands, and how scarce water is there.

``regions.csv`` holds a row per region: its key ``provider:region``, its grid zone, the place that the provider names, and the
baseline water stress of WRI Aqueduct 4.0 (0 low, 1 low to medium, 2 medium to high, 3 high, 4 extremely high), empty where nobody
published it. Places and zones: documentation of the providers. Water stress: WRI Aqueduct 4.0 (CC-BY-4.0) as compiled in
``water-stress.csv`` of DigitalPebble SPRUCE 1.2 (Apache-2.0); ``aqueduct-4-same-city`` is the value of another provider's region
in the same city.
"""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from lichen.catalogue import places
from lichen.errors import ActivityError

_TABLE: Final = Path(__file__).with_name("regions.csv")
_NEAREST: Final = 3
_ALIASES: Final[Mapping[str, str]] = {
    "amazon": "aws", "google": "gcp", "microsoft": "azure", "oracle": "oci", "ovh": "ovhcloud", "scw": "scaleway",
}  # fmt: skip
_PART_OF_REGION: Final[Mapping[str, re.Pattern[str]]] = {
    "aws": re.compile(r"(?<=\d)[a-z]$"),
    "gcp": re.compile(r"(?<=\d)-[a-z]$"),
    "ovhcloud": re.compile(r"(-[a-z]|\d+)$"),
    "scaleway": re.compile(r"-\d$"),
}
"""What the name of a part of a region (an availability zone, a building) has after the region's."""


@dataclass(frozen=True, slots=True)
class Region:
    """A region of a cloud provider.

    Attributes:
        key: ``provider:region``, such as ``aws:eu-west-3``.
        zone: ISO 3166 country or grid zone of its electricity.
        place: city or state as the provider names it.
        water_stress: baseline category of Aqueduct, from 0 (low) to 4 (extremely high); None is unknown.
    """

    key: str
    zone: str
    place: str
    water_stress: int | None

    @property
    def provider(self) -> str:
        """First half of the key."""
        return self.key.partition(":")[0]

    @property
    def country(self) -> str:
        """ISO 3166-1 alpha-2 code."""
        return places.country(self.zone)


@cache
def regions() -> Mapping[str, Region]:
    """Every region, by key."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return {
            row["key"]: Region(
                row["key"], row["zone"], row["place"], int(row["water_stress"]) if row["water_stress"] else None
            )
            for row in csv.DictReader(file)
        }


def keys() -> tuple[str, ...]:
    """Keys of all regions, sorted."""
    return tuple(sorted(regions()))


@cache
def providers() -> frozenset[str]:
    """Providers whose regions are known."""
    return frozenset(region.provider for region in regions().values())


def key_of(region: str, provider: str | None = None) -> str:
    """The key of a region as bills and people write it; it need not be a known one.

    Args:
        region: ``eu-west-3``, ``aws:eu-west-3``, ``West Europe``; or a part of a region, such as ``eu-west-3a``.
        provider: whose region it is, where that is known; without one, the provider that alone has a region of this name.
    """
    said, colon, name = region.rpartition(":")
    owner = (said if colon else provider or "").strip().lower()
    owner = _ALIASES.get(owner, owner)
    name = name.strip().lower()
    if owner in ("azure", "") and " " in name:
        name = name.replace(" ", "")
    if owner:
        return _whole(owner, name)
    owners = [candidate for candidate in sorted(providers()) if _whole(candidate, name) in regions()]
    return _whole(owners[0], name) if len(owners) == 1 else name


def _whole(owner: str, name: str) -> str:
    """The region that a part of a region belongs to; other names stay as they are."""
    key = f"{owner}:{name}"
    if key in regions() or owner not in _PART_OF_REGION:
        return key
    whole = f"{owner}:{_PART_OF_REGION[owner].sub('', name)}"
    return whole if whole in regions() else key


def find(region: str, provider: str | None = None) -> Region | None:
    """The region of a name, or of a key, or None; arguments as for `key_of`."""
    return regions().get(key_of(region, provider))


def near(region: str, provider: str | None = None) -> tuple[str, ...]:
    """Keys that are written like this one, nearest first."""
    key = key_of(region, provider)
    found = difflib.get_close_matches(key, keys(), n=_NEAREST)
    if found or ":" in key:
        return tuple(found)
    names = {known.partition(":")[2]: known for known in keys()}
    return tuple(names[name] for name in difflib.get_close_matches(key, names, n=_NEAREST))


def get(region: str, provider: str | None = None) -> Region:
    """The region of a name.

    Raises:
        ActivityError: it is not known; the message gives the nearest name.
    """
    found = find(region, provider)
    if found is None:
        close = near(region, provider)
        raise ActivityError(
            f"There is no region '{region}'" + (f" of {provider}." if provider else "."),
            repair=f"Did you mean '{close[0]}'?"
            if close
            else "Write provider:region, such as aws:eu-west-3, or give a zone.",
            culprit=region,
        )
    return found
