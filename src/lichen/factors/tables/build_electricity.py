# SPDX-License-Identifier: Apache-2.0
"""Makes ``electricity.csv.gz``: four indicators of grid electricity by country and year, each with a range.

Run it with ``python -m lichen.factors.tables.build_electricity [OUTPUT]``. It reads three files of ``inputs/`` and the pack
``generation`` (what one kWh costs by technology).

- Climate change: Ember's life-cycle carbon intensity of the year, as Our World in Data publishes it. Where that is rounded
  to nothing (grids below 0.1 TWh a year, or a published zero) it is derived from the mix. The latest year comes from Ember's
  own release, as far as it may be had; so do states of the United States, which have the relative range of their country.
- Mineral resources, primary energy, water: the country's own generation mix times the technology factors.
- Ranges: the mix of the technologies' bounds. They are summed and not added in quadrature, because what a technology's
  factor gets wrong it gets wrong everywhere. The spread of yearly changes of the country's intensity is added to them, since
  a mix is used for other years than its own. A published intensity that disagrees with the derived one has both in its range.
- The world: weighted by generation; its range is the spread between countries (5 to 95 % of generation) together with the
  countries' own ranges, because it is used where the place is unknown.

Every figure is per kWh generated. Losses between plant and plug are the factor ``grid.loss_share``.
"""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import math
import statistics
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lichen.factors import PACK_GENERATION
from lichen.factors.reader import COLUMNS, read_pack
from lichen.factors.sanity import MJ_PER_KWH_FLOOR, check

HERE: Final = Path(__file__).parent
OUTPUT: Final = HERE / "electricity.csv.gz"
UNITS: Final[Mapping[str, str]] = {"gwp100": "gCO2e/kWh", "adpe": "gSbe/kWh", "pe": "MJ/kWh", "water": "L/kWh"}
FIRST_YEAR: Final = 2019
OLDEST_MIX: Final = 2020
INTENSITIES: Final = ("carbon_intensity.csv", "carbon_intensity_2025.csv")
EMBER_YEAR: Final = 2025
"""Year that Our World in Data's set does not have yet."""
SMALL_GRID_TWH: Final = 0.1
"""Emissions and generation are published in steps of 0.01: below this their ratio means little."""
Z95: Final = 1.645
VOLATILITY_FLOOR, VOLATILITY_CAP, VOLATILITY_UNKNOWN = 0.02, 0.25, 0.1


@dataclass(frozen=True, slots=True)
class Bounds:
    """A figure with its 5 % and 95 % bounds, in the unit of its indicator per kWh."""

    value: float
    low: float
    high: float
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class Mix:
    """Generation of one place in one year, TWh by technology."""

    geography: str
    year: int
    twh: Mapping[str, float]

    @property
    def total_twh(self) -> float:
        """Generation of all technologies."""
        return sum(self.twh.values())


Technologies = Mapping[str, Mapping[str, Bounds]]
Intensities = Mapping[str, Mapping[int, float]]
Row = dict[str, object]


def read_technologies() -> Technologies:
    """Bounds by technology and indicator, from the pack ``generation``."""
    found: dict[str, dict[str, Bounds]] = {}
    for row in read_pack(PACK_GENERATION).rows:
        data = row.data
        prefix, *rest = data["id"].split(".")
        if prefix == "generation":
            technology, indicator = rest
            bounds = Bounds(data["value"], data["low"], data["high"], data["range_basis"] == "assumed")
            found.setdefault(technology, {})[indicator] = bounds
    return found


def read_mixes(path: Path = HERE / "inputs" / "generation_mix.csv") -> list[Mix]:
    """One mix per place; mixes too old to stand for today, and places that generate nothing, are left out."""
    mixes = []
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            twh = {name.removesuffix("_twh"): float(cell) for name, cell in row.items() if name.endswith("_twh")}
            mix = Mix(row["geography"], int(row["year"]), twh)
            if mix.year >= OLDEST_MIX and mix.total_twh > 0:
                mixes.append(mix)
    return mixes


def read_intensities(*paths: Path) -> Intensities:
    """Published gCO2e per kWh, by place and year; the shipped inputs when no path is given."""
    found: dict[str, dict[int, float]] = {}
    for path in paths or (HERE / "inputs" / name for name in INTENSITIES):
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                found.setdefault(row["geography"], {})[int(row["year"])] = float(row["gco2e_per_kwh"])
    return found


def volatility(history: Mapping[int, float]) -> float:
    """Standard deviation of the yearly log changes of an intensity, within sane limits [1]."""
    years = sorted(year for year, intensity in history.items() if intensity > 0)
    changes = [math.log(history[b] / history[a]) for a, b in itertools.pairwise(years)]
    if len(changes) < 3:  # the spread of fewer than three changes says nothing
        return VOLATILITY_UNKNOWN
    return min(VOLATILITY_CAP, max(VOLATILITY_FLOOR, statistics.stdev(changes)))


def derive(mix: Mix, technologies: Technologies, indicator: str, sigma: float) -> Bounds:
    """A mix times the technology factors.

    Args:
        indicator: ``gwp100``, ``adpe``, ``pe`` or ``water``.
        sigma: log standard deviation of the mix from one year to another.
    """
    shares = {name: twh / mix.total_twh for name, twh in mix.twh.items() if twh > 0}
    used = [(share, technologies[name][indicator]) for name, share in shares.items()]
    value = sum(share * bounds.value for share, bounds in used)
    low = sum(share * bounds.low for share, bounds in used)
    high = sum(share * bounds.high for share, bounds in used)
    assumed = any(bounds.assumed for _, bounds in used)
    return _widen(Bounds(value, low, high, assumed), sigma)


def _widen(bounds: Bounds, sigma: float) -> Bounds:
    """Adds an independent log-normal spread to both bounds."""
    below, above = math.log(bounds.value / bounds.low), math.log(bounds.high / bounds.value)
    spread = Z95 * sigma
    return Bounds(
        bounds.value,
        bounds.value * math.exp(-math.hypot(below, spread)),
        bounds.value * math.exp(math.hypot(above, spread)),
        bounds.assumed,
    )


def published(intensity: float, derived: Bounds) -> Bounds:
    """A published intensity with the relative range of the derived one, wide enough to hold the derived value."""
    ratio = intensity / derived.value
    return Bounds(
        intensity, min(derived.low * ratio, derived.value), max(derived.high * ratio, derived.value), derived.assumed
    )


def weighted_quantile(pairs: list[tuple[float, float]], share: float) -> float:
    """The smallest value that at least ``share`` of the weight does not exceed. ``pairs`` are (value, weight)."""
    total, seen = sum(weight for _, weight in pairs), 0.0
    for value, weight in sorted(pairs):
        seen += weight
        if seen >= share * total:
            return value
    raise ValueError("no weight")


def country_rows(mix: Mix, technologies: Technologies, history: Mapping[int, float]) -> Iterator[Row]:
    """Rows of one place: one climate row per published year, the three derived indicators for the year of the mix."""
    sigma = volatility(history)
    climate = derive(mix, technologies, "gwp100", sigma)
    years = {year: value for year, value in history.items() if year >= FIRST_YEAR and value > 0}
    if mix.total_twh < SMALL_GRID_TWH or not years:
        why = f"Derived from the mix of {mix.year}: the published intensity is rounded away."
        yield _row("gwp100", mix.geography, mix.year, climate, "owid-energy-mix", why)
    else:
        for year, intensity in sorted(years.items()):
            bounds = published(intensity, climate)
            comment = f"Year {year}; range by the mix of {mix.year}."
            yield _row("gwp100", mix.geography, year, bounds, _publication(year), comment)
    for indicator in ("adpe", "pe", "water"):
        bounds = derive(mix, technologies, indicator, sigma)
        yield _row(indicator, mix.geography, mix.year, bounds, "owid-energy-mix", f"Mix of {mix.year} x technologies.")


def zone_rows(intensities: Intensities, rows: list[Row]) -> Iterator[Row]:
    """Zones within a country: their published intensity, with the relative range of their country's in that year."""
    countries = {(str(row["geography"]), str(row["valid_from"])[:4]): row for row in rows if row["id"] == "grid.gwp100"}
    for zone, history in sorted(intensities.items()):
        country, _, part = zone.partition("-")
        for year, intensity in sorted(history.items()) if part else ():
            whole = _bounds(countries[country, str(year)])
            ratio = intensity / whole.value
            bounds = Bounds(intensity, whole.low * ratio, whole.high * ratio, assumed=True)
            comment = f"Year {year}, generation within {zone}; relative range of {country}."
            yield _row("gwp100", zone, year, bounds, _publication(year), comment)


def _publication(year: int) -> str:
    return "ember-2026" if year >= EMBER_YEAR else "owid-energy"


def world_rows(mixes: list[Mix], rows: list[Row], intensities: Intensities) -> Iterator[Row]:
    """The world: weighted by generation, with the spread between countries in its range."""
    weights = {mix.geography: mix.total_twh for mix in mixes}
    year_of_mixes = statistics.mode(mix.year for mix in mixes)
    for indicator in ("adpe", "pe", "water"):
        yield _world_row(indicator, year_of_mixes, _countries(rows, indicator, year_of_mixes), weights, None)
    for year, intensity in sorted(intensities["WORLD"].items()):
        if year >= FIRST_YEAR:
            yield _world_row("gwp100", year, _countries(rows, "gwp100", year), weights, intensity)


def _world_row(
    indicator: str, year: int, countries: Mapping[str, Bounds], weights: Mapping[str, float], known: float | None
) -> Row:
    """Value: the published one, else the mean by generation. Range: countries' spread and their own mean range, as
    independent log-normals, so that an unknown place is never more certain than a known one."""
    total = sum(weights[place] for place in countries)
    mean = sum(weights[place] * bounds.value for place, bounds in countries.items()) / total
    value = mean if known is None else known
    pairs = [(bounds.value, weights[place]) for place, bounds in countries.items()]
    below = sum(weights[place] * math.log(bounds.value / bounds.low) for place, bounds in countries.items()) / total
    above = sum(weights[place] * math.log(bounds.high / bounds.value) for place, bounds in countries.items()) / total
    low = value * math.exp(-math.hypot(below, math.log(value / weighted_quantile(pairs, 0.05))))
    high = value * math.exp(math.hypot(above, math.log(weighted_quantile(pairs, 0.95) / value)))
    bounds = Bounds(value, low, high, any(country.assumed for country in countries.values()))
    comment = "Weighted by generation; range: spread between countries (5 to 95 % of generation) and their own ranges."
    return _row(indicator, "WORLD", year, bounds, _publication(year) if known else "owid-energy-mix", comment)


def _countries(rows: list[Row], indicator: str, year: int) -> dict[str, Bounds]:
    """Each country's row nearest to ``year``."""
    nearest: dict[str, Row] = {}
    for row in rows:
        place = str(row["geography"])
        if row["id"] != f"grid.{indicator}":
            continue
        if place not in nearest or _distance(row, year) < _distance(nearest[place], year):
            nearest[place] = row
    return {place: _bounds(row) for place, row in nearest.items()}


def _bounds(row: Row) -> Bounds:
    value, low, high = (float(str(row[name])) for name in ("value", "low", "high"))
    return Bounds(value, low, high, bool(row["range_basis"]))


def _distance(row: Row, year: int) -> int:
    return abs(int(str(row["valid_from"])[:4]) - year)


def _row(indicator: str, geography: str, year: int, bounds: Bounds, source: str, comment: str) -> Row:
    floor = MJ_PER_KWH_FLOOR if indicator == "pe" else 0.0
    cells: Row = dict.fromkeys(COLUMNS, "")
    cells |= {
        "id": f"grid.{indicator}",
        "value": f"{bounds.value:.5g}",
        "low": f"{max(bounds.low, floor):.5g}",
        "high": f"{bounds.high:.5g}",
        "unit": UNITS[indicator],
        "boundary": "none",
        "geography": geography,
        "valid_from": f"{year}-01-01",
        "valid_to": f"{year}-12-31",
        "source": source,
        "range_basis": "assumed" if bounds.assumed else "",
        "comment": comment,
    }
    return cells


def build() -> list[Row]:
    """All rows, sorted by factor, place and year."""
    technologies, mixes, intensities = read_technologies(), read_mixes(), read_intensities()
    rows = [row for mix in mixes for row in country_rows(mix, technologies, intensities.get(mix.geography, {}))]
    rows += [*world_rows(mixes, rows, intensities), *zone_rows(intensities, rows)]
    return sorted(rows, key=lambda row: (str(row["id"]), str(row["geography"]), str(row["valid_from"])))


def write(rows: list[Row], path: Path) -> None:
    """Writes the table; the same rows give the same bytes."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    path.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


def main() -> int:
    """Builds the table, refuses to write one that is not sane."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else OUTPUT
    rows = build()
    findings = check(rows)
    for finding in findings:
        print(f"{finding.where}: {finding.what}", file=sys.stderr)
    if findings:
        return 1
    write(rows, path)
    print(f"{len(rows)} rows, {len({row['geography'] for row in rows})} places -> {path}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
