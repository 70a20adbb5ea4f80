# SPDX-License-Identifier: Apache-2.0
"""What the methods make of the bills of the ledger, held against what can be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from lichen.ledger import Ledger, Selection, open_ledger
from lichen.model.method import Method
from lichen.service.bills.guards import Doubt, Rented, doubts
from lichen.service.bills.manifests import Manifests, Period
from lichen.service.context import ledger_place
from lichen.service.workspace import Workspace

_READ = ("storage_class", "replication", "utilisation", "path", "request_class", "within", "beside")
"""Attributes that methods read besides platform and region."""


def doubted(
    workspace: Workspace, ledger: Ledger, method: Method, *, sources: Sequence[str], first_day: date, end_day: date
) -> tuple[Doubt, ...]:
    """Figures of a method that cannot be, on some bills of the ledger.

    Args:
        sources: of bills, as the ledger names them: ``bill:aws-123``.
        first_day, end_day: of the usage; the end is not part of it.

    Raises:
        StorageError: the ledger is away.
    """
    known = set(method.quantities)
    selection = Selection(sources=sources, quantities=sorted(known), first_day=first_day, end_day=end_day)
    sums = ledger.totals(("platform", "region", "attributes"), peaks=(), selection=selection)
    return doubts(workspace, method, [_rented(row) for row in sums if row["platform"] and row["value"] is not None])


def doubt_import(workspace: Workspace, found: Mapping[str, Any]) -> tuple[Doubt, ...]:
    """Figures of the method in use that cannot be, on what an import of bills wrote; kept with the manifests of its periods.

    Args:
        found: as ``lichen import bills --json`` prints it; an import that wrote nothing gives no doubts.

    Raises:
        StorageError: the ledger is away.
        ConfigError: the method in use does not exist.
    """
    periods = () if found["dry_run"] or found["unchanged"] else found["periods"]
    if not periods:
        return ()
    ledger = open_ledger(ledger_place(workspace.settings), create=False)
    method = workspace.method(workspace.settings.method.use)
    told = doubted(
        workspace,
        ledger,
        method,
        sources=sorted({one["source"] for one in periods}),
        first_day=min(date.fromisoformat(one["first"]) for one in periods),
        end_day=max(date.fromisoformat(one["last"]) for one in periods) + timedelta(days=1),
    )
    for one in periods if told else ():
        keep_doubts(ledger, (one["source"], date.fromisoformat(one["period"])), method.method_id, told)
    return told


def keep_doubts(ledger: Ledger, period: Period, method: str, told: Sequence[Doubt]) -> None:
    """Writes doubts into the manifest of a period; the next import of it writes another one."""
    manifests = Manifests(ledger)
    content = manifests.of(period)
    if content is not None:
        kept = {"method": method, "figures": [asdict(one) for one in told]}
        manifests.put(ledger, [{**content, "doubts": kept}])


def _rented(row: dict[str, Any]) -> Rented:
    told = json.loads(row["attributes"]) if row["attributes"] else {}
    return Rented(
        platform=row["platform"],
        quantity=row["quantity"],
        value=row["value"],
        region=row["region"] or "",
        attributes={name: told[name] for name in _READ if name in told},
    )
