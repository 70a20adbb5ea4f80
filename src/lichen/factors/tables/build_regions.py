# SPDX-License-Identifier: Apache-2.0
"""Makes ``regions.csv``: the efficiency of the facilities of each cloud region, PUE and WUE, as the providers publish them.

Run it with ``python -m lichen.factors.tables.build_regions [OUTPUT]``. It reads the regions of the catalogue and
``inputs/region_efficiency.csv``: what AWS and Microsoft publish, read in ``aws-pue-wue.csv`` and ``azure-pue-wue.csv`` of
DigitalPebble SPRUCE 1.2 (Apache-2.0).

- A region that its provider publishes has that figure; any other has the mean of its continent (``eu-*``), with a wider range.
- Microsoft publishes one figure per continent, whatever the region: the wider range too.
- No provider states a range. Energy beyond the IT equipment is taken to differ between sites and years by -15 to +25 % of itself
  where the region has a figure of its own, and by -40 to +80 % where it stands in a mean; water by a factor of 1.5 and of 3.
"""

from __future__ import annotations

import csv
import fnmatch
import io
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lichen.catalogue import regions
from lichen.factors.reader import COLUMNS, PEDIGREE

HERE: Final = Path(__file__).parent
INPUT: Final = HERE / "inputs" / "region_efficiency.csv"
OUTPUT: Final = HERE / "regions.csv"
VALID_FROM: Final = "2024-01-01"
SOURCES: Final[Mapping[str, str]] = {"aws": "aws-efficiency-2024", "azure": "microsoft-efficiency-2024"}
OVERHEAD_OWN, OVERHEAD_MEAN = (0.85, 1.25), (0.6, 1.8)
WATER_OWN, WATER_MEAN = PEDIGREE["B"], PEDIGREE["D"]


@dataclass(frozen=True, slots=True)
class Published:
    """What a provider publishes of a region, or of all regions whose names fit a pattern; None is not published."""

    provider: str
    pattern: str
    pue: float | None
    wue_l_per_kwh: float | None

    @property
    def is_mean(self) -> bool:
        """Whether the figures are those of a continent."""
        return "*" in self.pattern or self.provider == "azure"


def read_published(path: Path = INPUT) -> list[Published]:
    """Publications, those of single regions before those of continents."""
    with path.open(encoding="utf-8", newline="") as file:
        found = [
            Published(row["provider"], row["region"], _figure(row["pue"]), _figure(row["wue_l_per_kwh"]))
            for row in csv.DictReader(file)
        ]
    return sorted(found, key=lambda published: ("*" in published.pattern, published.provider, published.pattern))


def _figure(cell: str) -> float | None:
    return float(cell) if cell else None


def build() -> list[dict[str, str]]:
    """All rows, sorted by factor and region."""
    published = read_published()
    rows = [row for key in regions.regions() for row in _region_rows(key, published)]
    return sorted(rows, key=lambda row: (row["id"], row["geography"]))


def _region_rows(key: str, published: list[Published]) -> Iterator[dict[str, str]]:
    provider, _, name = key.partition(":")
    fitting = [one for one in published if one.provider == provider and fnmatch.fnmatchcase(name, one.pattern)]
    for one in fitting:
        if one.pue is not None:
            low, high = OVERHEAD_MEAN if one.is_mean else OVERHEAD_OWN
            overhead = one.pue - 1.0
            bounds = (1.0 + overhead * low, one.pue, 1.0 + overhead * high)
            yield _row("facility.pue", "1", key, bounds, one) | {"boundary": "facility", "distribution": "triangular"}
            break
    for one in fitting:
        if one.wue_l_per_kwh is not None:
            spread = WATER_MEAN if one.is_mean else WATER_OWN
            bounds = (one.wue_l_per_kwh / spread, one.wue_l_per_kwh, one.wue_l_per_kwh * spread)
            yield _row("facility.wue", "L/kWh", key, bounds, one)
            break


def _row(
    factor_id: str, unit: str, key: str, bounds: tuple[float, float, float], published: Published
) -> dict[str, str]:
    low, value, high = bounds
    what = f"Mean of {published.pattern}" if "*" in published.pattern else "Figure of the region"
    if published.provider == "azure":
        what = "Figure of the continent"
    return dict.fromkeys(COLUMNS, "") | {
        "id": factor_id,
        "value": f"{value:g}",
        "low": f"{low:.4g}",
        "high": f"{high:.4g}",
        "unit": unit,
        "boundary": "it",
        "geography": key,
        "valid_from": VALID_FROM,
        "source": SOURCES[published.provider],
        "range_basis": "assumed",
        "comment": f"{what}; no range is published.",
    }


def text(rows: list[dict[str, str]]) -> str:
    """The table as csv."""
    file = io.StringIO(newline="")
    writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def main() -> int:
    """Writes the table."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else OUTPUT
    rows = build()
    path.write_text(text(rows), encoding="utf-8")
    print(f"{len(rows)} rows -> {path}")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
