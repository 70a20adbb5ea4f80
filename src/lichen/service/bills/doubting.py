# SPDX-License-Identifier: Apache-2.0
"""What the methods make of a bill that was imported, held against what can be."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from lichen.service.bills.guards import Doubt, Rented, doubts
from lichen.service.workspace import Workspace

_READ: Final = ("storage_class", "replication", "utilisation", "path", "request_class", "within", "beside")
"""Attributes that methods read besides platform and region."""


def doubted(workspace: Workspace, rented: Sequence[Mapping[str, Any]]) -> tuple[Doubt, ...]:
    """Figures of the method in use that cannot be, on what a bill tells.

    Args:
        rented: physical quantities, as `lichen.collect.bills.pipeline.Told` has them.

    Raises:
        ConfigError: the method in use does not exist.
    """
    if not rented:
        return ()
    method = workspace.method(workspace.settings.method.use)
    return doubts(workspace, method, [_rented(row) for row in rented if row["platform"]])


def _rented(row: Mapping[str, Any]) -> Rented:
    told = json.loads(row["attributes"]) if row["attributes"] else {}
    return Rented(
        platform=row["platform"],
        quantity=row["quantity"],
        value=row["value"],
        region=row["region"] or "",
        attributes={name: told[name] for name in _READ if name in told},
    )
