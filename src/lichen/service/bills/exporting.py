# SPDX-License-Identifier: Apache-2.0
"""Bills as they came, with what they cause beside each line: columns of one's own in the sense of FOCUS, ``x_lichen_…``."""

from __future__ import annotations

import calendar
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from lichen.catalogue import regions
from lichen.collect.bills.engine import DuckEngine
from lichen.collect.bills.exporting import Asked, Form, PerUnit, asked_of, remove_scratch, with_figures, write_lines
from lichen.collect.bills.format import formats
from lichen.collect.bills.mapping import Rules
from lichen.collect.bills.meter import Understood
from lichen.collect.bills.pipeline import BillFile
from lichen.collect.bills.utilisation import read_utilisation
from lichen.errors import StorageError, UsageError
from lichen.ledger.runfile import destination
from lichen.model.method import Method
from lichen.records import digest
from lichen.service.bills import inputs
from lichen.service.bills.manifests import Manifests
from lichen.service.bills.spool import spooled
from lichen.service.context import existing_ledger
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.progress import Silent
from lichen.service.workspace import Workspace

_BILL: Final = "bill:"
_BUCKET: Final = "s3://"
_ENDINGS: Final = (".csv.gz", ".csv", ".tsv", ".txt", ".parquet", ".json.gz", ".json", ".gz")
"""What is left out of the name of a bill."""
_DAY_S: Final = 86_400.0
_GRAM_PER_KG: Final = 1000.0
_TIMED: Final = frozenset({"instance_time", "vcpu_time"})
"""Quantities that a measured load belongs to."""
_COLUMNS: Final[Mapping[tuple[str, str], tuple[str, float]]] = {
    ("energy", "use"): ("energy_kwh", 1.0),
    ("gwp100", "use"): ("gwp_use_kgco2e", _GRAM_PER_KG), ("gwp100", "embodied"): ("gwp_embodied_kgco2e", _GRAM_PER_KG),
    ("water", "use"): ("water_l", 1.0), ("water", "embodied"): ("water_l", 1.0),
    ("adpe", "use"): ("adpe_kgsbe", _GRAM_PER_KG), ("adpe", "embodied"): ("adpe_kgsbe", _GRAM_PER_KG),
    ("pe", "use"): ("pe_mj", 1.0), ("pe", "embodied"): ("pe_mj", 1.0),
}  # fmt: skip
"""Indicator and phase -> column, and what a figure is divided by."""
_OF_A_ROW: Final = frozenset({"entity", "quantity", "value", "method"})
_BATCH: Final = 2_000
"""Units that are evaluated at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportedBill:
    """A file that was written. units: distinct meters, regions, months and loads that figures were computed for."""

    bill: str
    format: str
    output: str
    lines: int
    units: int
    method: str
    factors_hash: str

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {name: getattr(self, name) for name in self.__slots__}


def export_bills(
    workspace: Workspace, places: Sequence[str], output: Path | str, form: Form, *, method_id: str
) -> list[ExportedBill]:
    """Writes bills again with figures beside their lines.

    Args:
        places: files, folders, ``s3://BUCKET/PREFIX``, or ``bill:NAME`` for the files of a bill of the ledger.
        output: the file; a folder where there are several bills, where it is one, or where it ends in ``/``. They lie there as
            in their own folders.

    Raises:
        UsageError: there is no such bill, the output is a bill itself, or that of two bills.
        StorageError: a file is damaged, of no known format, or not what was imported; the output cannot be written.
    """
    settings = workspace.settings
    method = workspace.method(method_id)
    rules = Rules.load(settings.bills.mapping)
    loads = () if settings.bills.utilisation is None else read_utilisation(settings.bills.utilisation)
    named = [one for place in places for one in (_imported(workspace, place) if place.startswith(_BILL) else [place])]
    done = []
    with spooled(settings, dry_run=True) as spool, DuckEngine(spool) as engine:
        sources, _ = inputs.sources(named, spool, Silent())
        for one in sources:
            # Refuses what an engine would read past.
            inputs.sha256(one.path)
        files = inputs.opened_files(sources, formats(settings.bills.formats), None)
        for file, path in zip(files, _outputs(output, files, form), strict=True):
            asked = asked_of(engine, file, loads, spool)
            told = figures_of(workspace, method, [(one, rules.understand(one.meter)) for one in asked])
            table = with_figures(engine, file, list(zip(asked, told, strict=True)), loads)
            lines = write_lines(engine, table, destination(path), form, about=file.name)
            remove_scratch(spool)
            done.append(
                ExportedBill(
                    bill=file.name, format=file.format.name, output=str(path), lines=lines, units=len(asked),
                    method=method.method_id, factors_hash=workspace.factors.hash(),
                )
            )  # fmt: skip
    return done


def figures_of(workspace: Workspace, method: Method, asked: Sequence[tuple[Asked, Understood]]) -> list[PerUnit]:
    """Figures of one billed unit each, in the order of what is asked, under the factors of their months."""
    by_month: dict[date, list[int]] = {}
    for number, (one, _) in enumerate(asked):
        by_month.setdefault(one.month, []).append(number)
    sums: dict[int, dict[str, float]] = {}
    for month, numbers in by_month.items():
        documents = {number: list(_documents(number, *asked[number])) for number in numbers}
        beside: dict[str, set[str]] = {}
        for row in (row for rows in documents.values() for row in rows):
            beside.setdefault(_kind(row), set()).add(row["quantity"])
        for start in range(0, len(numbers), _BATCH):
            rows = [
                row for number in numbers[start : start + _BATCH] for row in _accompanied(documents[number], beside)
            ]
            _evaluate(workspace, method, rows, month, sums)
    factors_hash = workspace.factors.hash()
    return [
        PerUnit(
            words={
                "platform": found.amounts[0].platform if found.amounts else "", "family": str(found.family),
                "method": method.method_id, "factors_hash": factors_hash,
            },
            reason=str(found.reason or ""),
            figures=sums.get(number, {}),
        )
        for number, (_, found) in enumerate(asked)
    ]  # fmt: skip


def _evaluate(
    workspace: Workspace,
    method: Method,
    rows: Sequence[Mapping[str, Any]],
    month: date,
    sums: dict[int, dict[str, float]],
) -> None:
    if not rows:
        return
    activities, context = parse_document(workspace, {"activities": list(rows)})
    evaluation = evaluate_activities(workspace, method, activities, context, on=month)
    for total in evaluation.totals():
        place = _COLUMNS.get((total.indicator, total.phase))
        if place is None or total.accounting != method.accounting:
            continue
        figures = sums.setdefault(int(total.entity.rpartition("/")[2]), {})
        figures[place[0]] = figures.get(place[0], 0.0) + total.value / place[1]
        if total.indicator == "gwp100":
            for name, bound in (("gwp_low_kgco2e", total.low), ("gwp_high_kgco2e", total.high)):
                figures[name] = figures.get(name, 0.0) + bound / _GRAM_PER_KG


def _documents(number: int, one: Asked, found: Understood) -> Iterable[dict[str, Any]]:
    """The physical quantities of one billed unit, as the ledger would have them."""
    region = regions.find(one.region, one.meter.provider) if one.region else None
    month_s = calendar.monthrange(one.month.year, one.month.month)[1] * _DAY_S
    for amount in found.amounts:
        attributes = dict(amount.attributes)
        measured = one.load and amount.quantity in _TIMED
        if measured:
            attributes["utilisation"] = float(one.load)
        yield {
            "entity": f"bill/{number}", "quantity": amount.quantity, "basis": "total", "tier": "server",
            "value": amount.per_unit * (month_s if amount.monthly else 1.0), "platform": amount.platform,
            "method": "metered" if measured and amount.method == "modelled" else amount.method,
            **({} if region is None else {"region": region.key}), **attributes,
        }  # fmt: skip


def _accompanied(rows: Sequence[dict[str, Any]], beside: Mapping[str, Collection[str]]) -> Iterator[dict[str, Any]]:
    """Rows of a unit with nothing of each quantity that other lines tell of the same thing: what is billed apart, such as memory
    beside virtual CPUs, is computed as it is where all lines stand together."""
    kinds: dict[str, dict[str, Any]] = {}
    for row in rows:
        kinds[_kind(row)] = row
        yield row
    for kind, row in kinds.items():
        there = {one["quantity"] for one in rows if _kind(one) == kind}
        yield from ({**row, "quantity": name, "value": 0.0} for name in sorted(set(beside[kind]) - there))


def _kind(row: Mapping[str, Any]) -> str:
    """What rows have in common that are computed together: all but whose, how much and how they are known."""
    return digest({key: value for key, value in row.items() if key not in _OF_A_ROW})


def _imported(workspace: Workspace, source: str) -> list[str]:
    """The files of a bill of the ledger, if they are still what was imported."""
    manifests = Manifests(existing_ledger(workspace.settings, create=False)).all().values()
    files = {file["name"]: file for one in manifests if one["source"] == source for file in one["files"]}
    if not files:
        there = ", ".join(sorted({one["source"] for one in manifests})) or "none yet"
        raise UsageError(f"There is no bill '{source}' in the ledger.", repair=f"Bills: {there}.", culprit=source)
    for name, file in files.items():
        path = Path(name)
        if not name.startswith(_BUCKET) and (not path.is_file() or inputs.sha256(path) != file["sha256"]):
            raise StorageError(
                f"{name} is no more what was imported as {source}.",
                repair="Give the file that holds the bill.",
                culprit=name,
            )
    return sorted(files)


def _outputs(place: Path | str, files: Sequence[BillFile], form: Form) -> list[Path]:
    """Where each bill is written: below a folder, as they lie below the folder that they have in common.

    Raises:
        UsageError: two bills would be written to one file, or one of them over another one.
        StorageError: a device or a pipe stands there.
    """
    output = Path(place)
    if str(output).startswith("s3:"):
        raise UsageError(
            f"{output} is no file of this machine.", repair="Give one with --output, and copy it.", culprit=str(output)
        )
    if len(files) == 1 and not output.is_dir() and not str(place).endswith("/"):
        found = [output]
    else:
        folders = [_folders(file) for file in files]
        common = next(
            (number for number, names in enumerate(zip(*folders, strict=False)) if len(set(names)) > 1),
            min(len(one) for one in folders),
        )
        found = [
            output.joinpath(*one[common:], f"{_stem(file)}.{form}") for one, file in zip(folders, files, strict=True)
        ]
    taken: dict[str, BillFile] = {}
    for path, file in zip(found, files, strict=True):
        if path.exists() and (bill := next((one for one in files if path.samefile(one.path)), None)) is not None:
            raise UsageError(
                f"{path} is {'the bill itself' if bill is file else 'a bill'}.", repair="Give another place with --output.",
                culprit=str(path),
            )  # fmt: skip
        # Some disks keep one of two names that differ in letter case alone.
        other = taken.setdefault(str(path).casefold(), file)
        if other is not file:
            raise UsageError(
                f"{other.name} and {file.name} would both be written to {path}.",
                repair="Export them one at a time, each with an --output of its own.",
                culprit=file.name,
            )
    for path in found:
        destination(path)
    return found


def _folders(file: BillFile) -> tuple[str, ...]:
    """Names of the folders that a bill lies in, from the root, or of its bucket and prefix."""
    if file.name.startswith(_BUCKET):
        return tuple(file.name.removeprefix(_BUCKET).split("/")[:-1])
    return Path(file.name).parent.resolve().parts


def _stem(file: BillFile) -> str:
    name = file.name.rpartition("/")[2]
    return next((name[: -len(one)] for one in _ENDINGS if name.casefold().endswith(one)), name)
