# SPDX-License-Identifier: Apache-2.0
"""Makes ``ccf.csv.gz``: powers of processors, manufacture of servers, PUE and grids of Cloud Carbon Footprint.

Run it with ``python -m lichen.factors.tables.build_ccf ARCHIVE.tar.gz [OUTPUT]``; `lichen.catalogue.ccf_source` says which
archive. Rows under ``ccf`` are the program's. Rows under ``ccf_fixed`` differ where a defect is repaired: Google's regions of
regions have the mean of their members, the program has about their sum. Servers stand once per published figure; their name is
the figure in grams. The lists of possible processors, and which server an instance is on, are in the catalogue.
"""

from __future__ import annotations

import csv
import gzip
import io
import statistics
import sys
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any, Final

from lichen.catalogue.build_ccf import build as build_instances
from lichen.catalogue.ccf_source import PROVIDERS, UNKNOWN, Source, processors_id, read, typical
from lichen.factors.reader import COLUMNS

OUTPUT: Final = Path(__file__).with_name("ccf.csv.gz")
GRAM_PER_TONNE: Final = 1e6
EGRID: Final = frozenset({0.000410608, 0.000379069, 0.000322167, 0.000426254, 0.000373231})
GOOGLE_GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "asia": ("asia-",),
    "asia1": ("asia-northeast1", "asia-northeast2"),
    "eur4": ("europe-west4", "europe-north1"),
    "europe": ("europe-",),
    "nam4": ("us-central1", "us-east1"),
    "us": ("us-",),
}
"""Google's regions of regions: names of their members, or how the names begin."""

Cells = dict[str, Any]


def rows(source: Source) -> Iterator[Cells]:
    """Every row, in any order."""
    for provider in PROVIDERS:
        yield from _processors(source, provider)
        yield from _grids(source, provider)
    yield from _servers(source)
    yield from _google_pue(source)


def _row(factor_id: str, value: float, unit: str, **more: Any) -> Cells:
    cells = {"id": factor_id, "value": value, "low": value, "high": value, "unit": unit, "boundary": "none"}
    cells |= {"geography": "WORLD", "valid_from": date(2024, 3, 25), "source": "ccf-2024", "distribution": "fixed"}
    return cells | more


def _processors(source: Source, provider: str) -> Iterator[Cells]:
    """Idle and full power of every processor, or list of possible ones, that an instance of the provider has."""
    average = "MEDIAN" if provider == "gcp" else "AVG"
    for word, bound in (("idle", "MIN"), ("full", "MAX")):
        figures = source.literal(provider, rf"{bound}_WATTS_BY_COMPUTE_PROCESSOR:\s*")
        otherwise = source.number(provider, f"{bound}_WATTS_{average}")
        for name, possible in _named_processors(source, provider, figures).items():
            what = ", ".join(possible) if possible else "any processor that the method does not know"
            yield _row(
                f"ccf.{word}_power.{name}",
                typical(possible, figures, otherwise),
                "W",
                boundary="it",
                comment=f"Per hardware thread, or per card: {what}. The method states no range.",
            )


def _named_processors(source: Source, provider: str, figures: Mapping[str, float]) -> dict[str, list[str]]:
    """Possible processors by the name that the catalogue gives the list."""
    used = {
        str(row[column])
        for row in build_instances(source)
        for column in ("ccf_cpu", "ccf_fixed_cpu", "ccf_gpu")
        if column in row
    }
    lists = [[name] for name in figures]
    for file in ("aws.types", "azure.types", "gcp.types"):
        lists += [list(possible) for possible in source.table(file, "INSTANCE_TYPE_COMPUTE_PROCESSOR_MAPPING").values()]
    found: dict[str, list[str]] = {f"{provider}_unknown": []}
    for possible in lists:
        name = processors_id(provider, possible, figures)
        if name in used and name not in found:
            found[name] = possible
    return found


def _named(source: Source, *columns: str) -> set[str]:
    """What some columns of the catalogue's table hold."""
    return {str(row[column]) for row in build_instances(source) for column in columns if column in row}


def _servers(source: Source) -> Iterator[Cells]:
    for host in _named(source, "ccf_host", "ccf_fixed_host"):
        yield _row(
            f"ccf.server_gwp100.{host}", float(host.partition("_")[2].replace("_", ".")), "gCO2e", comment=_SERVER
        )


_SERVER: Final = (
    "Manufacture of a server: 1000 kg, 1.39 kg per gigabyte of memory above 16, 100 kg per further processor, 50 or 100 kg per "
    "drive, 150 kg per graphics card. The method states no range."
)


def _grids(source: Source, provider: str) -> Iterator[Cells]:
    if provider == "gcp":
        published = source.literal("gcp", r"by Google\.\s*return ")
    else:
        published = source.table(provider, f"{provider.upper()}_EMISSIONS_FACTORS_METRIC_TON_PER_KWH")
    repaired = published | (_means(published) if provider == "gcp" else {})
    for family, grids in (("ccf", published), ("ccf_fixed", repaired)):
        for region, tonnes in grids.items():
            yield _row(
                f"{family}.grid_gwp100",
                tonnes * GRAM_PER_TONNE,
                "gCO2e/kWh",
                geography=f"{provider}:{'*' if region == UNKNOWN else region.lower()}",
                source=_grid_source(provider, region, tonnes),
                comment=_grid_comment(region, family),
            )


def _means(published: Mapping[str, float]) -> dict[str, float]:
    return {
        group: statistics.fmean(v for region, v in published.items() if "-" in region and region.startswith(members))
        for group, members in GOOGLE_GROUPS.items()
    }


def _grid_source(provider: str, region: str, tonnes: float) -> str:
    if region == UNKNOWN or region in GOOGLE_GROUPS:
        return "ccf-2024"
    if provider == "gcp":
        return "google-region-carbon"
    return "egrid-2020" if tonnes in EGRID else "ccf-2024-grid"


def _grid_comment(region: str, family: str) -> str:
    if region == UNKNOWN:
        return "Mean of the provider's regions, for any other one. The method states no range."
    if region in GOOGLE_GROUPS:
        return ("Sum" if family == "ccf" else "Mean") + " over the member regions. The method states no range."
    return "The method states no range."


def _google_pue(source: Source) -> Iterator[Cells]:
    fleet = {"WORLD": source.number("gcp", "PUE_AVG")}
    figures = source.literal("gcp", r"PUE_TRAILING_TWELVE_MONTH:\s*")
    for place, value in (fleet | {f"gcp:{region}": value for region, value in figures.items()}).items():
        comment = "The method states no range."
        yield _row("ccf.pue.gcp", value, "1", boundary="facility", geography=place, comment=comment)


def write(path: Path, found: Iterable[Cells]) -> None:
    """A compressed table, sorted and the same for the same rows."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in sorted(found, key=lambda row: (row["id"], row["geography"])):
        writer.writerow([_cell(row.get(name, "")) for name in COLUMNS])
    with path.open("wb") as file, gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=0) as packed:
        packed.write(text.getvalue().encode())


def _cell(value: Any) -> str:
    return f"{value:.12g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    write(Path(sys.argv[2]) if len(sys.argv) > 2 else OUTPUT, rows(read(Path(sys.argv[1]))))
