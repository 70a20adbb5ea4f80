# SPDX-License-Identifier: Apache-2.0
"""A meter stands for the models of what it measures, for nothing else, and once."""

from __future__ import annotations

import math
from typing import Any

import pytest

from lichen.config import Settings
from lichen.errors import ActivityError, MethodError
from lichen.model.boundaries import OF_TIER
from lichen.model.method_reader import read_method
from lichen.service.evaluation import evaluate_document
from lichen.service.workspace import Workspace
from lichen.units import BOUNDARIES

WORKSPACE = Workspace(Settings())
INDICATORS = {"energy", "gwp100", "adpe", "pe", "water"}
MODELLED = {
    "device": {
        "screen_time": 10.0,
        "cpu_time": 2.0,
        "memory_byte_seconds": 1e10,
        "disk_bytes": 1e6,
        "network_bytes": 1e6,
    },
    "network": {"network_bytes": 1e6},
    "server": {"cpu_time": 2.0, "memory_byte_seconds": 1e10, "disk_bytes": 1e6},
}


def evaluate(*rows: dict[str, Any]) -> dict[str, Any]:
    return evaluate_document(WORKSPACE, {"activities": list(rows)}, ["lichen-1"])


def modelled(tier: str) -> list[dict[str, Any]]:
    return [
        {"entity": "shop/thing", "tier": tier, "zone": "FR", "quantity": quantity, "value": value}
        for quantity, value in MODELLED[tier].items()
    ]


def meter(boundary: str, value: float | None = 1.0, **attributes: Any) -> dict[str, Any]:
    return {
        "entity": "shop/thing",
        "zone": "FR",
        "quantity": "energy",
        "value": value,
        "boundary": boundary,
        **attributes,
    }


def rules(result: dict[str, Any], indicator: str, phase: str = "use") -> set[str]:
    return {i["rule"] for i in result["impacts"] if i["indicator"] == indicator and i["phase"] == phase}


def total(result: dict[str, Any], indicator: str, *prefixes: str, phase: str = "use") -> float:
    return math.fsum(
        i["value"] for i in result["impacts"]
        if i["indicator"] == indicator and i["phase"] == phase and i["rule"].startswith(prefixes or ("",))
    )  # fmt: skip


def factor(factor_id: str) -> float:
    return WORKSPACE.lookup(factor_id, "FR").value


@pytest.mark.parametrize("tier", OF_TIER)
@pytest.mark.parametrize("boundary", BOUNDARIES)
@pytest.mark.parametrize("own_tier", [True, False], ids=["tier said", "tier of the entity"])
def test_one_source_of_energy_for_each_tier_and_boundary(tier: str, boundary: str, own_tier: bool) -> None:
    rows = [*modelled(tier), meter(boundary, **({"tier": tier} if own_tier else {}))]
    if boundary not in OF_TIER[tier]:
        with pytest.raises(ActivityError) as caught:
            evaluate(*rows)
        assert f"Boundaries of a {tier}: " in caught.value.repair
        return
    result = evaluate(*rows)
    families = {"device": ("device.",), "network": ("network.",), "it": ("server.",), "facility": ("server.",)}
    assert not {rule for rule in rules(result, "energy") if rule.startswith(families[boundary])} - {
        f"{boundary}.metered"
    }
    booked = {rule for rule in rules(result, "energy") if rule.endswith(".metered")}
    assert booked == {f"{boundary}.metered"}
    if tier == "device":
        other = "network." if boundary == "device" else "device."
        without = evaluate(*modelled(tier))
        assert total(result, "energy", other) == total(without, "energy", other) > 0
    assert {i["indicator"] for i in result["impacts"]} == INDICATORS
    told = {q for i in result["impacts"] for q in i["quantities"]} | {r["quantity"] for r in result["not_covered"]}
    assert told == {*MODELLED[tier], "energy"}


def test_the_facility_meter_wins_and_the_other_is_listed() -> None:
    result = evaluate(meter("it", 1.0), meter("facility", 1.56), *modelled("server"))
    assert total(result, "energy") == 1.56
    assert {"entity": "shop/thing", "quantity": "energy", "reason": "superseded by energy@facility"} in result[
        "not_covered"
    ]


@pytest.mark.parametrize(("boundary", "it_kwh"), [("it", 2.0), ("facility", 2.0 / factor("facility.pue"))])
def test_water_on_site_follows_the_it_energy_by_hand(boundary: str, it_kwh: float) -> None:
    result = evaluate(meter(boundary, 2.0), *modelled("server"))
    assert rules(result, "water") == {f"{boundary}.metered", f"{boundary}.metered.site_water"}
    expected = it_kwh * factor("facility.wue")
    assert total(result, "water", f"{boundary}.metered.site_water") == pytest.approx(expected, rel=1e-12)


def test_an_unknown_reading_supersedes_nothing() -> None:
    result = evaluate(meter("it", None), *modelled("server"))
    assert {"server.cpu", "server.memory", "server.disk"} == rules(result, "energy")
    unknown = {row["reason"] for row in result["not_covered"] if row["quantity"] == "energy"}
    assert unknown == {"its value is unknown (energy, use)", "its value is unknown (water, use)"}


def test_a_superseded_quantity_is_listed_unless_it_is_still_used() -> None:
    result = evaluate(meter("it"), *modelled("server"))
    listed = {row["quantity"]: row["reason"] for row in result["not_covered"]}
    assert listed == {"memory_byte_seconds": "superseded by energy@it", "disk_bytes": "superseded by energy@it"}
    assert total(result, "gwp100", phase="embodied") > 0


def test_a_meter_of_one_day_says_nothing_of_the_next() -> None:
    days = ["2026-03-01T23:00:00Z", "2026-03-02T01:00:00Z"]
    cpu = [
        {"entity": "shop/thing", "tier": "server", "quantity": "cpu_time", "value": 1e6, "started_at": day}
        for day in days
    ]
    result = evaluate(meter("it", started_at=days[0]), *cpu)
    one_day = 1e6 * factor("server.cpu_energy") / 3.6e6 * factor("facility.pue")
    assert total(result, "energy", "server.cpu") == pytest.approx(one_day, rel=1e-12)
    whole_time = evaluate(meter("it"), *cpu)
    assert total(whole_time, "energy", "server.cpu") == 0.0


def test_a_method_that_yields_to_an_unknown_boundary_is_refused(tmp_path: Any) -> None:
    source = WORKSPACE.method("lichen-1").path.read_text(encoding="utf-8")
    path = tmp_path / "lichen-1.toml"
    path.write_text(source.replace("energy@network", "energy@cloud"), encoding="utf-8")
    with pytest.raises(MethodError, match="yields to 'energy@cloud'"):
        read_method(path, WORKSPACE.nomenclature)
