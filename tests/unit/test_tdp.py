# SPDX-License-Identifier: Apache-2.0
"""Methods teads and sdia: hand-computed figures, and where each of their numbers comes from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.catalogue import machines
from lichen.config import Settings
from lichen.model.tdp import by_curve_w, memory_by_curve_w, over_reference_w
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.workspace import Workspace

KNOTS = np.array([0.0, 0.1, 0.5, 1.0])
RATIOS = np.array([0.12, 0.32, 0.75, 1.02])
HOUR_S = 3600


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return Workspace(Settings())


def energies(workspace: Workspace, method: str, **attributes: Any) -> tuple[dict[str, float | None], list[str]]:
    """Kilowatt-hours of each rule for a machine of an hour in France, and why there are none."""
    row = {"entity": "machine", "quantity": "instance_time", "value": HOUR_S, "zone": "FR", **attributes}
    rows, context = parse_document(workspace, {"activities": [row]})
    evaluation = evaluate_activities(workspace, workspace.method(method), rows, context, on=None)
    found = {impact.rule: impact.value for impact in evaluation.impacts if impact.indicator == "energy"}
    return found, [one.reason for one in evaluation.not_covered]


def test_the_curve_meets_its_knots_and_is_straight_between_them() -> None:
    loads = np.array([0.0, 0.1, 0.3, 0.5, 0.75, 1.0])
    assert by_curve_w(100.0, loads, KNOTS, RATIOS) == pytest.approx([12, 32, 53.5, 75, 88.5, 102])
    assert memory_by_curve_w(16.0, 0.5, KNOTS, np.array([0.2, 0.3, 0.4, 0.6])) == pytest.approx(6.4)


@given(low=st.floats(0, 1), high=st.floats(0, 1), tdp_w=st.floats(1, 1000))
def test_more_load_never_draws_less(low: float, high: float, tdp_w: float) -> None:
    low, high = sorted((low, high))
    assert by_curve_w(tdp_w, low, KNOTS, RATIOS) <= by_curve_w(tdp_w, high, KNOTS, RATIOS)
    assert over_reference_w(tdp_w, low, 0.65) <= over_reference_w(tdp_w, high, 0.65)


def test_a_stated_machine(workspace: Workspace) -> None:
    """200 W at 50 %: 150 W; 64 GB: 25.6 W; PUE 1.2. SDIA: 200 x 0.5 / 0.65, nothing around it."""
    stated = {"tdp_w": 200, "utilisation": 0.5, "memory_gb": 64}
    teads, _ = energies(workspace, "teads", **stated)
    assert teads == {
        "processors.stated": pytest.approx(0.150 * 1.2),
        "memory.stated": pytest.approx(0.0256 * 1.2),
    }
    assert energies(workspace, "sdia", **stated)[0] == {"processors.stated": pytest.approx(0.2 * 0.5 / 0.65)}


def test_a_platform_of_the_catalogue(workspace: Workspace) -> None:
    machine = machines.find("aws:m5.xlarge")
    assert machine is not None
    tdp_w = float(machine["processors"]) * float(machine["cpu_tdp_w"])
    teads, _ = energies(workspace, "teads", platform="aws:m5.xlarge", utilisation=1)
    assert teads == {
        "processors.platform": pytest.approx(tdp_w * 1.02 * 1.2 / 1000),
        "memory.platform": pytest.approx(16 * 0.6 * 1.2 / 1000),
    }
    sdia, _ = energies(workspace, "sdia", platform="aws:m5.xlarge", utilisation=1)
    assert sdia == {"processors.platform": pytest.approx(tdp_w / 0.65 / 1000)}


@pytest.mark.parametrize("method", ["teads", "sdia"])
def test_what_is_not_said_is_not_made_up(workspace: Workspace, method: str) -> None:
    found, reasons = energies(workspace, method, tdp_w=200)
    assert found == {}
    assert any("utilisation" in reason for reason in reasons)
    found, reasons = energies(workspace, method, utilisation=0.5, platform="aws:m5.xlrge")
    assert found == {}
    assert any("aws:m5.xlarge" in reason for reason in reasons)
    found, reasons = energies(workspace, method, utilisation=0.5)
    assert found == {}
    assert any("platform" in reason for reason in reasons)


def test_without_load_only_the_curve_draws_power(workspace: Workspace) -> None:
    teads, _ = energies(workspace, "teads", tdp_w=100, utilisation=0)
    assert teads == {"processors.stated": pytest.approx(0.012 * 1.2)}
    assert energies(workspace, "sdia", tdp_w=100, utilisation=0)[0] == {"processors.stated": 0.0}


def test_the_grid_is_that_of_the_zone(workspace: Workspace) -> None:
    row = {"entity": "m", "quantity": "instance_time", "value": HOUR_S, "tdp_w": 100, "utilisation": 1}
    per_kwh = {}
    for zone in ("FR", "PL"):
        rows, context = parse_document(workspace, {"activities": [{**row, "zone": zone}]})
        impacts = evaluate_activities(workspace, workspace.method("sdia"), rows, context, on=None).impacts
        energy, carbon = (next(i.value for i in impacts if i.indicator == name) for name in ("energy", "gwp100"))
        assert energy is not None
        assert carbon is not None
        per_kwh[zone] = carbon / energy
        assert carbon / energy == pytest.approx(workspace.factors.lookup("grid.gwp100", zone).value, rel=1e-12)
    assert per_kwh["FR"] < per_kwh["PL"]
