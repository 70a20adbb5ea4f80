# SPDX-License-Identifier: Apache-2.0
"""What came after what clouds rent: newer generations, ARM equivalents, volumes and storage classes, and their relative price.

``successors.csv`` has a row per family: ``old`` and ``new`` are beginnings of types (``m4.``), or expressions between slashes.
``ratio`` is the price of the new one over that of the old one of the same size, ``assumed`` where nobody read it on the
provider's page; prices of a bill or of the table of prices go before it. Kinds: ``generation``, ``arm``, ``volume``, and for
objects that are read ``seldom`` or ``never``.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from lichen.catalogue import machines

_TABLE: Final = Path(__file__).with_name("successors.csv")
_AS_LARGE: Final = 0.85
"""Processors of the new one over those of the old one, at least: bare machines of two families differ by more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Successor:
    """What takes the place of something: its key, and its price over the old one's with a range."""

    key: str
    low: float
    ratio: float
    high: float
    status: str
    source: str


def find(kind: str, platform: str) -> Successor | None:
    """The successor of a kind; None where there is none, or the catalogue does not know it.

    Args:
        kind: ``generation``, ``arm``, ``volume``, ``seldom`` or ``never``.
        platform: key of the catalogue.

    >>> found = find("generation", "aws:m4.large")
    >>> (found.key, found.ratio) if found else None
    ('aws:m6i.large', 0.96)
    >>> found = find("generation", "azure:d4s_v3")
    >>> found.key if found else None
    'azure:d4s_v5'
    """
    provider, _, name = platform.partition(":")
    for row in _rows():
        if row["provider"] == provider and row["kind"] == kind:
            new = _renamed(row["old"], row["new"], name)
            if new and _as_large(platform, f"{provider}:{new}"):
                return Successor(
                    key=f"{provider}:{new}", low=float(row["low"]), ratio=float(row["ratio"]), high=float(row["high"]),
                    status=row["status"], source=row["source"],
                )  # fmt: skip
    return None


def _as_large(old: str, new: str) -> bool:
    """Whether the catalogue knows the new one, and it has about as many processors as the old one."""
    before, after = machines.find(old) or {}, machines.find(new)
    return after is not None and float(after.get("vcpu", 0.0)) >= _AS_LARGE * float(before.get("vcpu", 0.0))


def _renamed(old: str, new: str, name: str) -> str:
    """The new name of a type; empty where the row is not about it."""
    if old.startswith("/"):
        found = re.fullmatch(old.strip("/"), name)
        return found.expand(new) if found else ""
    if old[-1] not in ".-":
        return new if name == old else ""
    return new + name[len(old) :] if name.startswith(old) else ""


@cache
def _rows() -> tuple[dict[str, str], ...]:
    with _TABLE.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))
