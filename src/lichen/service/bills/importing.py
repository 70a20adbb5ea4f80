# SPDX-License-Identifier: Apache-2.0
"""Bills of cloud providers into the ledger and the store: read, summed, understood, given to their owners, landed all or nothing.

While an engine sums the lines, what the rest needs is loaded beside it (`lichen.service.bills.landing`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

from lichen.collect.bills.copies import find_copy
from lichen.collect.bills.engine import open_engine
from lichen.collect.bills.format import formats
from lichen.collect.bills.pipeline import BillFile, Pipeline, Told
from lichen.collect.bills.utilisation import Met, met
from lichen.errors import StorageError
from lichen.service.bills import inputs, manifests
from lichen.service.bills.currencies import check_currencies
from lichen.service.bills.inputs import Source
from lichen.service.bills.losses import check_losses
from lichen.service.bills.manifests import Manifests, Overlap, text
from lichen.service.bills.spool import spooled
from lichen.service.context import existing_ledger
from lichen.service.progress import Progress, Silent
from lichen.service.workspace import Workspace

if TYPE_CHECKING:
    from lichen.service.bills.guards import Doubt
    from lichen.service.bills.landing import Landing

KIND: Final = "bill"
_MIB: Final = 20
_SHOWN: Final = 3
"""Files that a sentence names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BillOrder:
    """What to import.

    Attributes:
        places: files, folders, ``s3://BUCKET/PREFIX``.
        source: name under which the rows are kept; None: provider and payer of each line.
        create: make applications that do not exist.
        replace: also what is there already, and where days or accounts of a period that are there would be lost.
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
        superseded: files of earlier versions of a bill, as its manifests say.
        left_out: files that lie beside bills and are none.
        told: what the bill tells of; None where it is unchanged.
        rows: rows of the ledger; 0 for a dry run.
        made: applications that were made.
        doubts: figures of the method in use that cannot be.
    """

    import_id: str
    unchanged: bool = False
    dry_run: bool = False
    files: Sequence[dict[str, Any]] = ()
    duplicates: Sequence[str] = ()
    superseded: Sequence[str] = ()
    left_out: Sequence[str] = ()
    told: Told | None = None
    overlaps: Sequence[Overlap] = ()
    rows: int = 0
    made: Sequence[str] = ()
    doubts: Sequence[Doubt] = ()
    details: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "kind": KIND, "import_id": self.import_id, "unchanged": self.unchanged, "dry_run": self.dry_run,
            "files": list(self.files), "duplicates": list(self.duplicates),
            "superseded": list(self.superseded), "left_out": list(self.left_out), **self.details,
            "overlaps": [
                {"source": one.source, "other": one.other, "period": one.period.isoformat(), "accounts": list(one.accounts)}
                for one in self.overlaps
            ],
            "rows": self.rows, "applications_made": list(self.made), "doubts": [asdict(one) for one in self.doubts],
        }  # fmt: skip


def import_bills(workspace: Workspace, order: BillOrder, *, progress: Progress | None = None) -> ImportedBill:
    """Imports the bills of some files, all or nothing.

    Args:
        progress: told how much of the files is read.

    Raises:
        StorageError: a file is damaged or of no known format, a place is away, another import is under way, the disk is full.
        UsageError: an application does not exist, or days or accounts of a period would be lost.
        ConfigError: an own format or rule is wrong.
    """
    heard = progress or Silent()
    try:
        with (
            spooled(workspace.settings, dry_run=order.dry_run) as spool,
            open_engine(order.engine, spool) as engine,
            ThreadPoolExecutor(1) as hashing,
            ThreadPoolExecutor(1) as beside,
        ):
            pipeline = Pipeline(engine, spool)
            # What an import that was killed has left of these steps belongs to its files.
            pipeline.clean()
            landing = beside.submit(_open_landing, workspace, order)
            try:
                return _Import(workspace, order, landing, heard).run(pipeline, hashing, beside)
            finally:
                pipeline.clean()
                if landing.exception() is None:
                    landing.result().close()
    finally:
        heard.close()


def _open_landing(workspace: Workspace, order: BillOrder) -> Landing:
    # Its imports take as long as reading a million lines.
    from lichen.service.bills.landing import Landing

    return Landing(workspace, order)


class _Import:
    """One import: what it is asked for and what it may use."""

    def __init__(self, workspace: Workspace, order: BillOrder, landing: Future[Landing], progress: Progress) -> None:
        self._order, self._landing, self._progress = order, landing, progress
        self._ledger = existing_ledger(workspace.settings, create=False)
        self._manifests = Manifests(self._ledger)
        self._formats = formats(workspace.settings.bills.formats)

    def run(self, pipeline: Pipeline, hashing: ThreadPoolExecutor, beside: ThreadPoolExecutor) -> ImportedBill:
        """The whole of it.

        Args:
            hashing, beside: for what Python does while the engine is at work.
        """
        sources, old = inputs.sources(self._order.places, pipeline.spool, self._progress)
        hashes = {one.name: hashing.submit(inputs.sha256, one.path) for one in sources}
        sizes = Counter(one.size for one in sources)
        known = self._manifests.sizes()
        # A hash is waited for where it may spare the work: where the same bytes may be here twice, or in the ledger.
        early = {one.name: hashes[one.name].result() for one in sources if sizes[one.size] > 1 or one.size in known}
        chosen, duplicates = _once(sources, early)
        files, others = inputs.bills_among(chosen, self._formats, self._order.format)
        chosen = [one for one in chosen if one.name not in others]
        found = ImportedBill(
            import_id="", dry_run=self._order.dry_run, duplicates=duplicates, superseded=old, left_out=others
        )
        if not self._order.replace and all(one.name in early for one in chosen):
            import_id = self._landing.result().import_id(files, [early[one.name] for one in chosen])
            before = self._manifests.of_import(import_id)
            if before and self._landing.result().has_costs({one["source"] for one in before}):
                return replace(found, import_id=import_id, unchanged=True, dry_run=False, files=before[0]["files"])
        self._sum(pipeline, files)
        landing = self._landing.result()
        told = pipeline.understand(landing.interpreter())
        check_currencies(pipeline, files, told)
        if not self._order.replace:
            check_losses(self._manifests, told)
        shas = [hashes[one.name].result() for one in chosen]
        inputs.check_unchanged(chosen)
        found = replace(
            found,
            import_id=landing.import_id(files, shas),
            files=[
                _told_file(file, sha, one.size, pipeline) for file, sha, one in zip(files, shas, chosen, strict=True)
            ],
            told=told,
            overlaps=self._manifests.overlaps(told),
            details=_details(told, met(landing.loads, told.measured)),
        )
        return landing.land(pipeline, found, beside.submit(landing.doubts, told), self._ledger)

    def _sum(self, pipeline: Pipeline, files: Sequence[BillFile]) -> None:
        whole = max(1, sum(file.opened.size for file in files) >> _MIB)
        self._progress.phase(manifests.some([file.path.name for file in files]))
        done = 0
        for file in files:
            if self._landing.done():
                # What stands in the way of landing is said before more is read.
                self._landing.result()
            pipeline.sum(file)
            done += file.opened.size
            self._progress.sample("", done >> _MIB, whole, None)
        _check_lines(pipeline, files)
        pipeline.join(files)


def _check_lines(pipeline: Pipeline, files: Sequence[BillFile]) -> None:
    """Refuses files without a line, and two that tell the same: in different bytes, or as versions of one bill that grows."""
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
    if (copy := find_copy(pipeline, files)) is not None:
        raise StorageError(
            f"{copy.later} tells the charges of {copy.file} again, of {copy.first} to {copy.last}: their money would count "
            "twice.",
            repair="Give the last version alone, or its manifest with it. Parts of one bill belong into one folder.",
            culprit=copy.file,
        )


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
