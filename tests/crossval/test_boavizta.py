# SPDX-License-Identifier: Apache-2.0
"""boavizta-2.5 against figures that BoaviztAPI 2.5.0 gave, unrounded: use and manufacture of cloud instances."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, Final

import pytest
from babel.core import get_global

from lichen.catalogue import machines
from lichen.config import Settings
from lichen.model.results import Evaluation
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.workspace import Workspace

FIGURES: Final = json.loads((Path(__file__).parent / "data" / "boavizta.json").read_text(encoding="utf-8"))["cases"]
CASES: Final = Path(__file__).parents[3] / "shared" / "cases" / "boavizta.json"
INDICATORS: Final = {"gwp": ("gwp100", 1e3), "adp": ("adpe", 1e3), "pe": ("pe", 1.0), "fe": ("energy", 1.0)}
"""Criterion of the cases -> indicator, and how many of its units are one of the criterion's."""


def cases() -> list[Any]:
    if not CASES.exists():
        return []
    found = json.loads(CASES.read_text())["cases"]
    return [pytest.param(case, id="-".join(str(value) for value in list(case["input"].values())[:5])) for case in found]


CASE: Final = pytest.mark.parametrize("case", cases())
BESIDE: Final = pytest.mark.skipif(not CASES.exists(), reason="reference cases are not beside this checkout")


@pytest.mark.parametrize("case", FIGURES, ids=lambda case: f"{case['platform']}-{case['hours']:g}h")
def test_every_kind_of_machine_gives_the_originals_figures(case: dict[str, Any]) -> None:
    """Hard disks, graphics processors, whole servers, guessed hosts, devices; with and without a place."""
    said = {name: case[name] for name in ("platform", "utilisation", "zone") if case[name] is not None}
    row = {"entity": "machine", "quantity": "instance_time", "value": case["hours"], "unit": "h", **said}
    found = of_activity(row)
    for criterion, (indicator, scale) in INDICATORS.items():
        for theirs, ours in (("use", "use"), ("embedded", "embodied")):
            expected = case[criterion][theirs]
            values = [i.value for i in found.impacts if (i.indicator, i.phase) == (indicator, ours)]
            if expected is None:
                assert values == []
            else:
                assert sum(values) == pytest.approx(expected * scale, rel=1e-6), (criterion, theirs)


def activity(case: dict[str, Any]) -> dict[str, Any]:
    said = case["input"]
    row: dict[str, Any] = {
        "entity": "machine",
        "quantity": "instance_time",
        "value": said["duration_hours"],
        "unit": "h",
        "platform": f"{said['provider']}:{said['instance_type']}",
    }
    if said["usage_location"] is not None:
        (row["zone"],) = get_global("territory_aliases")[said["usage_location"]]
    if said["time_workload_pct"] is not None:
        row["utilisation"] = said["time_workload_pct"] / 100
    return row


def of_activity(row: dict[str, Any]) -> Evaluation:
    workspace = Workspace(Settings())
    rows, context = parse_document(workspace, {"activities": [row]})
    return evaluate_activities(workspace, workspace.method("boavizta-2.5"), rows, context, on=None)


@BESIDE
@CASE
def test_instances_give_the_originals_use_and_manufacture(case: dict[str, Any]) -> None:
    found = of_activity(activity(case))
    assert not found.not_covered
    for criterion, (indicator, scale) in INDICATORS.items():
        for theirs, ours in (("use", "use"), ("embedded", "embodied")):
            expected = case["output_raw"][criterion][theirs]
            values = [i.value for i in found.impacts if (i.indicator, i.phase) == (indicator, ours)]
            if expected is None:
                assert values == []
            else:
                assert sum(values) == pytest.approx(expected["value"] * scale, rel=1e-6), (criterion, theirs)


@BESIDE
@CASE
def test_the_catalogue_has_the_hosts_of_the_cases(case: dict[str, Any]) -> None:
    """Facts are compared one by one, and the power curve at ten loads: its parameters b and d are not determined one by one."""
    machine = machines.find(f"{case['input']['provider']}:{case['input']['instance_type']}")
    assert machine is not None
    model, host = case["model"], case["model"]["platform"]
    pairs = {
        "vcpu": model["vcpu"], "memory_gib": model["memory_gb"], "gpus": model["gpu_units"],
        "cpu": host["cpu_name"], "host_processors": host["cpu_units"], "cpu_family": host["cpu_family"],
        "cpu_tdp_w": host["tdp_w"], "threads_per_cpu": host["threads_per_cpu"], "cores_per_cpu": host["cores_per_cpu"],
        "cpu_die_mm2": host["die_size_mm2"]["value"], "memory_module_gib": host["ram_capacity_gb"],
        "psus": host["psu_units"]["value"], "psu_kg": host["psu_weight_kg"]["value"], "lifetime_h": host["lifetime_hours"],
        "ssd_drive_gb": next((disk["capacity_gb"] for disk in host["disks"] if disk["type"] == "SSD"), None),
    }  # fmt: skip
    assert {name: machine.get(name) for name in pairs} == pairs
    for load in range(0, 101, 10):
        theirs = curve(load, **model["cpu_profile_params"])
        ours = curve(load / 100, *(float(machine[f"curve_{name}"]) for name in ("a_w", "b", "c", "d_w")))
        assert ours == pytest.approx(theirs, rel=1e-7)


def curve(load: float, a: float, b: float, c: float, d: float) -> float:
    return a * math.log(b * (load + c)) + d
