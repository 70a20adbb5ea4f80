# SPDX-License-Identifier: Apache-2.0
"""Writes docs/model/lichen-1.md and its French version from the templates of tools/argument: every number is computed.

The templates hold the prose; figures come from the factor packs, from the method applied to a reference visit, and from
``alternatives.toml``, the published figures that the method does not take.

Usage: ``python tools/argument.py``. `make pages` runs it; a test fails when a page is behind.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date
from functools import cache, partial
from math import sqrt
from pathlib import Path
from typing import Any, Final, NamedTuple

import prose
from lichen.config import Settings
from lichen.factors.store import FactorStore
from lichen.records import Factor
from lichen.service.evaluation import evaluate_document
from lichen.service.workspace import Workspace

SOURCE: Final = Path(__file__).resolve().parent / "argument"
FOLDER: Final = Path(__file__).resolve().parent.parent / "docs" / "model"
PAGES: Final = {"en": "lichen-1.md", "fr": "lichen-1.fr.md"}
THIS_YEAR: Final = 2026
"""Year of the data-quality scores: they age with the data, and are looked at again when it changes."""
METHOD: Final = "lichen-1"
VISIT: Final = (
    ("browser", "screen_time", 60.0), ("browser", "cpu_time", 3.0), ("browser", "network_bytes", 2e6),
    ("browser", "memory_byte_seconds", 2.1e10), ("browser", "disk_bytes", 1e6), ("server", "cpu_time", 0.4),
    ("server", "memory_byte_seconds", 1.8e10), ("server", "disk_bytes", 5e5),
)  # fmt: skip
"""The reference visit: part, quantity, amount in canonical units."""


class Visit(NamedTuple):
    """The method's answer for a visit."""

    result: Mapping[str, Any]

    def sum(self, indicator: str, *, phase: str = "", rules: str = "") -> float:
        """Sum of an indicator's impacts.

        Args:
            phase: ``use`` or ``embodied``; both when empty.
            rules: pattern of the rules that count; all when empty.
        """
        return sum(
            row["value"]
            for row in self.result["impacts"]
            if row["indicator"] == indicator
            and (not phase or row["phase"] == phase)
            and (not rules or re.match(rules, row["rule"]))
        )


class Swing(NamedTuple):
    """How far one factor moves a total when it alone goes to its bounds, as shares of the total."""

    factor_id: str
    low: float
    high: float


class Quality(NamedTuple):
    """A row of the pedigree matrix: scores from 1 (best) to 5."""

    name: str
    rows: int
    reliability: int
    completeness: int
    time: int
    place: int
    technology: int
    spread: float
    assumed: float
    completeness_reason: str
    technology_reason: str


def _document(zone: str | None, device: str, visit: Iterable[tuple[str, str, float]]) -> dict[str, Any]:
    common = {"device": device} | ({"zone": zone} if zone else {})
    tiers = {"browser": "device", "server": "server"}
    return {
        "activities": [
            {"entity": f"visit/{part}", "quantity": quantity, "value": amount, "tier": tiers[part], **common}
            for part, quantity, amount in visit
        ]
    }


@cache
def _workspace() -> Workspace:
    return Workspace(Settings())


def _store() -> FactorStore:
    return _workspace().factors


@cache
def visit(zone: str | None = "FR", device: str = "laptop", times: float = 1.0) -> Visit:
    """The reference visit at a place on a device, ``times`` as long with the same work per second."""
    amounts = [(part, quantity, amount * times) for part, quantity, amount in VISIT]
    return Visit(evaluate_document(_workspace(), _document(zone, device, amounts), [METHOD]))


@cache
def swings(indicator: str, zone: str | None = "FR", device: str = "laptop") -> list[Swing]:
    """One factor at a time to its 5 % and 95 % bound, largest effect first."""
    whole = visit(zone, device)
    total = whole.sum(indicator)
    used = {(row["id"], row["geography"], row["valid_from"]) for i in whole.result["impacts"] for row in i["factors"]}
    # The rows that matter only: a store is built for each bound.
    places = {(factor_id, place) for factor_id, place, _ in used}
    rows = [row for row in _store() if (row.factor_id, row.geography) in places]
    found = []
    for factor_id, place, start in sorted(used):
        ends = []
        for bound in ("low", "high"):
            move = partial(_moved, key=(factor_id, place, date.fromisoformat(start)), bound=bound)
            workspace = _workspace().with_factors(FactorStore(map(move, rows), _store().sources.values()))
            answer = evaluate_document(workspace, _document(zone, device, VISIT), [METHOD])
            ends.append(Visit(answer).sum(indicator) / total - 1)
        found.append(Swing(factor_id, *ends))
    return sorted(found, key=lambda swing: -abs(swing.high - swing.low))


def _moved(row: Factor, *, key: tuple[str, str, date], bound: str) -> Factor:
    if (row.factor_id, row.geography, row.valid_from) != key:
        return row
    return replace(row, value=getattr(row, bound))


def quality(language: str) -> list[Quality]:
    """The pedigree matrix by family of factors."""
    families = tomllib.loads((SOURCE / "data_quality.toml").read_text(encoding="utf-8"))["family"]
    return [_quality(family, language) for family in families]


def _quality(family: Mapping[str, Any], language: str) -> Quality:
    rows = [row for row in _store() if re.fullmatch(family["match"], row.factor_id)]
    assumed = sum(row.range_basis == "assumed" for row in rows) / len(rows)
    years = sorted(min(row.valid_from.year, _store().sources[row.source].year) for row in rows)
    spreads = sorted(sqrt(row.high / row.low) for row in rows)
    own = sum(row.source == "lichen-pedigree" for row in rows) / len(rows)
    return Quality(
        name=family[language],
        rows=len(rows),
        reliability=max(family["reliability_at_best"], _step(own + assumed, (0.0, 0.5, 1.0, 1.5))),
        completeness=family["completeness"],
        time=_step(THIS_YEAR - years[len(years) // 2], (2, 5, 9, 14)),
        place=1 if len({row.geography for row in rows}) > 1 else 2,
        technology=family["technology"],
        spread=spreads[len(spreads) // 2],
        assumed=assumed,
        completeness_reason=family[f"completeness_{language}"],
        technology_reason=family[f"technology_{language}"],
    )


def _step(value: float, ends: Iterable[float]) -> int:
    """Score of a value: 1 up to the first end, 5 beyond the last."""
    return 1 + sum(value > end for end in ends)


def _words(language: str) -> dict[str, Callable[..., Any]]:
    n = partial(prose.number, language=language)
    to = {"en": "to", "fr": "à"}[language]

    def factor(factor_id: str, place: str | None = None) -> Factor:
        return _store().lookup(factor_id, place)

    def value(factor_id: str, place: str | None = None, scale: float = 1.0) -> str:
        return n(factor(factor_id, place).value * scale, 3)

    def spread(factor_id: str, place: str | None = None, scale: float = 1.0) -> str:
        row = factor(factor_id, place)
        return f"{n(row.value * scale, 3)} ({n(row.low * scale, 3)} {to} {n(row.high * scale, 3)})"

    return {
        "n": n,
        "wh": lambda watts, seconds: watts * seconds / 3600,
        "pct": partial(prose.share, language=language),
        "f": factor,
        "v": value,
        "r": spread,
    }


def page(language: str) -> str:
    """The page in a language."""
    alternatives = tomllib.loads((SOURCE / "alternatives.toml").read_text(encoding="utf-8"))
    names = {
        **_words(language),
        "visit": visit, "swings": swings, "quality": quality(language), "amounts": VISIT, "year": THIS_YEAR,
        "alternatives": alternatives, "a": {name: row["value"] for name, row in alternatives.items()},
        "places": len(_store().places("grid.gwp100")) - 1,
    }  # fmt: skip
    return prose.rendered(SOURCE / f"lichen-1.{language}.md.j2", names)


def pages() -> dict[Path, str]:
    """Each page and what it should hold."""
    return {FOLDER / name: page(language) for language, name in PAGES.items()}


def main() -> None:
    """Writes the pages."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
