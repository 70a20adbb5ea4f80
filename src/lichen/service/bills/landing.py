# SPDX-License-Identifier: Apache-2.0
"""A bill that was summed, into the ledger and the store.

The rows of a source and its billing periods are replaced in one commit of the ledger, within the transaction that writes the
costs of the store. What an import was made of is told by its manifests, which are written last: an import that is cut off before
them is repeated as if it had not been, and gives the same rows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import asdict, replace
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from lichen import __version__
from lichen.catalogue import regions
from lichen.collect.bills.interpreting import Interpreter
from lichen.collect.bills.mapping import Rules
from lichen.collect.bills.owners import Owners
from lichen.collect.bills.utilisation import read_utilisation
from lichen.ledger import RowFile, Slice, open_ledger
from lichen.ledger.tables import row_columns
from lichen.records import digest, timestamp
from lichen.service.bills import inputs, manifests
from lichen.service.bills.booking import Booked, costs_of_bill, costs_of_ledger, months_of, shared_months
from lichen.service.bills.documents import check_documents
from lichen.service.bills.doubting import doubted
from lichen.service.bills.guards import Doubt
from lichen.service.bills.importing import KIND
from lichen.service.bills.losses import cut_manifests
from lichen.service.bills.manifests import Manifests, Period, end_of
from lichen.service.context import ledger_place
from lichen.service.importing_ledger import source_of
from lichen.service.importing_tables import Imported, opened, resolve, source_name, tell
from lichen.store.models import Cost
from lichen.store.queries import imports

if TYPE_CHECKING:
    from lichen.collect.bills.pipeline import BillFile, Pipeline, Told
    from lichen.ledger import Ledger
    from lichen.service.bills.importing import BillOrder, ImportedBill
    from lichen.service.workspace import Workspace
    from lichen.store import Session

COST_KIND: Final = "cloud"
"""Kind of the costs in the store."""
_NO_CURRENCY: Final = "XXX"
"""ISO 4217 code of money whose currency is not told."""
_RULES: Final = 2
"""Of what becomes of a charge that was understood: one more whenever the same bill gives other rows."""


class Landing:
    """Where a bill goes, and what its keys are asked of: the open store, rules, owners and measured loads.

    Attributes:
        loads: measured ones.

    Raises:
        StorageError: the store cannot be opened, or the ledger cannot lie where it is to.
        UsageError: the name of the source is none.
        ConfigError: a rule, an owner or a load of the settings is wrong.
    """

    def __init__(self, workspace: Workspace, order: BillOrder) -> None:
        bills = workspace.settings.bills
        self._workspace, self._order = workspace, order
        self._place = ledger_place(workspace.settings)
        if order.source is not None:
            source_name(order.source, KIND, workspace.settings.folder)
        self._rules = Rules.load(bills.mapping)
        self.loads = () if bills.utilisation is None else read_utilisation(bills.utilisation)
        self._store = opened(workspace, dry_run=order.dry_run)
        try:
            with self._store.reading() as session:
                self._owners = Owners.from_settings(workspace.settings, sorted(imports.application_ids(session)))
        except BaseException:
            self._store.close()
            raise

    def close(self) -> None:
        """Closes the store."""
        self._store.close()

    def has_costs(self, sources: set[str]) -> bool:
        """Whether the store has costs of sources that the ledger has: it may be another one by now."""
        with self._store.reading() as session:
            return sources <= {source for source, _, _ in imports.money_sources(session, Cost)}

    def interpreter(self) -> Interpreter:
        """What the keys of charges are asked of."""
        given = self._order.source

        def source(provider: str, payer: str) -> str:
            return source_of(KIND, given if given is not None else "-".join(one for one in (provider, payer) if one))

        nomenclature = self._workspace.nomenclature
        units = {name: nomenclature.quantity(name).unit for name in nomenclature.names("quantity")}
        return Interpreter(
            understand=self._rules.understand, owners=self._owners, place_of=_place_of, source_of=source, units=units,
            loads=self.loads,
        )  # fmt: skip

    def import_id(self, files: Sequence[BillFile], hashes: Sequence[str]) -> str:
        """Identity of an import: another one whenever other rows may come of it."""
        read = sorted(zip(hashes, (inputs.told_format(file.format) for file in files), strict=True))
        loads = [[one.resource, one.cpu, one.first.isoformat(), one.last.isoformat()] for one in self.loads]
        # Without the applications that exist: importing makes some.
        owners = Owners.from_settings(self._workspace.settings).hash
        return digest([_RULES, read, self._rules.hash, owners, loads, self._order.source])

    def doubts(self, told: Told) -> tuple[Doubt, ...]:
        """Figures of the method in use that cannot be, on what a bill tells."""
        return doubted(self._workspace, told.rented)

    def land(
        self, pipeline: Pipeline, found: ImportedBill, doubting: Future[tuple[Doubt, ...]], ledger: Ledger | None
    ) -> ImportedBill:
        """Writes the rows, unless nothing is to be written.

        Args:
            found: what was found, all but the doubts.
            ledger: None where there is none yet.
        """
        told = found.told
        if told is None:
            return found
        codes = sorted({one.application for one in told.costs if one.application})
        if self._order.dry_run:
            with self._store.reading() as session:
                if not self._order.create:
                    resolve(session, codes, create=False)
            return replace(found, doubts=doubting.result())
        ledger = ledger or open_ledger(self._place)
        check_documents(ledger, (f"{manifests.FOLDER}/{source}" for source, _ in told.days))
        kept_from = ledger.first_day
        slices = _slices(told.days, kept_from)
        # Before the store is asked to write: nobody else may while it does.
        written = pipeline.row_files(told, row_columns("activities"), found.import_id, kept_from) if slices else []
        files = [RowFile(source=source, month=month, path=path) for source, month, path in written]
        found = replace(found, doubts=doubting.result())
        with self._store.session() as session:
            ids, made = resolve(session, codes, create=self._order.create)
            counts = self._keep_costs(session, told, ids)
            rows = ledger.replace_files(slices, files) if slices else 0
            made += self._keep_shared_months(session, told, ledger, counts)
        cut_manifests(Manifests(ledger), ledger, told)
        Manifests(ledger).put(ledger, manifests.contents(told, self._shared(found, told)))
        return replace(found, rows=rows, made=made)

    def _shared(self, found: ImportedBill, told: Told) -> dict[str, Any]:
        """What all manifests of an import say."""
        doubts = {
            "method": self._workspace.settings.method.use, "figures": [asdict(one) for one in found.doubts]
        }  # fmt: skip
        return {
            "import_id": found.import_id, "imported_at": timestamp(), "lichen_version": __version__,
            "engine": self._order.engine, "files": list(found.files), "charges": told.charges,
            "nearest": found.details["nearest"], "unknown_meters": found.details["unknown_meters"],
            **({"doubts": doubts} if found.doubts else {}),
        }  # fmt: skip

    def _keep_costs(self, session: Session, told: Told, ids: dict[str, str]) -> Counter[str]:
        """Costs of the store, an application and a month each, in place of all that it has of these months; rows by source."""
        counts: Counter[str] = Counter()
        for source, firsts in _firsts(told).items():
            rows = _cost_rows(costs_of_bill(told, source), ids)
            months = {month for first in firsts for month in months_of(first)}
            imports.replace_periods(session, Cost, source, rows, periods=months)
            counts[source] = len(rows)
        return counts

    def _keep_shared_months(
        self, session: Session, told: Told, ledger: Ledger, counts: Counter[str]
    ) -> tuple[str, ...]:
        """Costs of the months that periods share, once the ledger has them; applications that had to be made for them."""
        made: tuple[str, ...] = ()
        for source, firsts in _firsts(told).items():
            months = shared_months(told.days, source)
            booked = costs_of_ledger(ledger, source, months) if months else {}
            codes = sorted({application for _, application, _ in booked if application})
            ids, new = resolve(session, codes, create=True)
            rows = _cost_rows(booked, ids)
            imports.replace_periods(session, Cost, source, rows, periods=months)
            made += new
            imported = Imported(
                kind=KIND, source=source, rows=counts[source] + len(rows), applications=len(ids), first=min(firsts),
                last=max(firsts),
            )  # fmt: skip
            tell(session, imported)
        return made


def _firsts(told: Told) -> dict[str, list[date]]:
    """First days of the billing periods of each source."""
    found: dict[str, list[date]] = {}
    for source, first in sorted(told.days):
        found.setdefault(source, []).append(first)
    return found


def _cost_rows(booked: Booked, ids: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "application_id": ids[application] if application else None, "period": month, "amount": amount,
            "currency": currency or _NO_CURRENCY, "kind": COST_KIND,
        }
        for (month, application, currency), amount in sorted(booked.items())
    ]  # fmt: skip


def _place_of(provider: str, region: str) -> str:
    """Key of a known region; empty for any other."""
    found = regions.find(region, provider) if region else None
    return "" if found is None else found.key


def _slices(periods: Iterable[Period], kept_from: date | None) -> list[Slice]:
    """The rows of billing periods that the ledger keeps; those of periods that overlap are one slice."""
    found: list[Slice] = []
    for source, first in sorted(periods):
        end = end_of(first)
        start = first if kept_from is None else max(first, kept_from)
        if start >= end:
            continue
        last = found[-1] if found else None
        if last is not None and last.source == source and start < last.end_day:
            found[-1] = replace(last, end_day=max(last.end_day, end))
        else:
            found.append(Slice(source=source, first_day=start, end_day=end))
    return found
