# SPDX-License-Identifier: Apache-2.0
"""The sanity rules, on planted rows: each defect is one that a public table has or had."""

from __future__ import annotations

from typing import Any

import pytest

from lichen.factors.sanity import check

SANE: dict[str, tuple[str, str]] = {
    "grid.gwp100": ("473", "gCO2e/kWh"),
    "grid.adpe": ("6.6e-4", "gSbe/kWh"),
    "grid.pe": ("8.5", "MJ/kWh"),
    "grid.water": ("3.5", "L/kWh"),
}


def row(factor_id: str, geography: str = "FR", **changes: Any) -> dict[str, Any]:
    value, unit = SANE[factor_id]
    figures = {"value": value, "low": str(float(value) / 2), "high": str(float(value) * 2)}
    return {"id": factor_id, "geography": geography, "valid_from": "2024-01-01", "unit": unit, **figures, **changes}


def place(geography: str, factor: float = 1.0) -> list[dict[str, Any]]:
    return [row(name, geography, value=float(value) * factor, low=0.0, high=1e6) for name, (value, _) in SANE.items()]


def test_sane_rows_give_no_finding() -> None:
    assert check([*place("WORLD"), *place("FR", 0.7), *place("DE", 1.1)]) == []


@pytest.mark.parametrize(
    ("factor_id", "changes", "words"),
    [
        ("grid.gwp100", {"value": "0", "low": "0"}, "no grid has a life cycle below 5"),  # a published zero
        ("grid.gwp100", {"value": "4.9", "low": "1"}, "no grid has a life cycle below 5"),
        ("grid.gwp100", {"value": "1401", "high": "2000"}, "none reaches 1400"),
        ("grid.pe", {"value": "2.5871", "low": "1"}, "a kWh contains 3.6 MJ"),  # a world value once published
        ("grid.pe", {"value": "0.1386", "low": "0.1"}, "a kWh contains 3.6 MJ"),  # fossil part only
        ("grid.pe", {"value": "20.5", "high": "30"}, "no fleet needs 20"),
        ("grid.water", {"value": "-1", "low": "-2"}, "water is not produced"),
        ("grid.water", {"value": "201", "high": "300"}, "no mix evaporates"),
        ("grid.adpe", {"value": "0", "low": "0"}, "every plant is made of metal"),
        ("grid.adpe", {"value": "0.02", "high": "0.1"}, "every plant is made of metal"),
        ("grid.gwp100", {"low": "500"}, "low <= value <= high is broken"),
        ("grid.gwp100", {"high": "400"}, "low <= value <= high is broken"),
        ("grid.gwp100", {"valid_from": ""}, "the year is missing"),
        ("grid.gwp100", {"value": ""}, "value, low or high is missing"),
        ("grid.gwp100", {"value": "nan"}, "value, low or high is missing"),
    ],
)
def test_a_planted_defect_is_found(factor_id: str, changes: dict[str, Any], words: str) -> None:
    findings = check([row(factor_id, **changes)])
    assert len(findings) == 1
    assert words in findings[0].what
    assert findings[0].where.startswith(f"{factor_id} FR")


@pytest.mark.parametrize(
    ("factor_id", "value"),
    [("grid.gwp100", "5"), ("grid.gwp100", "1400"), ("grid.pe", "3.6"), ("grid.pe", "20"), ("grid.water", "0")],
)
def test_the_limits_themselves_are_credible(factor_id: str, value: str) -> None:
    assert check([row(factor_id, value=value, low="0", high="2000")]) == []


def test_a_country_that_repeats_the_world_in_all_four_is_a_stand_in_and_in_three_is_not() -> None:
    findings = check([*place("WORLD"), *place("TD"), *place("FR", 0.5)])
    assert [finding.where for finding in findings] == ["TD"]
    almost = place("TD")
    almost[0]["value"] = 100.0
    assert check([*place("WORLD"), *almost]) == []


def test_other_factors_are_not_judged() -> None:
    assert check([{"id": "device.laptop.idle_power", "value": "-1"}]) == []
