# SPDX-License-Identifier: Apache-2.0
"""What a factor row must be. Every complaint names the file, the row and the repair.

Plain functions rather than a validation library: a user's pack is checked each time it is loaded, within the time that
`lichen evaluate` has in all.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from lichen.errors import FactorError
from lichen.factors import places
from lichen.factors.reader import COLUMNS, VECTOR, Pack, Row, Source
from lichen.units import BOUNDARIES

ROW_BOUNDARIES: Final = (*BOUNDARIES, "none")
DISTRIBUTIONS: Final = ("lognormal", "triangular", "uniform", "fixed")
RANGE_BASES: Final = ("source", "assumed")
UNIT_TOKENS: Final = frozenset(
    {"1", "gCO2e", "gSbe", "MJ", "J", "L", "kWh", "Wh", "W", "s", "h", "d", "B", "GB", "TB", "kg", "cm2", "mm2"}
)

_ID = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9_]+)+")
_TEXTS: Final = (
    "id", "unit", "boundary", "geography", "source", "licence", "distribution", "range_basis", "comment",
)  # fmt: skip
_MANDATORY: Final[Mapping[str, str]] = {
    "id": "Give it a dotted name such as grid.gwp100.",
    "value": "Give the central value.",
    "low": "Give the 5 % bound, or a pedigree grade.",
    "high": "Give the 95 % bound, or a pedigree grade.",
    "unit": "Give the unit, such as gCO2e/kWh.",
    "boundary": f"One of {', '.join(ROW_BOUNDARIES)}.",
    "valid_from": "Give the first day that the figure describes, such as 2024-01-01.",
    "source": "Cite a key of sources.toml, or of a [source.KEY] table in the pack.",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with one row."""

    where: str
    what: str
    repair: str


def validate(pack: Pack, units: Collection[str] = ()) -> None:
    """Raises FactorError for the first problem of ``pack`` and says how many others there are."""
    found = list(problems(pack, units))
    if not found:
        return
    first = found[0]
    more = f" ({len(found) - 1} more in this pack.)" if len(found) > 1 else ""
    raise FactorError(f"{first.where}: {first.what}.", repair=f"{first.repair}{more}", culprit=first.where)


def problems(pack: Pack, units: Collection[str] = ()) -> Iterator[Problem]:
    """Every problem of every row, including rows that occur twice; ``units`` are known besides `UNIT_TOKENS`."""
    seen: dict[tuple[str, str, str], str] = {}
    sound: dict[tuple[str, str], list[Row]] = {}
    for row in pack.rows:
        found = list(row_problems(row, pack.sources, units))
        yield from found
        if found:
            continue
        key = (str(row.data["id"]), str(row.data["geography"]), str(row.data["valid_from"]))
        if key in seen:
            yield Problem(
                row.where,
                f"the row {key[0]} for {key[1]} from {key[2]} is already at {seen[key]}",
                "Drop one, or give it another valid_from.",
            )
            continue
        seen[key] = row.where
        sound.setdefault(key[:2], []).append(row)
    for rows in sound.values():
        yield from _overlaps(rows)


def _overlaps(rows: list[Row]) -> Iterator[Problem]:
    """Rows of one factor and place that say until when they hold, and hold when another begins; an open end gives way."""
    ordered = sorted(rows, key=lambda row: str(row.data["valid_from"]))
    for earlier, later in itertools.pairwise(ordered):
        end, start = day(earlier.data["valid_to"]), day(later.data["valid_from"])
        if end is not None and start is not None and end >= start:
            yield Problem(
                later.where,
                f"the row begins on {start}, when the one at {earlier.where} still holds (until {end})",
                "End the earlier row the day before, or leave its valid_to out.",
            )


def row_problems(row: Row, sources: Mapping[str, Source], units: Collection[str] = ()) -> Iterator[Problem]:
    """Every problem of one row; the figures are only compared when all of them are there."""
    missing = [name for name in _MANDATORY if row.data.get(name) in (None, "")]
    for name in missing:
        yield Problem(row.where, f"{name} is missing", _MANDATORY[name])
    for name in sorted(row.data.keys() - {*COLUMNS, VECTOR}):
        fields = ", ".join((*COLUMNS, VECTOR))
        yield Problem(row.where, f"'{name}' is not a field of a factor row", f"Fields: {fields}, pedigree.")
    texts = [name for name in _TEXTS if not isinstance(row.data.get(name, ""), str)]
    for name in texts:
        yield Problem(row.where, f"{name} is not a text", "Write it in quotes.")
    if missing or texts:
        return
    for check in _CHECKS:
        finding = check(row.data, sources)
        if finding:
            yield Problem(row.where, *finding)
    if not unit_is_known(str(row.data["unit"]), units):
        yield Problem(
            row.where,
            f"the unit '{row.data['unit']}' is not known",
            f"Combine {', '.join(sorted(UNIT_TOKENS.union(units)))} with '.' and one '/'; an indicator's unit is known once "
            "the nomenclature has its row.",
        )


_Finding = tuple[str, str] | None
_Check = Callable[[Mapping[str, Any], Mapping[str, Source]], _Finding]


def number(value: object) -> float | None:
    """A finite float from a toml number or a csv cell; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        parsed = float(value)
    except ValueError:
        return None
    return parsed if math.isfinite(parsed) else None


def day(value: object) -> date | None:
    """A date from a toml date or a csv cell; None for anything else."""
    if isinstance(value, datetime):
        return None
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        return None


def unit_is_known(unit: str, more: Collection[str] = ()) -> bool:
    """Whether a unit is a product of known units over a product of known units, such as ``gCO2e/GB.h``."""
    return unit.count("/") <= 1 and all(
        token in UNIT_TOKENS or token in more for part in unit.split("/") for token in part.split(".")
    )


def _check_names(data: Mapping[str, Any], sources: Mapping[str, Source]) -> _Finding:
    if not _ID.fullmatch(str(data["id"])):
        return f"'{data['id']}' is not a factor id", "Write lower-case words joined by dots, without the place."
    geography = str(data["geography"])
    if not places.is_geography(geography):
        return (
            f"the geography '{geography}' is malformed",
            "Write an ISO 3166-1 alpha-2 code (FR), a zone that begins with one (US-TX), a region (aws:eu-west-3) or WORLD.",
        )
    if (unknown := places.unknown(geography)) is not None:
        return f"the geography '{geography}' does not exist", unknown.repair
    if data["source"] not in sources:
        return f"the source '{data['source']}' is not declared", _MANDATORY["source"]
    if not (data["licence"] or sources[data["source"]].licence):
        return "neither the row nor its source states a licence", "State the licence of the figure or of its source."
    return None


def _check_words(data: Mapping[str, Any], sources: Mapping[str, Source]) -> _Finding:
    del sources
    for name, valid in (
        ("boundary", ROW_BOUNDARIES),
        ("distribution", DISTRIBUTIONS),
        ("range_basis", RANGE_BASES),
    ):
        if data[name] not in valid:
            return f"the {name} '{data[name]}' is not known", f"One of {', '.join(valid)}."
    if data["range_basis"] == "assumed" and not data["comment"]:
        return "the range is assumed and nothing says why", "Give the reasoning in the comment."
    if str(data["redistributable"]).lower() not in ("true", "false"):
        return f"redistributable is '{data['redistributable']}'", "Write true or false."
    return None


def _check_dates(data: Mapping[str, Any], sources: Mapping[str, Source]) -> _Finding:
    del sources
    start, end = day(data["valid_from"]), day(data["valid_to"]) if data["valid_to"] else None
    if start is None or (data["valid_to"] and end is None):
        return "valid_from or valid_to is not a date", "Write dates as 2024-12-31."
    if end is not None and end < start:
        return "valid_to lies before valid_from", "Swap or correct the two dates."
    return None


def _check_figures(data: Mapping[str, Any], sources: Mapping[str, Source]) -> _Finding:
    del sources
    if VECTOR in data:
        return _list_of_figures(data)
    low, value, high = (number(data[name]) for name in ("low", "value", "high"))
    if low is None or value is None or high is None:
        return "value, low or high is not a finite number", "Write plain numbers."
    if not low <= value <= high:
        return f"the order low <= value <= high is broken ({low:g}, {value:g}, {high:g})", "Correct the three figures."
    fixed = data["distribution"] == "fixed"
    if fixed and not (low == value == high):
        return "a fixed factor has a range", "Set low and high to the value, or choose another distribution."
    if not fixed and low == high:
        return (
            "the range is empty",
            'Give the bounds, a pedigree grade, or distribution = "fixed" for a defining constant.',
        )
    if data["distribution"] == "lognormal" and low <= 0:
        return "a log-normal factor reaches zero", "Give positive bounds, or choose triangular."
    return _impossible(str(data["id"]), low, high)


def _impossible(factor_id: str, low: float, high: float) -> _Finding:
    """A range that reaches what no facility, grid or device can have, where formulas divide by zero or turn negative."""
    name = factor_id.rpartition(".")[2]
    if (name == "pue" or ".pue." in factor_id) and low < 1:
        return f"a PUE reaches {low:g}", "A facility takes what its equipment takes, or more: give 1 or more."
    if name == "loss_share" and not 0 <= low <= high < 1:
        return f"losses reach from {low:g} to {high:g}", "Give shares of what is generated, from 0 to below 1."
    if (name.startswith("lifetime") or name.endswith("lifetime")) and low <= 0:
        return f"a lifetime reaches {low:g}", "Give bounds above zero."
    return None


def _list_of_figures(data: Mapping[str, Any]) -> _Finding:
    figures = data[VECTOR]
    if not isinstance(figures, list) or not figures or None in map(number, figures):
        return "the vector is not a list of finite numbers", "Write vector = [1.0, 2.0]."
    if any(data[name] for name in ("value", "low", "high")):
        return "the row has both a vector and a value", "Keep one of the two."
    return None


_CHECKS: Final[tuple[_Check, ...]] = (_check_names, _check_words, _check_dates, _check_figures)
