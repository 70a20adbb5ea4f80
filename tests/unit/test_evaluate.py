# SPDX-License-Identifier: Apache-2.0
"""lichen evaluate: hand-computed oracles, the public contract, bad input."""

from __future__ import annotations

import itertools
import json
import math
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lichen.config import Settings
from lichen.errors import ActivityError, ExitCode, MethodError
from lichen.service.evaluation import evaluate_document
from lichen.service.workspace import Workspace

WORKSPACE = Workspace(Settings())


def evaluate(*rows: dict[str, Any], method: str = "lichen-1", **context: Any) -> dict[str, Any]:
    return evaluate_document(WORKSPACE, {"activities": list(rows), "context": context}, [method])


def row(quantity: str, value: float | None, **attributes: Any) -> dict[str, Any]:
    return {
        "entity": "shop/browser",
        "quantity": quantity,
        "value": value,
        "tier": "device",
        "zone": "FR",
        **attributes,
    }


def value(result: dict[str, Any], indicator: str, rule: str | None = None, phase: str | None = None) -> float:
    rows = [
        i for i in result["impacts"]
        if i["indicator"] == indicator and rule in (None, i["rule"]) and phase in (None, i["phase"])
    ]  # fmt: skip
    return math.fsum(i["value"] for i in rows)


def factor(factor_id: str, zone: str | None = "FR") -> float:
    return WORKSPACE.lookup(factor_id, zone).value


class TestByHand:
    def test_device_processor(self) -> None:
        result = evaluate(row("cpu_time", 1000.0, device="laptop"))
        energy_kwh = 1000.0 * factor("device.laptop.cpu_energy") / 3.6e6
        assert value(result, "energy") == pytest.approx(energy_kwh, rel=1e-12)
        for indicator in ("gwp100", "adpe", "pe", "water"):
            expected = energy_kwh * factor(f"grid.{indicator}") / (1 - factor("grid.loss_share"))
            assert value(result, indicator) == pytest.approx(expected, rel=1e-12), indicator

    def test_server_energy_passes_through_the_facility_once(self) -> None:
        result = evaluate(row("cpu_time", 1000.0, tier="server"))
        it_kwh = 1000.0 * factor("server.cpu_energy") / 3.6e6
        assert value(result, "energy") == pytest.approx(it_kwh * factor("facility.pue"), rel=1e-12)
        grid = it_kwh * factor("facility.pue") * factor("grid.water") / (1 - factor("grid.loss_share"))
        assert value(result, "water", phase="use") == pytest.approx(grid + it_kwh * factor("facility.wue"), rel=1e-12)

    def test_embodied_share_of_a_laptop(self) -> None:
        result = evaluate(row("screen_time", 3600.0, device="laptop"))
        expected = factor("device.laptop.embodied_gwp100") / factor("device.laptop.lifetime_use")
        assert value(result, "gwp100", phase="embodied") == pytest.approx(expected, rel=1e-12)

    def test_network_has_a_part_by_time_and_a_part_by_volume(self) -> None:
        result = evaluate(row("screen_time", 3600.0), row("network_bytes", 1, unit="GB"))
        assert value(result, "energy", "network.time") == pytest.approx(factor("network.fixed.power") / 1000, rel=1e-12)
        assert value(result, "energy", "network.volume") == pytest.approx(factor("network.fixed.energy"), rel=1e-12)

    def test_a_meter_supersedes_the_model(self) -> None:
        result = evaluate(
            row("cpu_time", 1000.0, tier="server"), row("energy", 2.0, unit="Wh", tier="server", boundary="it")
        )
        assert value(result, "energy") == pytest.approx(0.002 * factor("facility.pue"), rel=1e-12)
        assert not [i for i in result["impacts"] if i["rule"].startswith("server.cpu")]
        assert value(result, "gwp100", "server.embodied.gwp100") > 0

    def test_facility_energy_is_not_multiplied_again(self) -> None:
        result = evaluate(row("energy", 1.0, tier="server", boundary="facility"))
        assert value(result, "energy") == 1.0


@pytest.mark.parametrize("cpu_share", [0.3, 0.6, 1.0])
def test_an_ordinary_browsing_laptop_draws_9_to_13_watts(cpu_share: float) -> None:
    """Whole laptops measured while browsing: arXiv 2510.12566. Browser memory 1.5 GB, CPU 0.3 to 1 s per s."""
    hour = 3600.0
    result = evaluate(
        row("screen_time", hour, device="laptop"),
        row("cpu_time", cpu_share * hour, device="laptop"),
        row("memory_byte_seconds", 1.5e9 * hour, device="laptop"),
        row("disk_bytes", 50e6, device="laptop"),
    )
    device_kwh = math.fsum(
        i["value"] for i in result["impacts"] if i["indicator"] == "energy" and i["rule"].startswith("device.")
    )
    assert 9.0 <= device_kwh * 1000 <= 13.0


class TestContract:
    document: ClassVar = {
        "activities": [
            {
                "entity": "portal/browser",
                "quantity": "cpu_time",
                "value": 1.25,
                "unit": "s",
                "tier": "device",
                "zone": "FR",
            }
        ],
        "context": {"parts": 1},
    }

    def test_shape(self) -> None:
        result = evaluate_document(WORKSPACE, self.document, ["lichen-1"])
        assert set(result) == {"method", "impacts", "totals", "not_covered"}
        assert set(result["method"]) == {"id", "version", "factors_hash"}
        assert {
            "impact_id", "entity", "quantities", "indicator", "phase", "accounting", "value", "low", "high", "unit", "formula",
            "factors",
        } <= set(result["impacts"][0])  # fmt: skip
        assert {"entity", "indicator", "phase", "accounting", "value", "low", "high", "unit"} <= set(
            result["totals"][0]
        )

    def test_several_methods(self) -> None:
        result = evaluate_document(WORKSPACE, self.document, ["lichen-1", "greenframe-2"])
        assert [r["method"]["id"] for r in result["results"]] == ["lichen-1", "greenframe-2"]

    def test_every_range_encloses_its_value(self) -> None:
        result = evaluate(
            row("cpu_time", 2), row("screen_time", 30), row("network_bytes", 2e6), row("memory_byte_seconds", 1e9),
            row("disk_bytes", 1e6), row("cpu_time", 3, entity="shop/api", tier="server"),
        )  # fmt: skip
        assert result["impacts"]
        for figure in [*result["impacts"], *result["totals"]]:
            assert figure["low"] <= figure["value"] <= figure["high"], figure
            assert math.fsum(figure["shares"].values()) == pytest.approx(1.0)

    def test_totals_are_the_sum_of_impacts(self) -> None:
        result = evaluate(row("cpu_time", 2), row("screen_time", 30), row("network_bytes", 2e6))
        for total in result["totals"]:
            parts = [
                i["value"] for i in result["impacts"]
                if (i["entity"], i["indicator"], i["phase"]) == (total["entity"], total["indicator"], total["phase"])
            ]  # fmt: skip
            assert math.fsum(parts) == total["value"]

    def test_what_the_method_does_not_know_is_said(self) -> None:
        result = evaluate(row("tokens_out", 10), row("cpu_time", None), row("requests", 3))
        assert result["impacts"] == []
        reasons = {r["quantity"]: r["reason"] for r in result["not_covered"]}
        assert reasons["tokens_out"] == "lichen-1 has no rule for tokens_out"
        assert "unknown" in reasons["cpu_time"]
        assert "bytes carry their cost" in reasons["requests"]

    @pytest.mark.parametrize("name", ["device", "network"])
    def test_a_family_without_factors_is_refused(self, name: str) -> None:
        for rows, context in (([row("screen_time", 10, **{name: "hologram"})], {}), ([], {name: "hologram"})):
            with pytest.raises(ActivityError) as caught:
                evaluate(*rows, **context)
            assert f"{name} is 'hologram', for which lichen-1 has no factors" in caught.value.problem
            known = {"device": "desktop, laptop, mix, smartphone, tablet", "network": "fixed, mobile"}
            assert caught.value.repair == f"Use {known[name]}."

    def test_a_place_without_a_row_is_a_proxy_and_an_unknown_place_too(self) -> None:
        for zone in ("XK-NOWHERE", None):
            impacts = evaluate(row("cpu_time", 10, zone=zone))["impacts"]
            grid = [i for i in impacts if i["indicator"] == "gwp100"]
            assert all(i["shares"] == {"proxy": 1.0} for i in grid)
            assert all(any(f["fallback"] for f in i["factors"]) for i in grid)

    def test_ids_depend_on_what_was_said(self) -> None:
        one, same, other = (
            evaluate(row("cpu_time", 1.0, zone=z))["impacts"][0]["impact_id"] for z in ("FR", "FR", "DE")
        )
        assert one == same != other

    def test_ranges_are_reproducible(self) -> None:
        assert json.dumps(evaluate(row("cpu_time", 1.0))) == json.dumps(evaluate(row("cpu_time", 1.0)))


class TestProperties:
    @given(st.floats(1e-6, 1e9), st.floats(1e-3, 1e3))
    @settings(max_examples=30, deadline=None)
    def test_linear_in_the_activity(self, amount: float, scale: float) -> None:
        one, more = evaluate(row("cpu_time", amount)), evaluate(row("cpu_time", amount * scale))
        for a, b in zip(one["totals"], more["totals"], strict=True):
            for key in ("value", "low", "high"):
                assert b[key] == pytest.approx(a[key] * scale, rel=1e-9)

    def test_zero_gives_zero(self) -> None:
        assert all(t["value"] == t["low"] == t["high"] == 0 for t in evaluate(row("cpu_time", 0))["totals"])

    @given(st.lists(st.floats(0, 1e6), min_size=2, max_size=6))
    @settings(max_examples=30, deadline=None)
    def test_invariant_to_regrouping(self, amounts: list[float]) -> None:
        apart = evaluate(*(row("cpu_time", amount) for amount in amounts))
        together = evaluate(row("cpu_time", math.fsum(amounts)))
        for a, b in zip(apart["totals"], together["totals"], strict=True):
            assert a["value"] == pytest.approx(b["value"], rel=1e-12)
            assert a["high"] == pytest.approx(b["high"], rel=1e-12)

    def test_the_order_of_rows_does_not_matter(self) -> None:
        rows = [row("cpu_time", 2), row("screen_time", 30), row("network_bytes", 2e6)]
        seen = set()
        for order in itertools.permutations(rows):
            totals = evaluate(*order)["totals"]
            seen.add(json.dumps(sorted(totals, key=lambda t: (t["indicator"], t["phase"])), sort_keys=True))
        assert len(seen) == 1

    def test_shared_factors_move_together(self) -> None:
        """Two equal servers share their factors: the range of their sum is twice the range of one, not sqrt(2) times."""
        one = evaluate(row("cpu_time", 1, tier="server", entity="a"))
        two = evaluate_document(
            WORKSPACE, {"activities": [row("cpu_time", 2, tier="server", entity="a")]}, ["lichen-1"]
        )
        width = [next(t["high"] - t["low"] for t in r["totals"] if t["indicator"] == "gwp100") for r in (one, two)]
        assert width[1] == pytest.approx(2 * width[0], rel=1e-9)


class TestBadInput:
    @pytest.mark.parametrize(
        ("rows", "words"),
        [
            ([{"entity": "a", "quantity": "cpu_tim", "value": 1}], "Did you mean 'cpu_time'"),
            ([row("cpu_time", 1, unit="kWh")], "Units for cpu_time: s, ms"),
            ([row("cpu_time", math.nan)], "finite"),
            ([row("cpu_time", math.inf)], "finite"),
            ([row("cpu_time", -1)], "not negative"),
            ([row("cpu_time", "1")], "not a number"),
            ([row("cpu_time", True)], "not a number"),
            ([row("cpu_time", 10**400)], "too large"),
            ([{"quantity": "cpu_time", "value": 1}], "has no 'entity'"),
            ([{"entity": "a", "value": 1}], "has no 'quantity'"),
            ([{"entity": "a", "quantity": "cpu_time"}], "has no 'value'"),
            ([{"entity": " ", "quantity": "cpu_time", "value": 1}], "entity is ' '"),
            ([row("cpu_time", 1, colour="red")], "unknown attribute 'colour'"),
            ([row("cpu_time", 1, tier="cloud")], "Use device, network, server"),
            ([row("energy", 1)], "needs a boundary"),
            ([row("cpu_time", 1, zone=33)], "zone is 33"),
            ([row("memory_peak", 1), row("memory_peak", 2)], "cannot be added"),
            (["cpu_time"], "is not an object"),
            ("nothing", "no list 'activities'"),
        ],
    )
    def test_one_sentence_with_culprit_and_repair(self, rows: Any, words: str) -> None:
        with pytest.raises(ActivityError) as caught:
            evaluate_document(WORKSPACE, {"activities": rows}, ["lichen-1"])
        assert words in caught.value.sentence()
        assert "\n" not in caught.value.sentence()
        assert caught.value.repair
        assert caught.value.exit_code == ExitCode.USAGE == 2

    def test_unknown_method(self) -> None:
        with pytest.raises(MethodError) as caught:
            evaluate_document(WORKSPACE, {"activities": []}, ["lichen-9"])
        assert "lichen-1" in caught.value.repair


def test_certain_figures_have_bounds_that_are_the_figure() -> None:
    """Sums of draws are rounded in another order than the sum itself: no low bound lies above its value for that."""
    row = {"entity": "vm", "quantity": "instance_time", "value": 730, "unit": "h", "platform": "aws:m5.xlarge"}
    result = evaluate_document(WORKSPACE, {"activities": [{**row, "zone": "FR"}]}, ["boavizta-2.5"])
    for figure in (*result["impacts"], *result["totals"]):
        assert figure["low"] == figure["value"] == figure["high"]
