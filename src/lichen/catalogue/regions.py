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
import unicodedata
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
_CALLED: Final[Mapping[str, Mapping[str, str]]] = {
    "aws": {
        "Canada (Central)": "ca-central-1", "Ireland": "eu-west-1", "Malaysia": "ap-southeast-5",
        "Mexico (Central)": "mx-central-1", "N. California": "us-west-1", "N. Virginia": "us-east-1",
        "New Zealand": "ap-southeast-6", "Spain": "eu-south-2", "Thailand": "ap-southeast-7", "UAE": "me-central-1",
    },
    "gcp": {
        "Belgium": "europe-west1", "Finland": "europe-north1", "Netherlands": "europe-west4", "Taiwan": "asia-east1",
    },
}  # fmt: skip
"""What providers call regions by, where it is not the place of the table."""
_RESERVED: Final = ("gov", "dod")
"""In names of regions for authorities, which stand where others do: whoever means one says so."""


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
        provider: whose region it is, where that is known; without one, the provider that alone has a region of this name. With
            one, the region's place is enough where it has one region there: ``EU (Ireland)``, ``US East (Ohio)``.
    """
    said, colon, name = region.rpartition(":")
    owner = (said if colon else provider or "").strip().lower()
    owner = _ALIASES.get(owner, owner)
    name = name.strip().lower()
    if owner in ("azure", "") and " " in name:
        name = name.replace(" ", "")
    if owner:
        key = _whole(owner, name)
        return key if key in regions() else _placed(owner, name) or key
    owners = [candidate for candidate in sorted(providers()) if _whole(candidate, name) in regions()]
    return _whole(owners[0], name) if len(owners) == 1 else name


def _whole(owner: str, name: str) -> str:
    """The region that a part of a region belongs to; other names stay as they are."""
    key = f"{owner}:{name}"
    if key in regions() or owner not in _PART_OF_REGION:
        return key
    whole = f"{owner}:{_PART_OF_REGION[owner].sub('', name)}"
    return whole if whole in regions() else key


def _placed(owner: str, name: str) -> str | None:
    """The one region of a provider that stands where a name says; None where there is none, or several."""
    whole = _letters(name)
    around, _, within = whole.rstrip(")").partition("(")
    named = _named(owner)
    found = {key for text in (whole, around, within) for key in named.get(text, ())}
    if not any(word in whole for word in _RESERVED):
        found = {key for key in found if not any(word in key for word in _RESERVED)}
    # A region and its parts are one.
    found = {key for key in found if not any(key.startswith(f"{other}-") for other in found)}
    return found.pop() if len(found) == 1 else None


@cache
def _named(owner: str) -> Mapping[str, tuple[str, ...]]:
    """Keys of a provider's regions by what they are called and where they stand."""
    found: dict[str, tuple[str, ...]] = {}
    for region in regions().values():
        if region.provider == owner:
            for text in (_letters(region.place), _letters(region.key.partition(":")[2])):
                found[text] = (*found.get(text, ()), region.key)
    return found | {_letters(text): (f"{owner}:{name}",) for text, name in _CALLED.get(owner, {}).items()}


def _letters(name: str) -> str:
    """A name in small letters without marks, spaces and signs, but for brackets: those of AWS hold the place."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    return "".join(sign for sign in plain if sign.isalnum() or sign in "()")


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
