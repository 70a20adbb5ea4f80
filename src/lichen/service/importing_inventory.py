# SPDX-License-Identifier: Apache-2.0
"""Machines that are owned, from an inventory, into the store: an inventory that is imported again is replaced as a whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from lichen.collect.declared.inventory import read_inventory
from lichen.errors import StorageError
from lichen.service.importing_money import TableOrder
from lichen.service.importing_tables import Imported, columns, opened, resolve, source_name, tell, today
from lichen.service.workspace import Workspace
from lichen.store.queries import imports


def import_inventory(workspace: Workspace, order: TableOrder, *, on: date | None = None) -> Imported:
    """Keeps the machines of an inventory, all or nothing.

    Args:
        on: the present day; machines bought after it are refused.

    Raises:
        StorageError: a line is wrong, with its number.
        UsageError: an application does not exist.
    """
    rows = read_inventory(order.path, on or today())
    if not rows:
        raise StorageError(
            f"{order.path} has no line below its headings.", repair="Fill it in.", culprit=str(order.path)
        )
    codes = sorted({row.application for row in rows if row.application is not None})
    found = Imported(
        kind="inventory",
        source=source_name(order.source, "inventory", order.path),
        rows=len(rows),
        applications=len(codes),
        unallocated=sum(row.application is None for row in rows),
        dry_run=order.dry_run,
        details={
            "machines": sum(row.count for row in rows),
            "without_power": sum(row.count for row in rows if row.power_w is None),
        },
    )
    with opened(workspace, dry_run=order.dry_run) as store:
        if order.dry_run:
            with store.reading() as session:
                if not order.create:
                    resolve(session, codes, create=False)
            return found
        with store.session() as session:
            ids, made = resolve(session, codes, create=order.create)
            written = imports.replace_equipment(session, found.source, [columns(row, ids) for row in rows])
            tell(session, found)
    return replace(found, written=replace(written, made=made))
