# SPDX-License-Identifier: Apache-2.0
"""swdm-4, swdm-3, onebyte and ecoindex against figures that co2.js 0.19.0 and ecoindex-compute 5.10.0 gave."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest

from lichen.config import Settings
from lichen.model.energy import from_volume_kwh
from lichen.model.results import Evaluation
from lichen.model.web import use_after_green_x
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.workspace import Workspace

CASES: Final = Path(__file__).parents[3] / "shared" / "cases" / "web.json"
SEGMENTS: Final = {"dataCenter": "datacentre", "network": "network", "consumerDevice": "device"}
pytestmark = pytest.mark.skipif(not CASES.exists(), reason="reference cases are not beside this checkout")


def cases(tool: str) -> list[Any]:
    if not CASES.exists():
        return []
    found = [case for case in json.loads(CASES.read_text())["cases"] if case["tool"].startswith(tool)]
    return [pytest.param(case, id=case.get("note", str(case["input"]))[:60]) for case in found]


def evaluate(workspace: Workspace, method: str, rows: list[dict[str, Any]]) -> Evaluation:
    activities, context = parse_document(workspace, {"activities": rows})
    evaluation = evaluate_activities(workspace, workspace.method(method), activities, context, on=None)
    assert not evaluation.not_covered
    return evaluation


def method_of(options: dict[str, Any]) -> str:
    return "onebyte" if options["model"] == "1byte" else f"swdm-{options['version']}"


def transfer(network_bytes: float, *, green: bool) -> list[dict[str, Any]]:
    return [{"entity": "page", "quantity": "network_bytes", "value": network_bytes, "green_hosting": green}]


def grams(evaluation: Evaluation) -> float:
    return sum(impact.value for impact in evaluation.impacts if impact.indicator == "gwp100")


def with_options(workspace: Workspace, network_bytes: float, options: dict[str, Any]) -> float:
    """Version 4 by its formulas and factors, with options that replace a constant of the method."""

    def factor(factor_id: str) -> float:
        return workspace.lookup(factor_id, None).value

    world = factor("swdm4.grid_gwp100")
    shares = {"first": 1.0, "return": 0.0, "reload": 0.0} | {
        name: options[key]
        for name, key in (
            ("first", "firstVisitPercentage"), ("return", "returnVisitPercentage"), ("reload", "dataReloadRatio"),
        )
        if key in options
    }  # fmt: skip
    grams = 0.0
    for key, segment in (("dataCenter", "datacentre"), ("network", "network"), ("device", "device")):
        use = from_volume_kwh(network_bytes, factor(f"swdm4.energy.{segment}"))
        made = from_volume_kwh(network_bytes, factor(f"swdm4.embodied_energy.{segment}"))
        green = options.get("greenHostingFactor", 0.0) if segment == "datacentre" else 0.0
        grams += use_after_green_x(use, options.get("gridIntensity", {}).get(key, world), green) + made * world
    return grams * (shares["first"] + shares["return"] * shares["reload"])


@pytest.mark.parametrize("case", cases("co2.js"))
def test_co2js(case: dict[str, Any]) -> None:
    workspace = Workspace(Settings())
    options, (network_bytes, green, *more) = case["input"]["options"], case["input"]["args"]
    output = case["output"]
    if more:
        assert method_of(options) == "swdm-4"
        assert with_options(workspace, network_bytes, more[0]) == pytest.approx(output["co2"], rel=1e-9)
        return
    method = method_of(options)
    evaluation = evaluate(workspace, method, transfer(network_bytes, green=green))
    if case["input"]["method"] == "perVisit" and method == "swdm-3":
        # 75 % of visits are first ones; the others transfer 2 % again.
        assert grams(evaluation) * (0.75 + 0.25 * 0.02) == pytest.approx(output["total"], rel=1e-9)
        return
    assert grams(evaluation) == pytest.approx(output["total"] if isinstance(output, dict) else output, rel=1e-9)
    if isinstance(output, dict) and "rating" in output:
        assert [row["grade"] for row in evaluation.grades()] == [output["rating"]]
    if isinstance(output, dict) and "dataCenterOperationalCO2e" in output:
        # The original's segments are those of grey hosting even where its total is not.
        grey = evaluate(workspace, method, transfer(network_bytes, green=False))
        by_rule = {impact.rule: impact.value for impact in grey.impacts}
        for theirs, ours in SEGMENTS.items():
            for kind, rule in (("Operational", "use"), ("Embodied", "making")):
                assert by_rule[f"{ours}.{rule}.gwp100"] == pytest.approx(output[f"{theirs}{kind}CO2e"], rel=1e-9)


@pytest.mark.parametrize("case", cases("ecoindex"))
def test_ecoindex(case: dict[str, Any]) -> None:
    page, exact = case["input"], case["unrounded"]
    rows = [
        {"entity": "page", "quantity": "network_bytes", "value": page["size_kB"], "unit": "kB"},
        {"entity": "page", "quantity": "dom_elements", "value": page["dom"]},
        {"entity": "page", "quantity": "requests", "value": page["requests"]},
    ]
    evaluation = evaluate(Workspace(Settings()), "ecoindex", rows)
    values = {impact.indicator: impact.value for impact in evaluation.impacts}
    assert values["ecoindex"] == pytest.approx(exact["score"], rel=1e-9, abs=1e-9)
    assert values["gwp100"] == pytest.approx(exact["ges"], rel=1e-9)
    assert values["water"] * 100 == pytest.approx(exact["water"], rel=1e-9)
    assert [row["grade"] for row in evaluation.grades()] == [case["output"]["grade"]]
    assert round(values["ecoindex"]) == case["output"]["score"]
