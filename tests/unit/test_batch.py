# SPDX-License-Identifier: Apache-2.0
"""Activities that share formulas and nothing else are computed together: each has the figures that it has alone."""

from __future__ import annotations

from typing import Any, Final

import pytest

from lichen.config import Settings
from lichen.model.results import Evaluation
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.workspace import Workspace

MACHINES: Final = [
    {"quantity": "vcpu_time", "platform": "aws:m5.large", "region": "eu-west-3"},
    {"quantity": "vcpu_time", "platform": "aws:m5.large", "region": "us-east-1", "utilisation": 0.2},
    {"quantity": "vcpu_time", "platform": "gcp:n2-standard-4", "region": "gcp:europe-west1"},
    {"quantity": "instance_time", "platform": "aws:c5.2xlarge", "region": "eu-central-1", "utilisation": 0.9},
    {"quantity": "instance_time", "platform": "azure:d4s_v3", "region": "azure:northeurope"},
]  # fmt: skip
PLACES: Final = [
    {"quantity": "cpu_time", "zone": zone, "tier": tier, "samples": [1.0, 2.0, 3.0 + number]}
    for number, (zone, tier) in enumerate(
        (z, t) for z in ("FR", "DE", "US-CAL-CISO", "PL") for t in ("device", "server")
    )
]


def evaluated(workspace: Workspace, method: str, rows: list[dict[str, Any]]) -> Evaluation:
    document = {"activities": rows, "context": {"parts": 1}}
    activities, context = parse_document(workspace, document)
    return evaluate_activities(workspace, workspace.method(method), activities, context, on=None)


@pytest.mark.parametrize(
    ("method", "rows"),
    [("ccf-2024", MACHINES), ("boavizta-2.5", MACHINES), ("lichen-1", PLACES)],
)
def test_together_as_alone(method: str, rows: list[dict[str, Any]]) -> None:
    workspace = Workspace(Settings())
    given = [{"entity": f"shop/part-{i}", "value": 3600.0 + i, "tier": "server", **row} for i, row in enumerate(rows)]
    together = evaluated(workspace, method, given)
    alone = [impact for row in given for impact in evaluated(workspace, method, [row]).impacts]
    assert len(together.impacts) == len(alone) >= len(rows)
    for one, other in zip(together.impacts, alone, strict=True):
        assert one.to_json() | {"value": 0, "low": 0, "high": 0} == other.to_json() | {"value": 0, "low": 0, "high": 0}
        assert (one.value, one.low, one.high) == pytest.approx((other.value, other.low, other.high), rel=1e-12)
        assert one.samples == pytest.approx(other.samples, rel=1e-12)


def test_few_batches_hold_many_machines() -> None:
    """Eight places and tiers: two tiers differ in their rules, places do not."""
    workspace = Workspace(Settings())
    given = [{"entity": f"shop/part-{i}", "value": 1.0, **row} for i, row in enumerate(PLACES)]
    together = evaluated(workspace, "lichen-1", given)
    rules = {(batch.work.rule.rule_id, batch.work.chains[0].boundary) for batch in together.batches}
    assert len(together.batches) == len(rules)
    assert {factor.geography for batch in together.batches for factor in batch.factors} >= {"FR", "DE", "PL"}


def test_certain_figures_have_no_range_and_uncertain_ones_keep_theirs() -> None:
    workspace = Workspace(Settings())
    given = [{"entity": f"shop/part-{i}", "value": 3600.0, **row} for i, row in enumerate(MACHINES)]
    assert all(impact.low == impact.value == impact.high for impact in evaluated(workspace, "ccf-2024", given).impacts)
    uncertain = [{"entity": f"shop/part-{i}", "value": 3600.0, **row} for i, row in enumerate(PLACES)]
    assert all(
        impact.low < impact.value < impact.high for impact in evaluated(workspace, "lichen-1", uncertain).impacts
    )
