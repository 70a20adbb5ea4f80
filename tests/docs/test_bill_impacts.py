# SPDX-License-Identifier: Apache-2.0
"""The table of docs/bills.md that puts four methods side by side says what the methods say."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from lichen.config import Settings
from lichen.records import Total
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.workspace import Workspace

PAGE: Final = Path(__file__).parents[2] / "docs" / "bills.md"
METHODS: Final = ("lichen-1", "ccf-2024", "ccf-fixed", "boavizta-2.5")
MONTH_S: Final = 730 * 3600
TB_MONTH: Final = 1e12 * MONTH_S
LAMBDA_GB_S: Final = 1e6 * 0.2 * 0.512
"""A million calls of 200 ms with 512 MB."""
LAMBDA_GB_PER_VCPU: Final = 1.769
COLUMNS: Final = (
    ("energy, kWh", "energy", "use", 1.0),
    ("use, kgCO2e", "gwp100", "use", 0.001),
    ("making, kgCO2e", "gwp100", "embodied", 0.001),
)


def instance(platform: str, vcpus: int, region: str) -> list[dict[str, Any]]:
    of = {"platform": platform, "region": region}
    return [
        {**of, "quantity": "vcpu_time", "value": vcpus * MONTH_S},
        {**of, "quantity": "instance_time", "value": MONTH_S},
    ]


def dublin(quantity: str, value: float, **attributes: Any) -> dict[str, Any]:
    return {"quantity": quantity, "value": value, "region": "aws:eu-west-1", **attributes}


RESOURCES: Final[dict[str, list[dict[str, Any]]]] = {
    "m5.xlarge, us-east-1": instance("aws:m5.xlarge", 4, "aws:us-east-1"),
    "t3.micro, eu-west-1": instance("aws:t3.micro", 2, "aws:eu-west-1"),
    "c5.2xlarge, eu-central-1": instance("aws:c5.2xlarge", 8, "aws:eu-central-1"),
    "p4d.24xlarge, us-east-1": instance("aws:p4d.24xlarge", 96, "aws:us-east-1"),
    "1 TB of gp3, eu-west-1": [
        dublin("storage_byte_seconds", TB_MONTH, platform="aws:ebs-gp3", storage_class="ssd", replication=2)
    ],
    "1 TB of S3, eu-west-1": [
        dublin("storage_byte_seconds", TB_MONTH, platform="aws:s3", storage_class="hdd", replication=3)
    ],
    "1 M calls of Lambda, eu-west-1": [
        dublin("vcpu_time", LAMBDA_GB_S / LAMBDA_GB_PER_VCPU, platform="aws:lambda"),
        dublin("memory_byte_seconds", LAMBDA_GB_S * 1e9, platform="aws:lambda"),
        dublin("requests", 1e6, platform="aws:lambda", request_class="light"),
    ],
}


def figure(value: float) -> str:
    """Three significant figures, as the page writes them."""
    if value < 1e-3:
        return f"{value:.0e}".replace("e-0", "e-")
    if value >= 1000:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{float(f'{value:.3g}'):g}"


def totals(workspace: Workspace, name: str, method: str) -> dict[tuple[str, str], Total]:
    """Totals of a resource by indicator and phase."""
    rows = [{"entity": "bill", "tier": "server", **row} for row in RESOURCES[name]]
    activities, context = parse_document(workspace, {"activities": rows})
    evaluation = evaluate_activities(workspace, workspace.method(method), activities, context, on=None)
    return {(one.indicator, one.phase): one for one in evaluation.totals() if one.accounting == "location"}


def rows(workspace: Workspace, name: str) -> Iterator[str]:
    """The rows of the page on a resource; lichen-1 with its range."""
    by_method = {method: totals(workspace, name, method) for method in METHODS}
    for what, indicator, phase, scale in COLUMNS:
        cells = [name, what]
        for method, found in by_method.items():
            one = found.get((indicator, phase))
            text = "–" if one is None else figure(one.value * scale)
            if one is not None and method == "lichen-1":
                text = f"{text} ({figure(one.low * scale)} to {figure(one.high * scale)})"
            cells.append(text)
        yield f"| {' | '.join(cells)} |"


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return Workspace(Settings())


@pytest.mark.parametrize("name", RESOURCES)
def test_the_rows_of_a_resource_are_what_the_methods_say(workspace: Workspace, name: str) -> None:
    written = PAGE.read_text(encoding="utf-8").splitlines()
    assert [row for row in rows(workspace, name) if row not in written] == []
