# SPDX-License-Identifier: Apache-2.0
"""Bills of cloud providers into the ledger and the store: read, summed, understood, given to their owners, landed all or nothing.

The rows of a source and its billing periods are replaced in one commit of the ledger, within the transaction that writes the
costs of the store. What an import was made of is told by its manifests, which are written last: an import that is cut off before
them is repeated as if it had not been, and gives the same rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from lichen import __version__
from lichen.catalogue import regions
from lichen.collect.bills.engine import open_engine
from lichen.collect.bills.format import formats
from lichen.collect.bills.interpreting import Interpreter
from lichen.collect.bills.mapping import Rules
from lichen.collect.bills.owners import Owners
from lichen.collect.bills.pipeline import BillFile, Pipeline, Told
from lichen.collect.bills.utilisation import Met, met, read_utilisation
from lichen.errors import StorageError
from lichen.ledger import Slice, open_ledger
from lichen.records import digest, timestamp
from lichen.service.bills import inputs, manifests
from lichen.service.bills.currencies import check_currencies
from lichen.service.bills.inputs import Source
from lichen.service.bills.manifests import Manifests, Overlap, Period, text
from lichen.service.bills.spool import spooled
from lichen.service.context import ledger_place
from lichen.service.importing_ledger import existing_ledger, source_of
from lichen.service.importing_tables import Imported, opened, resolve, source_name, tell
from lichen.service.progress import Progress, Silent
from lichen.service.workspace import Workspace
from lichen.store.models import Cost
from lichen.store.queries import imports

if TYPE_CHECKING:
    from lichen.store import Session, Store

KIND: Final = "bill"
COST_KIND: Final = "cloud"
"""Kind of the costs in the store."""
_NO_CURRENCY: Final = "XXX"
"""ISO 4217 code of money whose currency is not told."""
_RULES: Final = 1
"""Of what becomes of a charge that was understood: one more whenever the same bill gives other rows."""
_MIB: Final = 20
_SHOWN: Final = 3
"""Files that a sentence names."""
_MANY_DAYS: Final = timedelta(days=31)


@dataclass(frozen=True, slots=True, kw_only=True)
class BillOrder:
    """What to import.

    Attributes:
        places: files, folders, ``s3://BUCKET/PREFIX``.
        source: name under which the rows are kept; None: provider and payer of each line.
        create: make applications that do not exist.
        replace: also what is there already, and where files tell fewer days of a period than are there.
        dry_run: read, and write nothing.
        format: name of the format that all files have; None: each is recognised.
        engine: ``duckdb``, or the address of a Spark cluster.
    """

    places: Sequence[str]
    source: str | None = None
    create: bool = False
    replace: bool = False
    dry_run: bool = False
    format: str | None = None
    engine: str = "duckdb"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedBill:
    """What an import found and wrote.

    Attributes:
        unchanged: whether all of it was there already.
        files: name, format, lines, hash and what each of them lacks.
        duplicates: files with the same bytes as another one; they count once.
        left_out: files that lie beside bills and are none.
        told: what the bill tells of; None where it is unchanged.
        rows: rows of the ledger; 0 for a dry run.
        made: applications that were made.
    """

    import_id: str
    unchanged: bool = False
    dry_run: bool = False
    files: Sequence[dict[str, Any]] = ()
    duplicates: Sequence[str] = ()
    left_out: Sequence[str] = ()
    told: Told | None = None
    overlaps: Sequence[Overlap] = ()
    rows: int = 0
    made: Sequence[str] = ()
    details: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "kind": KIND, "import_id": self.import_id, "unchanged": self.unchanged, "dry_run": self.dry_run,
            "files": list(self.files), "duplicates": list(self.duplicates), "left_out": list(self.left_out),
            **self.details,
            "overlaps": [
                {"source": one.source, "other": one.other, "period": one.period.isoformat(), "accounts": list(one.accounts)}
                for one in self.overlaps
            ],
            "rows": self.rows, "applications_made": list(self.made),
        }  # fmt: skip


def import_bills(workspace: Workspace, order: BillOrder, *, progress: Progress | None = None) -> ImportedBill:
    """Imports the bills of some files, all or nothing.

    Args:
        progress: told how much of the files is read.

    Raises:
        StorageError: a file is damaged or of no known format, a place is away, another import is under way, the disk is full.
        UsageError: an application does not exist, or days of a period would be lost.
        ConfigError: an own format or rule is wrong.
    """
    heard = progress or Silent()
    try:
        with spooled(workspace.settings, dry_run=order.dry_run) as spool, opened(workspace) as store:
            work = _Import(workspace, order, store, heard)
            with open_engine(order.engine, spool) as engine, ThreadPoolExecutor(1) as hashing:
                pipeline = Pipeline(engine, spool)
                # What an import that was killed has left of these steps belongs to its files.
                pipeline.clean()
                try:
                    return work.run(pipeline, hashing)
                finally:
                    pipeline.clean()
    finally:
        heard.close()


class _Import:
    """One import: what it is asked for and what it may use."""

    def __init__(self, workspace: Workspace, order: BillOrder, store: Store, progress: Progress) -> None:
        bills = workspace.settings.bills
        self._workspace, self._order, self._store, self._progress = workspace, order, store, progress
        self._ledger = existing_ledger(workspace.settings)
        self._manifests = Manifests(self._ledger)
        self._formats = formats(bills.formats)
        self._rules = Rules.load(bills.mapping)
        self._loads = () if bills.utilisation is None else read_utilisation(bills.utilisation)
        with store.reading() as session:
            self._owners = Owners.from_settings(workspace.settings, sorted(imports.application_ids(session)))
        if order.source is not None:
            source_name(order.source, KIND, workspace.settings.folder)

    def run(self, pipeline: Pipeline, hashing: ThreadPoolExecutor) -> ImportedBill:
        """The whole of it."""
        sources = inputs.sources(self._order.places, pipeline.spool, self._progress)
        hashes = {one.name: hashing.submit(inputs.sha256, one.path) for one in sources}
        sizes = Counter(one.size for one in sources)
        known = self._manifests.sizes()
        # A hash is waited for where it may spare the work: where the same bytes may be here twice, or in the ledger.
        early = {one.name: hashes[one.name].result() for one in sources if sizes[one.size] > 1 or one.size in known}
        chosen, duplicates = _once(sources, early)
        files, others = inputs.bills_among(chosen, self._formats, self._order.format)
        chosen = [one for one in chosen if one.name not in others]
        if not self._order.replace and all(one.name in early for one in chosen):
            import_id = self._import_id(files, [early[one.name] for one in chosen])
            before = self._manifests.of_import(import_id)
            if before and self._has_costs({one["source"] for one in before}):
                return ImportedBill(
                    import_id=import_id,
                    unchanged=True,
                    duplicates=duplicates,
                    left_out=others,
                    files=before[0]["files"],
                )
        self._sum(pipeline, files)
        told = pipeline.understand(self._interpreter())
        check_currencies(pipeline, files, told)
        if not self._order.replace:
            self._manifests.check_days(told)
        shas = [hashes[one.name].result() for one in chosen]
        found = ImportedBill(
            import_id=self._import_id(files, shas),
            dry_run=self._order.dry_run,
            files=[
                _told_file(file, sha, one.size, pipeline) for file, sha, one in zip(files, shas, chosen, strict=True)
            ],
            duplicates=duplicates,
            left_out=others,
            told=told,
            overlaps=self._manifests.overlaps(told),
            details=_details(told, met(self._loads, told.measured)),
        )
        return self._land(pipeline, found, told)

    def _has_costs(self, sources: set[str]) -> bool:
        """Whether the store has costs of sources that the ledger has: it may be another one by now."""
        with self._store.reading() as session:
            return sources <= {source for source, _, _ in imports.money_sources(session, Cost)}

    def _sum(self, pipeline: Pipeline, files: Sequence[BillFile]) -> None:
        whole = max(1, sum(file.opened.size for file in files) >> _MIB)
        self._progress.phase(", ".join(file.path.name for file in files))
        done = 0
        for file in files:
            pipeline.sum(file)
            done += file.opened.size
            self._progress.sample("", done >> _MIB, whole, None)
        _check_lines(pipeline, files)
        pipeline.join(files)

    def _interpreter(self) -> Interpreter:
        given = self._order.source

        def source(provider: str, payer: str) -> str:
            return source_of(KIND, given if given is not None else "-".join(one for one in (provider, payer) if one))

        nomenclature = self._workspace.nomenclature
        units = {name: nomenclature.quantity(name).unit for name in nomenclature.names("quantity")}
        return Interpreter(
            understand=self._rules.understand, owners=self._owners, place_of=_place_of, source_of=source, units=units,
            loads=self._loads,
        )  # fmt: skip

    def _import_id(self, files: Sequence[BillFile], hashes: Sequence[str]) -> str:
        read = sorted(zip(hashes, (inputs.told_format(file.format) for file in files), strict=True))
        loads = [[one.resource, one.cpu, one.first.isoformat(), one.last.isoformat()] for one in self._loads]
        # Without the applications that exist: importing makes some.
        owners = Owners.from_settings(self._workspace.settings).hash
        return digest([_RULES, read, self._rules.hash, owners, loads, self._order.source])

    def _land(self, pipeline: Pipeline, found: ImportedBill, told: Told) -> ImportedBill:
        """Writes the rows, unless nothing is to be written."""
        codes = sorted({one.application for one in told.costs if one.application})
        if self._order.dry_run:
            with self._store.reading() as session:
                if not self._order.create:
                    resolve(session, codes, create=False)
            return found
        ledger = self._ledger or open_ledger(ledger_place(self._workspace.settings))
        kept_from = ledger.first_day
        slices = [one for period in told.days if (one := _slice(period, kept_from)) is not None]
        with self._store.session() as session:
            ids, made = resolve(session, codes, create=self._order.create)
            self._keep_costs(session, told, ids)
            rows = 0
            if slices:
                rows = ledger.replace_rows(slices, lambda: pipeline.batches(found.import_id, kept_from))
        self._manifests.put(ledger, manifests.contents(told, _shared(found, told, self._order.engine)))
        return replace(found, rows=rows, made=made)

    def _keep_costs(self, session: Session, told: Told, ids: dict[str, str]) -> None:
        """Costs of the store: an application and a month each."""
        amounts: dict[tuple[str, date, str, str], Decimal] = {}
        for one in told.costs:
            if one.effective is not None:
                key = one.source, one.period.replace(day=1), one.application, one.currency
                amounts[key] = amounts.get(key, Decimal(0)) + one.effective
        for source in sorted({source for source, _ in told.days}):
            rows = [
                {
                    "application_id": ids[application] if application else None, "period": period, "amount": amount,
                    "currency": currency or _NO_CURRENCY, "kind": COST_KIND,
                }
                for (of, period, application, currency), amount in sorted(amounts.items())
                if of == source
            ]  # fmt: skip
            imports.replace_periods(session, Cost, source, rows)
            months = [period for of, period in told.days if of == source]
            imported = Imported(
                kind=KIND, source=source, rows=len(rows), applications=len(ids), first=min(months), last=max(months)
            )
            tell(session, imported)


def _check_lines(pipeline: Pipeline, files: Sequence[BillFile]) -> None:
    """Refuses files without a line, and two that tell the same lines in different bytes, such as CSV and Parquet of one bill."""
    if not any(pipeline.lines(file) for file in files):
        names = ", ".join(file.name for file in files[:_SHOWN])
        raise StorageError(
            f"{names} {'has' if len(files) == 1 else 'have'} no line below the headings.",
            repair="Export the bill anew.", culprit=files[0].name,
        )  # fmt: skip
    seen: dict[tuple[Any, ...], str] = {}
    for file in files if len(files) > 1 else ():
        outline = pipeline.outline(file)
        if outline is None:
            continue
        if outline in seen:
            raise StorageError(
                f"{seen[outline]} and {file.name} tell the same lines: their money would count twice.",
                repair="Give one of them.", culprit=file.name,
            )  # fmt: skip
        seen[outline] = file.name


def _once(sources: Sequence[Source], hashes: dict[str, str]) -> tuple[list[Source], list[str]]:
    """Files with different bytes, and the names of the others."""
    seen: set[str] = set()
    chosen, duplicates = [], []
    for one in sources:
        sha = hashes.get(one.name)
        if sha is not None and sha in seen:
            duplicates.append(one.name)
        else:
            chosen.append(one)
            seen |= {sha} if sha is not None else set()
    return chosen, duplicates


def _place_of(provider: str, region: str) -> str:
    """Key of a known region; empty for any other."""
    found = regions.find(region, provider) if region else None
    return "" if found is None else found.key


def _slice(period: Period, kept_from: date | None) -> Slice | None:
    """The rows of a billing period that the ledger keeps."""
    source, first = period
    end = _next(first)
    start = first if kept_from is None else max(first, kept_from)
    return Slice(source=source, first_day=start, end_day=end) if start < end else None


def _next(first: date) -> date:
    """First day of the billing period after this one: a month later."""
    month = first.replace(day=1) + _MANY_DAYS
    last_day = (month.replace(day=1) + _MANY_DAYS).replace(day=1) - timedelta(days=1)
    return month.replace(day=min(first.day, last_day.day))


def _told_file(file: BillFile, sha: str, size: int, pipeline: Pipeline) -> dict[str, Any]:
    return {
        "name": file.name, "sha256": sha, "size": size, "format": file.format.name, "lines": pipeline.lines(file),
        "missing": [
            {"cell": rule.cell, "lost": rule.lost, "lost_fr": rule.lost_fr} for rule in file.format.missing(file.opened.columns)
        ],
    }  # fmt: skip


def _details(told: Told, loads: Met | None) -> dict[str, Any]:
    """What a bill tells of, as ``--json`` prints it."""
    return {
        "lines": sum(told.lines.values()), "charges": told.charges, "physical_rows": told.things,
        "moved_lines": told.moved, "utilisation": None if loads is None else asdict(loads),
        "periods": [
            {
                "source": source, "period": period.isoformat(), "first": days[0].isoformat(), "last": days[-1].isoformat(),
                "days": len(days), "lines": told.lines[source, period],
            }
            for (source, period), days in told.days.items()
        ],
        "money": [one.to_json() for one in manifests.money_of(told.costs)],
        "coverage": [
            {"coverage": coverage, "currency": currency, "lines": lines, "effective": text(effective)}
            for (coverage, currency), (lines, effective) in manifests.by_coverage(told.costs).items()
        ],
        "unallocated": [
            {"currency": currency, "effective": text(amount)}
            for currency, amount in manifests.unallocated(told.costs).items()
        ],
        "nearest": list(_meters(told, nearest=True)), "unknown_meters": list(_meters(told, nearest=False)),
        "unknown_regions": [list(one) for one in told.unknown_regions],
    }  # fmt: skip


def _meters(told: Told, *, nearest: bool) -> Iterator[dict[str, Any]]:
    for one in told.meters:
        if bool(one.understood.nearest) == nearest:
            found = {"nearest": one.understood.nearest} if nearest else {"reason": str(one.understood.reason)}
            meter = one.meter
            yield {
                "provider": meter.provider, "service": meter.service, "meter": meter.meter or meter.description,
                "unit": meter.unit, **found, "lines": one.lines, "effective": text(one.effective), "currency": one.currency,
            }  # fmt: skip


def _shared(found: ImportedBill, told: Told, engine: str) -> dict[str, Any]:
    """What all manifests of an import say."""
    return {
        "import_id": found.import_id, "imported_at": timestamp(), "lichen_version": __version__, "engine": engine,
        "files": list(found.files), "charges": told.charges, "nearest": list(_meters(told, nearest=True)),
        "unknown_meters": list(_meters(told, nearest=False)),
    }  # fmt: skip
