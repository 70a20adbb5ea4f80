# SPDX-License-Identifier: Apache-2.0
"""What the methods make of a bill that was imported, held against what can be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from lichen.ledger import Ledger, open_ledger
from lichen.service.bills.guards import Doubt, Rented, doubts
from lichen.service.bills.manifests import Manifests, Period
from lichen.service.context import ledger_place
from lichen.service.workspace import Workspace

if TYPE_CHECKING:
    from lichen.service.bills.importing import ImportedBill

_READ = ("storage_class", "replication", "utilisation", "path", "request_class", "within", "beside")
"""Attributes that methods read besides platform and region."""


def doubt_import(workspace: Workspace, found: ImportedBill) -> tuple[Doubt, ...]:
    """Figures of the method in use that cannot be, on what an import of bills wrote; kept with the manifests of its periods.

    Args:
        found: an import that wrote nothing gives no doubts.

    Raises:
        StorageError: the ledger is away.
        ConfigError: the method in use does not exist.
    """
    if found.told is None or found.dry_run or not found.told.rented:
        return ()
    method = workspace.method(workspace.settings.method.use)
    told = doubts(workspace, method, [_rented(row) for row in found.told.rented if row["platform"]])
    if told:
        ledger = open_ledger(ledger_place(workspace.settings), create=False)
        for period in found.told.days:
            keep_doubts(ledger, period, method.method_id, told)
    return told


def keep_doubts(ledger: Ledger, period: Period, method: str, told: Sequence[Doubt]) -> None:
    """Writes doubts into the manifest of a period; the next import of it writes another one."""
    manifests = Manifests(ledger)
    content = manifests.of(period)
    if content is not None:
        kept = {"method": method, "figures": [asdict(one) for one in told]}
        manifests.put(ledger, [{**content, "doubts": kept}])


def _rented(row: Mapping[str, Any]) -> Rented:
    told = json.loads(row["attributes"]) if row["attributes"] else {}
    return Rented(
        platform=row["platform"],
        quantity=row["quantity"],
        value=row["value"],
        region=row["region"] or "",
        attributes={name: told[name] for name in _READ if name in told},
    )
