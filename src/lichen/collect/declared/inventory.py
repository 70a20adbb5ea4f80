# SPDX-License-Identifier: Apache-2.0
"""Machines that are owned, as an inventory declares them; tables of G4IT and NumEcoEval are read by their own headings.

Headings: those of ``equipementPhysique`` in NumEcoEval (https://gitlab-forge.din.developpement-durable.gouv.fr/pub/numeco/m4g/numecoeval)
and in G4IT (https://github.com/G4ITTeam/g4it). A yearly consumption is that of one machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from lichen.collect.declared.table import Column, Row, read_table

_HOURS_A_YEAR: Final = 8_760
_MOST: Final = 1e7

EQUIPMENT: Final = (
    Column(name="application", others=("app", "nomApplication", "application code", "code application")),
    Column(name="environment", others=("env", "environnement", "typeEnvironnement")),
    Column(name="kind", others=("type", "type d'équipement")),
    Column(name="model", others=("modèle", "modele"), required=True),
    Column(name="count", others=("quantité", "quantite", "quantity", "number", "nombre")),
    Column(name="power_w", others=("power", "puissance", "puissance (W)", "power (W)", "watts")),
    Column(name="energy_kwh_per_year", others=("consoElecAnnuelle", "annualElectricityConsumption", "annual energy (kWh)")),
    Column(name="cpu", others=("processor", "processeur", "typeDeProcesseur")),
    Column(name="memory_gb", others=("memory", "mémoire", "memory (GB)", "mémoire (Go)")),
    Column(name="bought_on", others=("dateAchat", "datePurchase", "purchase date", "date d'achat", "bought")),
    Column(name="written_off_on", others=("dateRetrait", "dateWithdrawal", "retire date", "date de retrait", "written off")),
    Column(name="region", others=("paysDUtilisation", "country", "pays", "location")),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class EquipmentRow:
    """Machines of one model.

    Attributes:
        application: code; None when they serve several or none is declared.
        count: how many. power_w: of one, as stated, or its mean from a yearly consumption, in watts.
        memory_gb: of one, in the gigabytes of its modules, 2^30 bytes.
        line: where it stands in its table.
    """

    application: str | None
    environment: str | None
    kind: str
    model: str
    count: float
    power_w: float | None
    cpu: str | None
    memory_gb: float | None
    bought_on: date | None
    written_off_on: date | None
    region: str | None
    line: int


def read_inventory(path: Path, today: date) -> tuple[EquipmentRow, ...]:
    """Machines of a table.

    Raises:
        StorageError: a line is wrong, with its number.
    """

    def rows() -> Iterator[EquipmentRow]:
        for row in read_table(path, EQUIPMENT, "an inventory"):
            yield _equipment(row, today)

    return tuple(rows())


def _equipment(row: Row, today: date) -> EquipmentRow:
    bought, written_off = row.day("bought_on"), row.day("written_off_on")
    if bought is not None and bought > today:
        row.refuse(f"bought_on is {bought}, which is to come", "Write the day it was bought.")
    if bought is not None and written_off is not None and written_off < bought:
        row.refuse(f"written_off_on {written_off} is before bought_on {bought}", "Correct one of them.")
    count = row.number("count", largest=_MOST)
    return EquipmentRow(
        application=row.text("application"),
        environment=row.text("environment"),
        kind=row.text("kind") or "server",
        model=row.needed("model"),
        count=1.0 if count is None else count,
        power_w=_power(row),
        cpu=row.text("cpu"),
        memory_gb=row.number("memory_gb", largest=_MOST),
        bought_on=bought,
        written_off_on=written_off,
        region=row.text("region"),
        line=row.line,
    )


def _power(row: Row) -> float | None:
    """Stated power of one machine, else the mean of its yearly consumption, in watts."""
    stated = row.number("power_w", largest=_MOST)
    yearly = row.number("energy_kwh_per_year", largest=_MOST)
    if stated is not None or yearly is None:
        return stated
    return yearly * 1000 / _HOURS_A_YEAR
