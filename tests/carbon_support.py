# SPDX-License-Identifier: Apache-2.0
"""Carbon exports of providers in the shapes that their documentation gives, by hand."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

AWS: Final[Mapping[str, str]] = {
    "last_refresh_timestamp": "2026-11-20 04:00:00Z", "location": "EU (Paris)", "model_version": "v3.0.0",
    "payer_account_id": "payer", "product_code": "AmazonEC2", "region_code": "eu-west-3", "total_lbm_emissions_unit": "MTCO2e",
    "total_lbm_emissions_value": "0.00019", "total_mbm_emissions_unit": "MTCO2e", "total_mbm_emissions_value": "0.0001",
    "total_scope_1_emissions_unit": "MTCO2e", "total_scope_1_emissions_value": "0.00001",
    "total_scope_2_lbm_emissions_unit": "MTCO2e", "total_scope_2_lbm_emissions_value": "0.00008",
    "total_scope_2_mbm_emissions_unit": "MTCO2e", "total_scope_2_mbm_emissions_value": "0",
    "total_scope_3_lbm_emissions_unit": "MTCO2e", "total_scope_3_lbm_emissions_value": "0.0001",
    "total_scope_3_mbm_emissions_unit": "", "total_scope_3_mbm_emissions_value": "", "usage_account_id": "123",
    "usage_period_end": "2026-11-01T00:00:00Z", "usage_period_start": "2026-10-01T00:00:00Z",
}  # fmt: skip
"""A row of AWS Data Exports: 10 g, 80 g and 100 g by location."""
NO_SCOPES: Final = dict.fromkeys((name for name in AWS if "_scope_" in name), "")
"""What a row of an older table has of scopes."""
AZURE: Final[Mapping[str, Any]] = {
    "value": [
        {
            "dataType": "ItemDetailsData", "latestMonthEmissions": 0.1, "previousMonthEmissions": 0.05,
            "itemName": "vm-1", "categoryType": "Resource", "resourceId":
            "/subscriptions/s-1/resourceGroups/rg/providers/Microsoft.Compute/virtualMachines/vm-1",
            "resourceType": "microsoft.compute/virtualmachines", "location": "westeurope",
        }
    ],
    "carbonScopeList": ["Scope2"],
    "dateRange": {"start": "2026-10-01", "end": "2026-10-01"},
    "accounting": "location",
}  # fmt: skip


def aws(**own: str) -> dict[str, str]:
    """A row of AWS with other values."""
    return {**AWS, **own}


def write_csv(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    """A CSV file."""
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def write_json(path: Path, content: Any) -> Path:
    """A JSON file."""
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
