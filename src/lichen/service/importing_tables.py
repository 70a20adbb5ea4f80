# SPDX-License-Identifier: Apache-2.0
"""What imports into the store share: which applications are meant, and what was written."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lichen.errors import UsageError
from lichen.records import writable
from lichen.service.accounts.audit import By, note
from lichen.service.workspace import Workspace
from lichen.store import Session, Store, open_store
from lichen.store.queries import imports
from lichen.store.queries.imports import Written

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

LONGEST_CODE: Final = 200
_SHOWN: Final = 40
_NAMED: Final = 5
"""Applications that a sentence names."""
"""Characters of a name in a sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import found and wrote.

    Attributes:
        kind: traffic, value, cost or inventory.
        source: name under which the rows are kept; importing again under it replaces them.
        rows: rows of the files. applications: how many applications they belong to.
        unallocated: rows without an application.
        first, last: days or months of the first and last row; None for an inventory.
        totals: sums by currency, for money.
        dry_run: whether nothing was written.
        written: what changed; None for a dry run.
        details: what else is to be told of this kind.
    """

    kind: str
    source: str
    rows: int
    applications: int
    unallocated: int = 0
    first: date | None = None
    last: date | None = None
    totals: dict[str, Decimal] = field(default_factory=dict)
    dry_run: bool = False
    written: Written | None = None
    details: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it; amounts are texts, since JSON's numbers are no decimals."""
        written = self.written
        return {
            "kind": self.kind,
            "source": self.source,
            "rows": self.rows,
            "applications": self.applications,
            "unallocated": self.unallocated,
            "first": None if self.first is None else self.first.isoformat(),
            "last": None if self.last is None else self.last.isoformat(),
            "totals": {currency: str(amount) for currency, amount in self.totals.items()},
            "written": None if written is None else {
                "added": written.added, "removed": written.removed, "applications_made": list(written.made),
                "shrunk_days": [day.isoformat() for day in written.shrunk],
            },
            **self.details,
        }  # fmt: skip


def today() -> date:
    """The present day, UTC."""
    return datetime.now(UTC).date()


def opened(workspace: Workspace, *, dry_run: bool = False) -> Store:
    """The store of a project; made where there is none, unless nothing is to be written."""
    settings = workspace.settings
    return open_store(settings.server.store, folder=settings.folder, create=not dry_run)


def source_name(given: str | None, kind: str, path: Path) -> str:
    """Name under which rows are kept: as given, or the kind and the file's name without its endings.

    Raises:
        UsageError: the given one is empty, too long, or holds a control character.
    """
    if given is None:
        stem = writable(path.name).split(".")[0]
        return f"{kind}:{''.join('?' if _has_control(sign) else sign for sign in stem)}"
    if not given.strip() or len(given) > LONGEST_CODE or _has_control(given):
        raise UsageError(
            "The name given with --source is empty, too long, or holds a control character.",
            repair=f"Give one of {LONGEST_CODE} characters at most.",
            culprit="--source",
        )
    return given.strip()


def resolve(session: Session, codes: Iterable[str], *, create: bool) -> tuple[dict[str, str], tuple[str, ...]]:
    """Ids of applications by code, and the codes of those that were made.

    Raises:
        UsageError: one does not exist and ``create`` is not wanted, or its code is none.
    """
    wanted = list(dict.fromkeys(codes))
    found = imports.application_ids(session, wanted)
    missing = [code for code in wanted if code not in found]
    for code in missing:
        check_name(code, "The code of the application")
    if missing and not create:
        raise unknown(missing, imports.application_ids(session))
    return found | imports.make_applications(session, missing), tuple(missing)


def check_name(name: str, what: str) -> None:
    """UsageError for a name that no application or journey can have."""
    if not name.strip() or "/" in name or len(name) > LONGEST_CODE or _has_control(name):
        shown = name if len(name) <= _SHOWN else f"{name[: _SHOWN - 1]}…"
        raise UsageError(
            f"{what} is {shown!r}.",
            repair=f"It needs 1 to {LONGEST_CODE} characters, none of them a '/' or a control character.",
            culprit=shown,
        )


def _has_control(text: str) -> bool:
    return any(unicodedata.category(sign) in ("Cc", "Cs") for sign in text)


def unknown(missing: Collection[str], known: Collection[str]) -> UsageError:
    """That applications do not exist, with the nearest that does."""
    first, *others = missing
    shown = ", ".join(f"'{code}'" for code in (first, *others)[:_NAMED])
    also = f" and {len(missing) - _NAMED} more" if len(missing) > _NAMED else ""
    close = difflib.get_close_matches(first, known, n=1)
    hint = f"Did you mean '{close[0]}'? " if close else ""
    return UsageError(
        f"There are no applications {shown}{also}." if others else f"There is no application {shown}.",
        repair=f"{hint}Add --create to make {'them' if others else 'it'}, without a team.",
        culprit=first,
    )


def tell(session: Session, imported: Imported, subject_id: str = "") -> None:
    """A line of the audit log, in the same transaction as what it tells."""
    by = By(actor="command:import", at=datetime.now(UTC))
    note(
        session,
        by,
        f"{imported.kind}.import",
        imported.kind,
        subject_id,
        {"source": imported.source, "rows": imported.rows},
    )


def columns(row: DataclassInstance, ids: Mapping[str, str]) -> dict[str, Any]:
    """A row of a table as columns of the store: the application by its id, and without its line."""
    found = asdict(row)
    del found["line"]
    code = found.pop("application")
    return found | {"application_id": None if code is None else ids[code]}
