# SPDX-License-Identifier: Apache-2.0
"""What providers say of their own emissions, in the ledger beside their bills: rows that no method reads and no total counts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lichen.catalogue import regions
from lichen.collect.bills.carbon.reading import read_carbon
from lichen.collect.bills.carbon.row import EMISSIONS, Reported
from lichen.collect.bills.opening import files_of
from lichen.collect.entities import segment
from lichen.errors import StorageError
from lichen.ledger import Fact, Slice, open_ledger
from lichen.ledger.tables import fact_batches
from lichen.records import Activity, AttributeValue, digest, timestamp
from lichen.service.bills.documents import check_documents
from lichen.service.board.periods import moved
from lichen.service.context import existing_ledger, ledger_place
from lichen.service.importing_ledger import source_of
from lichen.service.workspace import Workspace

if TYPE_CHECKING:
    from lichen.collect.bills.carbon.format import CarbonFormat

KIND: Final = "vendor"
"""First half of the names of such sources: ``vendor:aws``."""
FOLDER: Final = "vendor"
_UNITS: Final = {EMISSIONS: "gCO2e"}
_LITRE: Final = "L"
_GRAM_PER_KG: Final = 1000
_TOTAL: Final = "total"

Period = tuple[str, date]
"""Source and first day of a month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedCarbon:
    """What an import found and wrote.

    Attributes:
        files: name, format and figures of each.
        periods: source, month, figures, and emissions [kgCO2e] by scope and accounting.
        unchanged: whether all of it was there already.
        rows: rows of the ledger; 0 where nothing was written.
        unknown_regions: provider, and region as it writes it.
    """

    files: Sequence[Mapping[str, Any]]
    periods: Sequence[Mapping[str, Any]]
    unchanged: bool = False
    dry_run: bool = False
    rows: int = 0
    unknown_regions: Sequence[tuple[str, str]] = field(default=())

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "kind": "carbon", "unchanged": self.unchanged, "dry_run": self.dry_run, "files": list(self.files),
            "periods": list(self.periods), "rows": self.rows, "unknown_regions": [list(one) for one in self.unknown_regions],
        }  # fmt: skip


def import_carbon(
    workspace: Workspace, places: Sequence[str], *, source: str | None = None, dry_run: bool = False
) -> ImportedCarbon:
    """Imports carbon exports of providers, all or nothing: each month of a source takes the place of what was there of it.

    Args:
        places: files and folders.
        source: name under which all rows are kept; None: provider and payer of each row.

    Raises:
        StorageError: a file is damaged or of no known format; two files tell the same; the ledger is away or full.
    """
    files, rows = _read(places, source)
    found = ImportedCarbon(
        files=files, periods=[_told(period, of) for period, of in rows.items()], dry_run=dry_run,
        unknown_regions=sorted({
            (one.provider, one.region) for of in rows.values() for one in of if one.region and not place_of(one)
        }),
    )  # fmt: skip
    hashes = {period: digest(sorted(map(repr, of))) for period, of in rows.items()}
    ledger = existing_ledger(workspace.settings, create=False)
    before = {} if ledger is None else {period: ledger.documents.get(_name(period)) for period in rows}
    if all((one := before.get(period)) is not None and one["sha256"] == sha for period, sha in hashes.items()):
        return replace(found, unchanged=True)
    if dry_run:
        return found
    ledger = ledger or open_ledger(ledger_place(workspace.settings))
    check_documents(ledger, (f"{FOLDER}/{name}" for name, _ in rows))
    kept_from = ledger.first_day
    chosen = {period: of for period, of in rows.items() if kept_from is None or period[1] >= kept_from}
    slices = [Slice(source=name, first_day=month, end_day=moved(month, 1)) for name, month in chosen]
    count = ledger.replace_rows(slices, lambda: _batches(chosen, hashes)) if slices else 0
    for told in found.periods:
        period = told["source"], date.fromisoformat(told["month"])
        ledger.documents.put(
            _name(period), {**told, "files": list(files), "sha256": hashes[period], "imported_at": timestamp()}
        )
    return replace(found, rows=count)


def place_of(row: Reported) -> str:
    """Key of a known region; empty for any other."""
    found = regions.find(row.region, row.provider) if row.region else None
    return "" if found is None else found.key


def _read(places: Sequence[str], source: str | None) -> tuple[list[dict[str, Any]], dict[Period, list[Reported]]]:
    """Files, and their rows by source and month."""
    files: list[dict[str, Any]] = []
    rows: dict[Period, list[Reported]] = {}
    seen: dict[Reported, str] = {}
    for path in dict.fromkeys(path for place in places for path in files_of(Path(place))):
        one, found = read_carbon(path, str(path))
        files.append({"name": str(path), "format": one.name, "figures": len(found)})
        for row in found:
            name = source_of(KIND, _source(one, row) if source is None else source)
            rows.setdefault((name, row.month), []).append(row)
            key = _place(row)
            if seen.setdefault(key, str(path)) != str(path):
                raise StorageError(
                    f"{path} and {seen[key]} both tell of {row.month:%Y-%m} of {row.account or row.provider}.",
                    repair="Import one of them.", culprit=str(path),
                )  # fmt: skip
    if not rows:
        raise StorageError("There is no figure in these files.", repair="Ask for a month that is published.")
    return files, dict(sorted(rows.items()))


def _place(row: Reported) -> Reported:
    return replace(row, value=Decimal(0), model_version="")


def _source(one: CarbonFormat, row: Reported) -> str:
    """Exports that tell different things stand side by side; others of the same month replace each other."""
    scope = f"scope-{row.scope or 'sum'}" if one.by_scope else ""
    return "-".join(part for part in (row.provider, row.payer, one.kept_as, scope) if part)


def _told(period: Period, rows: Sequence[Reported]) -> dict[str, Any]:
    sums: dict[tuple[str, str], Decimal] = {}
    for row in rows:
        if row.quantity == EMISSIONS:
            key = row.scope, row.accounting
            sums[key] = sums.get(key, Decimal(0)) + row.value / _GRAM_PER_KG
    return {
        "source": period[0], "month": f"{period[1]:%Y-%m-%d}", "figures": len(rows),
        "emissions": [
            {"scope": scope, "accounting": accounting, "kgco2e": float(value)}
            for (scope, accounting), value in sorted(sums.items())
        ],
    }  # fmt: skip


def _batches(rows: Mapping[Period, Iterable[Reported]], hashes: Mapping[Period, str]) -> Iterator[Any]:
    """Rows of the ledger, as Arrow."""
    for period, of in rows.items():
        yield from fact_batches(period[0], (_fact(row, hashes[period]) for row in of))


def _fact(row: Reported, run_id: str) -> Fact:
    start, end = (datetime.combine(day, time(), UTC) for day in (row.month, moved(row.month, 1)))
    told: dict[str, AttributeValue] = {
        "basis": _TOTAL, "tier": "server", "started_at": timestamp(start), "ended_at": timestamp(end), "region": place_of(row),
        "scope": row.scope, "accounting": row.accounting,
    }  # fmt: skip
    stated = {key: text for key, text in told.items() if text}
    tags = {"provider": row.provider, "account": row.account, "region": row.region, "model_version": row.model_version}
    return Fact(
        activity=Activity(
            entity=f"/{segment(row.service)}/{segment(row.resource)}", quantity=row.quantity, value=float(row.value),
            unit=_UNITS.get(row.quantity, _LITRE), method="modelled", attributes=stated,
        ),
        run_id=run_id, started_at=start, ended_at=end, tags={key: text for key, text in tags.items() if text},
        billed={"service": row.service or None, "account": row.account or None, "resource": row.resource or None},
    )  # fmt: skip


def _name(period: Period) -> str:
    return f"{FOLDER}/{period[0]}/{period[1].isoformat()}"
