# SPDX-License-Identifier: Apache-2.0
"""greenframe-2 against figures that the original program gave, from seconds and gigabytes to Wh and g."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lichen.config import Settings
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.workspace import Workspace

CASES = Path(__file__).parents[3] / "shared" / "cases" / "greenframe.json"
COLUMNS = {"cpu": "device.cpu server.cpu", "mem": "device.memory server.memory", "disk": "device.disk server.disk",
           "network": "network.single network.multi", "screen": "device.screen"}  # fmt: skip


def cases() -> list[Any]:
    if not CASES.exists():
        return []
    return [pytest.param(case, id=case["id"]) for case in json.loads(CASES.read_text())["cases"]]


def activities(case: dict[str, Any]) -> list[dict[str, Any]]:
    kinds = {container["name"]: container["type"] for container in case["input"]["containers"]}
    rows = []
    for container in case["output"]["containers"]:
        seconds, gigabytes = container["score"]["s"], container["score"]["gb"]
        device = kinds[container["name"]] == "DEVICE"
        common = {"entity": container["name"], "tier": "device" if device else "server"}
        rows += [
            {**common, "quantity": "cpu_time_share", "value": seconds["cpu"], "unit": "s"},
            {
                **common,
                "quantity": "memory_peak",
                "value": gigabytes["mem"],
                "unit": "GB",
                "duration_s": seconds["totalTime"],
            },
            {**common, "quantity": "disk_bytes", "value": gigabytes["disk"], "unit": "GB"},
            {**common, "quantity": "network_bytes", "value": gigabytes["network"], "unit": "GB"},
        ]
        if device:
            rows.append({**common, "quantity": "screen_time", "value": seconds["screen"], "unit": "s"})
    return rows


@pytest.mark.skipif(not CASES.exists(), reason="reference cases are not beside this checkout")
@pytest.mark.parametrize("case", cases())
def test_containers_give_the_originals_watt_hours_and_grams(case: dict[str, Any]) -> None:
    workspace = Workspace(Settings())
    containers = case["output"]["containers"]
    rows, context = parse_document(workspace, {"activities": activities(case), "context": {"parts": len(containers)}})
    evaluation = evaluate_activities(workspace, workspace.method("greenframe-2"), rows, context, on=None)
    assert not evaluation.not_covered
    for container in containers:
        for indicator, scale, expected in (
            ("energy", 1e3, container["score"]["wh"]),
            ("gwp100", 1.0, container["score"]["co2"]),
        ):
            mine = [i for i in evaluation.impacts if i.entity == container["name"] and i.indicator == indicator]
            assert sum(i.value for i in mine) * scale == pytest.approx(expected["total"], rel=1e-9)
            for column, rules in COLUMNS.items():
                value = sum(i.value for i in mine if i.rule in rules.split()) * scale
                assert value == pytest.approx(expected[column], rel=1e-9, abs=1e-15), (container["name"], column)
