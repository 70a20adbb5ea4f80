# SPDX-License-Identifier: Apache-2.0
"""Makes ``boavizta.csv.gz``: impacts of parts of servers, of end-user devices, and of electricity by country.

Run it with ``python -m lichen.factors.tables.build_boavizta boaviztapi-2.5.0-py3-none-any.whl [OUTPUT]``. It reads
``boaviztapi/data/factors.yml`` inside the archive of BoaviztAPI 2.5.0 (Boavizta, program under the AGPL-3.0; the figures are
facts of the Umweltbundesamt's study 94/2021, of ADEME's Base IMPACTS and Base Empreinte, of CEPIR, of Ember and of a study of
2021) and takes over figures only; each row's comment says which.

- Parts are given in the criteria ``gwp``, ``adp`` and ``pe``; end-user devices have ``adpe`` instead of ``adp`` and no ``pe``.
- The archive's default area is Europe; its row is that of the world here, because the method takes it where nobody says a place.
- An area that is no country any more gives its row to its successors (territory aliases of Unicode CLDR).
"""

from __future__ import annotations

import csv
import gzip
import io
import sys
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from babel.core import get_global

from lichen.factors.reader import COLUMNS

OUTPUT: Final = Path(__file__).with_name("boavizta.csv.gz")
FACTORS: Final = "boaviztapi/data/factors.yml"
DEFAULT_AREA, WORLD_AREA, WORLD = "EEE", "WOR", "WORLD"
CRITERIA: Final[Mapping[str, tuple[str, float, str]]] = {
    "gwp": ("gwp100", 1e3, "gCO2e"), "adp": ("adpe", 1e3, "gSbe"), "adpe": ("adpe", 1e3, "gSbe"), "pe": ("pe", 1.0, "MJ"),
}  # fmt: skip
"""Criterion of the archive -> indicator, what turns its unit (kg, MJ) into the indicator's, that unit."""

PARTS: Final[Mapping[str, tuple[tuple[str, ...], str]]] = {
    "cpu_die": (("cpu", "{c}", "die_impact"), "mm2"),
    "cpu": (("cpu", "{c}", "impact"), ""),
    "memory_die": (("ram", "{c}", "die_impact"), "cm2"),
    "memory": (("ram", "{c}", "impact"), ""),
    "ssd_die": (("ssd", "{c}", "die_impact"), "cm2"),
    "ssd": (("ssd", "{c}", "impact"), ""),
    "hdd": (("hdd", "{c}", "impact"), ""),
    "motherboard": (("motherboard", "{c}", "impact"), ""),
    "assembly": (("assembly", "{c}", "impact"), ""),
    "rack": (("case", "{c}", "rack", "impact"), ""),
    "psu": (("power_supply", "{c}", "impact"), "kg"),
    "gpu_casing": (("gpu", "casing", "manufacture", "{c}", "impact"), "kg"),
    "gpu_heatsink": (("gpu", "heatsink", "manufacture", "{c}", "impact"), "kg"),
    "gpu_board": (("gpu", "pwb", "manufacture", "{c}", "impact"), "cm2"),
    "gpu_die": (("gpu", "gpu", "manufacture", "{c}", "impact"), "mm2"),
    "gpu_memory": (("gpu", "vram", "manufacture", "{c}", "impact"), "mm2"),
    "gpu_supply": (("gpu", "upstream_transport", "manufacture", "{c}", "impact"), "kg"),
    "gpu_end_of_life": (("gpu", "end_of_life", "eol", "{c}", "impact"), "kg"),
}
"""Part -> where its figure stands (``{c}``: criterion), and what it is per; nothing: per piece."""

WAYS_KM: Final[Mapping[str, float]] = {"transport_boat": 19000.0, "transport_truck": 1000.0}
"""How every graphics processor of the archive is carried."""

TERMINALS: Final[Mapping[str, tuple[str, ...]]] = {
    "laptop_pro": ("LAPTOP", "{c}", "pro"),
    "laptop_perso": ("LAPTOP", "{c}", "perso"),
    "desktop_pro": ("DESKTOP", "{c}", "pro"),
    "desktop_perso": ("DESKTOP", "{c}", "perso"),
    "smartphone_default": ("SMARTPHONE", "{c}"),
    "tablet_default": ("TABLET", "{c}"),
    "tv_pro": ("TELEVISION", "{c}", "pro"),
    "tv_perso": ("TELEVISION", "{c}", "perso"),
    "monitor_default": ("MONITOR", "{c}"),
    "box_default": ("BOX", "{c}"),
    "usb_stick_default": ("USB_STICK", "{c}"),
    "external_ssd_default": ("EXTERNAL_SSD", "{c}"),
    "hdd_default": ("EXTERNAL_HDD", "{c}"),
    "vr_headset_oled": ("VR_HEADSET", "{c}", "oled"),
    "vr_headset_lcd": ("VR_HEADSET", "{c}", "lcd"),
    "vr_controller_default": ("VR_CONTROLLER", "{c}"),
}
UNSAID: Final = "The archive names no source."
PART_ORIGINS: Final[Mapping[str, str]] = {"assembly": "Umweltbundesamt, Texte 94/2021."}
TERMINAL_ORIGINS: Final[Mapping[str, str]] = {
    "https://base-empreinte.ademe.fr/": "ADEME Base Empreinte.",
    "CEPIR : Cas d'Étude Pour un Immersif Responsable, 2022": "CEPIR 2022.",
}
ORIGINS: Final[Mapping[str, str]] = {
    "https://ember-climate.org/data/data-explorer": "Ember",
    "https://www.sciencedirect.com/science/article/pii/S0306261921012149": "Applied Energy, S0306261921012149",
    "ADEME Base IMPACTS ®": "ADEME Base IMPACTS",
    "ADPf / (1-%renewable_energy)": "fossil resources of ADEME Base IMPACTS over the share that is not renewable",
}
"""Where the archive has a figure of electricity from, as a row's comment names it."""


def at(factors: Mapping[str, Any], path: tuple[str, ...], criterion: str) -> Any:
    """What stands at a path of the archive."""
    found: Any = factors
    for name in path:
        found = found[name.replace("{c}", criterion)]
    return found


def row(name: str, criterion: str, figure: float, per: str, **more: str) -> dict[str, str]:
    """A factor row; the archive states no range, so that the value is fixed."""
    indicator, scale, unit = CRITERIA[criterion]
    value = repr(float(f"{figure * scale:.12g}"))  # without the last digits of a decimal that was multiplied by 1000
    return {
        "id": f"boavizta.{name}.{indicator}", "value": value, "low": value, "high": value,
        "unit": f"{unit}/{per}" if per else unit, "boundary": "none", **more,
    }  # fmt: skip


def rows(factors: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Every row of the table."""
    for name, (path, per) in PARTS.items():
        for criterion in ("gwp", "adp", "pe"):
            yield row(name, criterion, at(factors, path, criterion), per, comment=PART_ORIGINS.get(name, UNSAID))
    for criterion in ("gwp", "adp", "pe"):
        way = sum(
            km * at(factors, ("gpu", means, "distribution", "{c}", "impact"), criterion)
            for means, km in WAYS_KM.items()
        )
        yield row("gpu_transport", criterion, way, "kg", comment=f"19,000 km by ship and 1,000 km by lorry. {UNSAID}")
    for name, path in TERMINALS.items():
        for criterion in ("gwp", "adpe"):
            figure = at(factors, path, criterion)
            origin = TERMINAL_ORIGINS[figure["source"]]
            yield row(f"terminal.{name}", criterion, float(figure["impact"]), "", comment=origin)
    aliases = get_global("territory_aliases")
    for area, figures in factors["electricity"].items():
        if area in ("min-max", "available_countries", WORLD_AREA):
            continue
        for geography in [WORLD] if area == DEFAULT_AREA else aliases[area]:
            for criterion in ("gwp", "adpe", "pe"):
                if criterion in figures:
                    figure = figures[criterion]
                    said = {"geography": geography, "comment": comment(area, figure)}
                    yield row("grid", criterion, figure["value"], "kWh", **said)


def comment(area: str, figure: Mapping[str, Any]) -> str:
    """Year and origin of a figure of electricity, and the area when its name is not that of the row."""
    stands = {DEFAULT_AREA: "Europe. ", "SCG": "Serbia and Montenegro. ", "ANT": "Netherlands Antilles. "}.get(area, "")
    return f"{stands}{figure['reference_year']}, {ORIGINS[figure['source']]}."


def write(path: Path, table: Iterator[dict[str, str]]) -> None:
    """A compressed table, sorted and the same for the same rows."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    ordered = sorted(table, key=lambda entry: (entry["id"], entry.get("geography", WORLD)))
    writer.writerows(ordered)
    with path.open("wb") as file, gzip.GzipFile("", "wb", compresslevel=9, fileobj=file, mtime=0) as packed:
        packed.write(text.getvalue().encode())
    print(f"{path}: {len(ordered)} rows, {path.stat().st_size} bytes")


if __name__ == "__main__":
    with zipfile.ZipFile(sys.argv[1]) as archive:
        content = yaml.safe_load(archive.read(FACTORS))
    write(Path(sys.argv[2]) if len(sys.argv) > 2 else OUTPUT, rows(content))
