# SPDX-License-Identifier: Apache-2.0
"""The portfolio as files that a team keeps in Git: exported, edited, imported again.

An import adds rows and changes those that are there; it never removes one. All of it is written, or nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lichen.errors import StorageError
from lichen.ledger.runfile import write_atomically
from lichen.nomenclature import Nomenclature
from lichen.service.accounts import By, note
from lichen.service.portfolio_files.planning import Change, Plan, plan
from lichen.service.portfolio_files.reading import Given, read_files
from lichen.service.portfolio_files.tables import TABLES, Field, Row, Table
from lichen.service.portfolio_files.writing import rows_of, to_csv, to_toml
from lichen.store import Session, Store
from lichen.store.queries.portfolio import PortfolioRows

__all__ = [
    "TABLES", "Change", "Field", "Given", "Plan", "Row", "Table", "export_portfolio", "import_portfolio", "import_rows",
    "read_files",
]  # fmt: skip


def export_portfolio(store: Store, path: Path, *, lang: str = "en", force: bool = False) -> list[Path]:
    """Write the portfolio to a TOML file, or to a folder of CSV files.

    Args:
        path: a name that ends in ``.toml``, or a folder, which is made.
        lang: language of the comments.
        force: overwrite what is there.

    Returns:
        The files written.

    Raises:
        StorageError: a file is there already, or cannot be written.
    """
    with store.reading() as session:
        rows = rows_of(PortfolioRows(session).all())
    files: Mapping[Path, str]
    if path.suffix.lower() == ".toml":
        files = {path: to_toml(rows, lang)}
    else:
        files = {path / name: text for name, text in to_csv(rows).items()}
    if not force and (there := next((file for file in files if file.exists()), None)) is not None:
        raise StorageError(
            f"{there} exists already.", repair="Overwrite it with --force, or name another place.", culprit=str(there)
        )
    for file, text in files.items():
        write_atomically(file, text.encode())
    return list(files)


def import_portfolio(
    store: Store, paths: Sequence[Path], *, nomenclature: Nomenclature, by: By, dry_run: bool = False
) -> Plan:
    """Add and change what the files say.

    Args:
        paths: TOML files, CSV files named after their table, folders of these.
        nomenclature: indicators and quantities that there are.
        by: who does it, for the audit log.
        dry_run: only say what would be done.

    Raises:
        UsageError: a file is wrong; nothing was written.
        StorageError: a file cannot be read, or the store not be written.
    """
    given = read_files(paths)
    if dry_run:
        with store.reading() as session:
            return plan(given, PortfolioRows(session).all(), nomenclature)
    with store.session() as session:
        return import_rows(session, given, nomenclature=nomenclature, by=by)


def import_rows(session: Session, given: Sequence[Given], *, nomenclature: Nomenclature, by: By) -> Plan:
    """The same for rows that were read, in a transaction that is open."""
    rows = PortfolioRows(session)
    made = plan(given, rows.all(), nomenclature)
    for change in made.changes:
        row_id = rows.write(change.table, change.row_id, change.after)
        verb = "add" if change.is_new else "change"
        note(
            session,
            by,
            f"{change.table}.{verb}",
            change.table,
            row_id,
            {"row": change.shown, "keys": sorted(change.after)},
        )
    return made
