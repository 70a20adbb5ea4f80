# SPDX-License-Identifier: Apache-2.0
"""A bill on its way from files to rows of the ledger, step by step, each step's result in a spool.

The sums of each file are kept under a name made of what they depend on: an import that was killed goes on with those that are
done.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lichen.collect.bills import rows
from lichen.collect.bills.interpreting import Interpreted, Interpreter, interpret, pool_shares
from lichen.collect.bills.line import AMOUNTS
from lichen.collect.bills.lines import COUNT, UNREADABLE, added, summed_lines, unreadable
from lichen.collect.bills.meter import Meter, Reason, Understood
from lichen.collect.bills.utilisation import measured
from lichen.errors import StorageError

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa

    from lichen.collect.bills.engine import Engine
    from lichen.collect.bills.opening import Opened
    from lichen.collect.bills.rule import Format

CHARGES: Final = "charges"
WORK: Final = "work"
Written = tuple[str, str, Path]
"""Source and month of the rows of a file."""
_OUTLINE: Final = ("day", "payer", "account", "service", "resource")


@dataclass(frozen=True, slots=True, kw_only=True)
class BillFile:
    """A file of a bill.

    Attributes:
        name: as the user knows it.
        path: where it lies now.
        key: another one whenever its sums may be others: content or place, time and size, and format.
    """

    name: str
    path: Path
    opened: Opened
    format: Format
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Money of a bill by what became of it.

    Attributes:
        coverage: ``estimated``, or the reason why not.
    """

    source: str
    period: date
    application: str
    coverage: str
    currency: str
    lines: int
    effective: Decimal | None
    billed: Decimal | None
    listed: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MeterCost:
    """A meter with its money and its lines."""

    meter: Meter
    understood: Understood
    currency: str
    lines: int
    effective: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a bill tells of.

    Attributes:
        days: by source and first day of the billing period: days with lines.
        accounts: by the same.
        costs: all of its money.
        meters: those of which a near type stands for the true one, or which no rule knows; the dearest first.
        unknown_regions: provider, and region as it writes it.
        charges: groups of lines. things: rows of physical quantities.
        moved: lines whose day lies outside of their billing period.
        lines: by source and first day of the billing period.
        rented: physical quantities by ``platform``, ``region`` and ``attributes`` (a JSON object).
        measured: resources whose load was measured on a day that they are charged for.
    """

    days: dict[tuple[str, date], list[date]]
    lines: dict[tuple[str, date], int]
    accounts: dict[tuple[str, date], list[str]]
    costs: Sequence[Cost]
    meters: Sequence[MeterCost]
    unknown_regions: Sequence[tuple[str, str]]
    charges: int
    things: int
    moved: int
    measured: Sequence[str] = ()
    rented: Sequence[Mapping[str, Any]] = ()


@dataclass(slots=True)
class Pipeline:
    """An import under way.

    Args:
        engine: that runs the expressions.
        spool: folder of the import's files.
        resume: whether sums of files that are there already count.
    """

    engine: Engine
    spool: Path
    resume: bool = True
    _charges: Sequence[Path] = field(default=(), init=False, repr=False)
    _summing: dict[tuple[Any, str], ir.Table] = field(default_factory=dict, init=False, repr=False)
    _known: dict[str, Mapping[str, Any]] = field(default_factory=dict, init=False, repr=False)

    def sum(self, file: BillFile) -> bool:
        """Sums a file, unless that is done already; whether there was work.

        Raises:
            StorageError: it cannot be read, or an amount or a day in it is none.
        """
        folder = self._sums(file)
        fresh = not (self.resume and folder.is_dir())
        if fresh:
            raw = self.engine.read(file.opened)
            shape = raw.op(), file.format.name
            if shape not in self._summing:
                self._summing[shape] = summed_lines(raw, file.format)
            self.engine.write(self._summing[shape], folder, about=[file.path])
        # Of sums that are there, too: an import may have been killed before it looked.
        if self._facts(file)[UNREADABLE]:
            shutil.rmtree(folder)
            self._refuse(file)
        return fresh

    def lines(self, file: BillFile, currency: str | None = None) -> int:
        """Lines of a file that was summed; those of one currency where it is given."""
        if currency is None:
            return int(self._facts(file)[COUNT] or 0)
        found = self._summed(file)
        found = found.filter(found.currency == currency)
        return int(self._all(found.aggregate(lines=added(found[COUNT])))[0]["lines"] or 0)

    def outline(self, file: BillFile) -> tuple[Any, ...] | None:
        """What two files have in common that tell the same lines, however each is written; None for one without amounts."""
        facts = self._facts(file)
        return tuple(facts.values()) if any(facts[name] for name in AMOUNTS) else None

    def join(self, files: Sequence[BillFile]) -> None:
        """Takes files together as one bill."""
        self._charges = [self._sums(file) for file in files]

    def understand(self, asked: Interpreter) -> Told:
        """Understands all charges and makes the rows of the ledger from them."""
        charged = self.engine.spooled(self._charges, f"lichen_{CHARGES}")
        known = interpret(self.engine, charged, asked)
        keyed = self._write(rows.keyed(charged, known.tables), "keyed")
        pools = None
        if known.pools:
            own = rows.paid(rows.owned(keyed, known.tables))
            pools = pool_shares(self.engine, rows.pooled(keyed, known.tables), own, asked.owners)
        owned = rows.owned(keyed, known.tables, pools)
        things = self._write(rows.things(owned, known.tables), "things")
        wrong = things.filter(things.wrong != "")
        some_wrong = bool(self._all(wrong.limit(1)))
        self._write(rows.bills(owned, known.tables, wrong if some_wrong else None), "bills")
        return self._told(known, self._all(rows.moved(charged))[0]["moved"])

    def row_files(self, told: Told, columns: pa.Schema, run_id: str, first_day: date | None = None) -> list[Written]:
        """Rows of ``activities`` in Parquet files, by the source and the month that the ledger keeps apart.

        Args:
            told: what `understand` told.
            columns: of the files.
            run_id: identity of the import.
            first_day: rows of earlier days are left out.
        """
        import ibis

        wanted = ibis.Schema.from_pyarrow(columns)
        made = [
            rows.activities_of_things(self._table("things"), run_id), rows.activities_of_bills(self._table("bills"), run_id)
        ]  # fmt: skip
        partitions = sorted({(source, f"{day:%Y-%m}") for (source, _), days in told.days.items() for day in days})
        found = []
        for number, (source, month) in enumerate(partitions):
            folder = self.spool / WORK / f"rows-{number}"
            parts = [
                rows.fitted(table.filter((table.source == source) & (table.month == month)), wanted) for table in made
            ]
            if first_day is not None:
                parts = [part.filter(part.day >= first_day) for part in parts]
            self.engine.write(ibis.union(*parts, distinct=False), folder)
            found += [(source, month, path) for path in sorted(folder.glob("*.parquet"))]
        return found

    def clean(self) -> None:
        """Removes what was made on the way; the sums of files stay."""
        shutil.rmtree(self.spool / WORK, ignore_errors=True)

    def _told(self, known: Interpreted, moved: int | None) -> Told:
        keyed, bills, things = self._table("keyed"), self._table("bills"), self._table("things")
        days: dict[tuple[str, date], list[date]] = {}
        lines: dict[tuple[str, date], int] = {}
        for row in self._all(keyed.group_by(["source", "period", "day"]).aggregate(lines=added(keyed[COUNT]))):
            period = row["source"], row["period"]
            days.setdefault(period, []).append(row["day"])
            lines[period] = lines.get(period, 0) + row["lines"]
        accounts: dict[tuple[str, date], list[str]] = {}
        for row in self._all(keyed.select("source", "period", "account").distinct()):
            accounts.setdefault((row["source"], row["period"]), []).append(row["account"])
        loads = known.tables.loads
        met = [] if loads is None else self._all(measured(keyed, loads))
        by = ["source", "period", "application", "coverage", "currency"]
        costs = self._all(
            bills.group_by(by).aggregate(
                lines=added(bills[rows.ONCE]), effective=bills.effective_cost.sum(), billed=bills.billed_cost.sum(),
                listed=bills.list_cost.sum(),
            )
        )  # fmt: skip
        (counts,) = self._all(
            keyed.aggregate(charges=keyed.owner.count()).cross_join(
                things.aggregate(things=things.wrong.count(where=things.wrong == ""))
            )
        )  # fmt: skip
        return Told(
            days={key: sorted(found) for key, found in sorted(days.items())},
            lines=dict(sorted(lines.items())),
            accounts={key: sorted(found) for key, found in sorted(accounts.items())},
            costs=[Cost(**row) for row in sorted(costs, key=lambda row: tuple(row[name] for name in by))],
            meters=self._meters(known),
            unknown_regions=known.unknown_regions,
            charges=int(counts["charges"]),
            things=int(counts["things"]),
            moved=int(moved or 0),
            measured=sorted(row["resource"] for row in met),
            rented=self._all(rows.rented(things)),
        )

    def _meters(self, known: Interpreted) -> list[MeterCost]:
        worth = {
            number
            for number, (_, found) in enumerate(known.meters)
            if found.nearest or found.reason in (Reason.NO_RULE, Reason.UNKNOWN_UNIT)
        }
        keyed = self._table("keyed")
        summed = keyed.group_by(["number", "currency"]).aggregate(
            lines=added(keyed[COUNT]), effective=keyed.effective_cost.sum()
        )
        found = [
            MeterCost(
                meter=known.meters[row["number"]][0], understood=known.meters[row["number"]][1], currency=row["currency"],
                lines=row["lines"], effective=row["effective"],
            )
            for row in sorted(self._all(summed), key=lambda row: (row["number"], row["currency"]))
            if row["number"] in worth
        ]  # fmt: skip
        return sorted(found, key=lambda one: one.effective or Decimal(0), reverse=True)

    def _refuse(self, file: BillFile) -> None:
        """Says which cell of a file cannot be read."""
        row = self._all(unreadable(self.engine.read(file.opened), file.format).limit(1))[0]
        shown = f"'{row['example']}'" if row["example"] is not None else "empty"
        lines = f"{row['lines']} line{'' if row['lines'] == 1 else 's'}"
        raise StorageError(
            f"{file.name} has {lines} whose {row['column']} cannot be read: it is {shown}.",
            repair=f"Export it anew, or say how {file.format.name} writes it in a format of your own (docs/bills.md).",
            culprit=file.name,
        )

    def _write(self, table: ir.Table, name: str) -> ir.Table:
        self.engine.write(table, self.spool / WORK / name)
        return self._table(name)

    def _table(self, name: str) -> ir.Table:
        return self.engine.spooled([self.spool / WORK / name], f"lichen_{name}")

    def _facts(self, file: BillFile) -> Mapping[str, Any]:
        """What is asked of the sums of each file, asked once: a thousand files are a thousand queries."""
        if file.key not in self._known:
            found = self._summed(file)
            (self._known[file.key],) = self._all(
                found.aggregate(
                    **{name: added(found[name]) for name in (COUNT, UNREADABLE)},
                    **{f"{name}_first": found[name].min() for name in _OUTLINE},
                    **{f"{name}_last": found[name].max() for name in _OUTLINE},
                    **{name: found[name].sum() for name in AMOUNTS},
                )
            )
        return self._known[file.key]

    def _summed(self, file: BillFile) -> ir.Table:
        return self.engine.spooled([self._sums(file)], "lichen_sums")

    def _sums(self, file: BillFile) -> Path:
        return self.spool / CHARGES / file.key

    def _all(self, table: ir.Table) -> list[dict[str, Any]]:
        return [row for batch in self.engine.arrow(table) for row in batch.to_pylist()]
