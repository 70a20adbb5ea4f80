# SPDX-License-Identifier: Apache-2.0
"""Cost and value of applications, from tables, into the store: a month that is imported again from one source is replaced."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from pathlib import Path

from lichen.collect.declared.money import CostRow, ValueRow, read_costs, read_values
from lichen.errors import StorageError
from lichen.portfolio.money import Line, Money, statements
from lichen.service.context import existing_ledger
from lichen.service.importing_ledger import keep_money
from lichen.service.importing_tables import Imported, columns, opened, resolve, source_name, tell, today
from lichen.service.workspace import Workspace
from lichen.store.models import Cost, Value
from lichen.store.queries import imports


@dataclass(frozen=True, slots=True, kw_only=True)
class TableOrder:
    """What to import.

    Attributes:
        source: name under which the rows are kept; None: the kind and the file's name.
        create: make applications that do not exist.
        dry_run: read, and write nothing.
    """

    path: Path
    source: str | None = None
    create: bool = False
    dry_run: bool = False


def import_costs(workspace: Workspace, order: TableOrder, *, on: date | None = None) -> Imported:
    """Keeps the costs of a table, all or nothing.

    Args:
        on: the present day; months after it are refused.

    Raises:
        StorageError: a line is wrong, with its number; the ledger of the project is away.
        UsageError: an application does not exist.
    """
    return _import(workspace, order, "cost", Cost, read_costs(order.path, on or today()))


def import_values(workspace: Workspace, order: TableOrder, *, on: date | None = None) -> Imported:
    """Keeps the values of a table, all or nothing; arguments and errors as those of `import_costs`."""
    return _import(workspace, order, "value", Value, read_values(order.path, on or today()))


def _import(
    workspace: Workspace,
    order: TableOrder,
    kind: str,
    model: type[Cost | Value],
    rows: Sequence[CostRow] | Sequence[ValueRow],
) -> Imported:
    if not rows:
        raise StorageError(
            f"{order.path} has no line below its headings.", repair="Fill it in.", culprit=str(order.path)
        )
    codes = {row.application for row in rows if row.application is not None}
    first, last = min(row.period for row in rows), max(row.period for row in rows)
    found = Imported(
        kind=kind,
        source=source_name(order.source, kind, order.path),
        rows=len(rows),
        applications=len(codes),
        unallocated=sum(row.application is None for row in rows),
        first=first,
        last=last,
        totals=_totals(rows),
        dry_run=order.dry_run,
    )
    ledger = None if order.dry_run else existing_ledger(workspace.settings)
    with opened(workspace, dry_run=order.dry_run) as store:
        if order.dry_run:
            with store.reading() as session:
                if not order.create:
                    resolve(session, sorted(codes), create=False)
            return found
        with store.session() as session:
            ids, made = resolve(session, sorted(codes), create=order.create)
            written = imports.replace_periods(session, model, found.source, [columns(row, ids) for row in rows])
            tell(session, found)
            if ledger is not None:
                keep_money(ledger, session, kind, source=found.source, first=first, last=last)
    return replace(found, written=replace(written, made=made))


def _totals(rows: Iterable[CostRow | ValueRow]) -> dict[str, Decimal]:
    lines = [Line(application=row.application, money=Money(row.amount, row.currency)) for row in rows]
    return {statement.currency: statement.total for statement in statements(lines)}
