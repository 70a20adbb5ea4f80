# SPDX-License-Identifier: Apache-2.0
"""What was imported last of each bill, as the manifests of imports beside the ledger tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from lichen.service.bills.guards import Guard
from lichen.service.board.bill_views import DoubtRow, ImportedBill
from lichen.service.board.reading import Look

FOLDER: Final = "bills"
"""Of the manifests, among the documents of a ledger: ``bills/SOURCE/PERIOD``."""
_SHOWN: Final = 24


def newest_imports(look: Look) -> tuple[tuple[ImportedBill, ...], int]:
    """Imported bills, the newest billing period first, and how many there are."""
    documents = look.context.ledger.documents
    names = sorted(documents.names(FOLDER), key=lambda name: name.rpartition("/")[2], reverse=True)
    shown = tuple(_imported(found) for name in names[:_SHOWN] if (found := documents.get(name)) is not None)
    return shown, len(names)


def _imported(manifest: Mapping[str, Any]) -> ImportedBill:
    at = manifest.get("imported_at")
    return ImportedBill(
        source=manifest["source"], month=manifest["period"][:7], files=len(manifest["files"]),
        lines=manifest.get("lines"),
        at=datetime.fromisoformat(at) if isinstance(at, str) else None,
        doubts=tuple(_doubts(manifest.get("doubts") or {})),
    )  # fmt: skip


def _doubts(kept: Mapping[str, Any]) -> Iterator[DoubtRow]:
    """Doubts as a manifest has them; those of a later version, of what is not known here, are left out."""
    for one in kept.get("figures", ()):
        if one["guard"] in set(Guard):
            yield DoubtRow(method=kept["method"], **one)
