# SPDX-License-Identifier: Apache-2.0
"""Names for steps that another tool recorded: titles and paths of pages, made writable, masked and unlike one another."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lichen import redact
from lichen.collect.entities import BETWEEN, segment
from lichen.collect.journeys.steps import unwritable

_LONGEST: Final = 80
"""Characters of a title that make a name."""


def step_name(title: str, taken: set[str]) -> str:
    """``title`` as a step may be called, unlike those ``taken`` so far; it is added to them."""
    plain = " ".join("".join(" " if unwritable(c) else c for c in redact.text(title)).split())
    plain = segment(plain)[:_LONGEST].strip()
    if plain in ("-", BETWEEN):
        plain = "home"
    candidates: Iterable[str] = (plain if count == 1 else f"{plain} ({count})" for count in range(1, len(taken) + 2))
    chosen = next(candidate for candidate in candidates if candidate not in taken)
    taken.add(chosen)
    return chosen
