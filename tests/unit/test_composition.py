# SPDX-License-Identifier: Apache-2.0
"""What the climate figure consists of: shares by hand, sums, and the sentences made of them."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
from tests.fixtures import run as fixture
from tests.fixtures.result import sample_result

import lichen
from lichen.config import load_settings
from lichen.ledger import runfile
from lichen.render.composition import cause_words, constant_words, cpu_words, factor_words, follows_words
from lichen.render.i18n import catalogue
from lichen.render.numbers import Numbers
from lichen.service.composition import compose
from lichen.service.result import JourneyResult
from lichen.service.summary import run_name, summarise
from lichen.service.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(load_settings(None, overrides={"output.runs": str(tmp_path)}, env={}))


@pytest.fixture
def journey(workspace: Workspace, tmp_path: Path) -> JourneyResult:
    return summarise(workspace, runfile.read(fixture.write(tmp_path).path)).journeys[0]


def said(function: object, journey: JourneyResult, lang: str = "en") -> str:
    return function(journey, catalogue(lang), Numbers(lang))  # type: ignore[operator, no-any-return]


def test_the_causes_sum_to_the_figure(journey: JourneyResult) -> None:
    composition = journey.composition
    assert composition is not None
    assert math.fsum(row.value for row in composition.causes) == pytest.approx(
        journey.figures.indicators["gwp100"].value, rel=1e-12
    )
    assert math.fsum(composition.by_cause().values()) == pytest.approx(1.0, rel=1e-12)
    assert math.fsum(composition.by_quantity().values()) == pytest.approx(1.0, rel=1e-12)
    assert set(composition.by_cause()) == {
        "device_making", "device_power", "cpu", "network", "memory", "disk", "server",
    }  # fmt: skip


def test_making_the_device_is_its_embodied_impact_by_hand(workspace: Workspace, journey: JourneyResult) -> None:
    """6 s + 8 s of dwell and 10 ms between steps, of a laptop's embodied impact over its lifetime."""
    embodied = workspace.lookup("device.laptop.embodied_gwp100", None).value
    lifetime_h = workspace.lookup("device.laptop.lifetime_use", None).value
    assert journey.composition is not None
    making = next(row for row in journey.composition.causes if row.cause == "device_making")
    assert making.value == pytest.approx(embodied * 14.01 / 3600 / lifetime_h, rel=1e-9)
    assert making.quantity == "screen_time"


def test_what_a_dwell_declares_is_told_from_what_was_measured(journey: JourneyResult) -> None:
    composition = journey.composition
    assert composition is not None
    screen = composition.by_quantity()["screen_time"]
    assert composition.declared == pytest.approx(screen * 14 / 14.01, rel=1e-9)
    assert composition.constant is not None
    noisy = composition.by_quantity()["cpu_time"]
    # The millisecond of CPU time between steps is the same in every sample.
    assert composition.constant == pytest.approx(1 - noisy, rel=1e-5)


def test_nothing_has_no_composition() -> None:
    assert compose([]) is None


def test_a_bare_server_has_the_causes_of_its_own() -> None:
    """Without a device, CPU and memory of the server are told apart."""
    workspace = Workspace(load_settings(None, env={}))
    from lichen.records import Activity
    from lichen.service.evaluation import evaluate_activities

    rows = [
        Activity(entity="app/job", quantity="cpu_time", value=3.0, unit="s", attributes={"tier": "server", "zone": "FR"}),
        Activity(
            entity="app/job", quantity="memory_byte_seconds", value=1e9, unit="B.s",
            attributes={"tier": "server", "zone": "FR"},
        ),
    ]  # fmt: skip
    computed = evaluate_activities(workspace, workspace.method("lichen-1"), rows, {"parts": 1}, on=None).computed
    found = compose([("server", c) for c in computed if c.impact.indicator == "gwp100"])
    assert found is not None
    assert set(found.by_cause()) == {"cpu", "memory", "server_making"}
    assert found.declared == 0.0
    assert found.constant is None


def test_sentences_of_a_journey_that_declares_its_dwell() -> None:
    journey = sample_result().journeys[0]
    assert journey.composition is not None
    words, numbers = catalogue("en"), Numbers("en")
    assert cause_words(journey.composition, words, numbers) == (
        "making the device 81%, device and screen switched on 11%, CPU 4%, network 3%; servers, memory 1%"
    )
    assert said(follows_words, journey) == (
        "92% follows screen time, which the journey declares (dwell); 5% CPU time; 3% bytes; <1% memory."
    )
    assert said(constant_words, journey) == "95% of it is the same each time"
    assert said(cpu_words, journey) == "CPU time decides 5% of the climate figure."
    assert said(follows_words, journey, "fr").startswith("92\u202f% suit le temps d’écran, que le parcours déclare")


def test_an_address_and_an_automation_have_sentences_of_their_own() -> None:
    journey = sample_result().journeys[0]
    assert journey.composition is not None
    address = replace(journey, source="https://shop.example/")
    assert "set for an address (measure.page_dwell_s)" in said(follows_words, address)
    hurried = replace(journey, composition=replace(journey.composition, declared=0.0))
    assert "that of the automation: no dwell is declared" in said(follows_words, hurried)
    once = replace(journey, composition=replace(journey.composition, constant=None))
    assert said(constant_words, once) == ""


def test_a_run_is_named_by_its_id_where_the_settings_find_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = fixture.write(Path("lichen-runs"))
    assert run_name(Workspace(load_settings(None, env={})), run) == run.run_id[:12]
    elsewhere = Workspace(load_settings(None, overrides={"output.runs": "lichen-runs"}, env={}))
    assert run_name(elsewhere, run) == str(run.path)


def test_the_range_comes_from_named_factors() -> None:
    """A minute on a laptop: the hours over which its making is spread, and its making (range x 2.5 to 3.5, in logarithms)."""
    row = {"entity": "shop/browser/a/b", "quantity": "screen_time", "value": 60.0, "zone": "FR", "device": "laptop"}
    evaluation = lichen.evaluate([row]).evaluation
    composition = compose([("device", c) for c in evaluation.computed if c.impact.indicator == "gwp100"])
    assert composition is not None
    shares = {
        factor_words(factor.factor_id, factor.geography, catalogue("en")): share for factor, share in composition.doubts
    }
    life, making = "hours of use over its life (laptop)", "making the device (laptop)"
    spread = {life: math.log(14000 / 4000) ** 2, making: math.log(386 / 135) ** 2}
    assert list(shares)[:2] == [life, making]
    for name, square in spread.items():
        assert shares[name] == pytest.approx(square / sum(spread.values()), abs=0.05)
    assert [row["share"] for row in composition.to_json()["range_from"]] == [share for _, share in composition.doubts]


def test_a_factor_without_words_is_named_by_its_id() -> None:
    factor = lichen.evaluate([{"entity": "a", "quantity": "network_bytes", "value": 1e6}], "swdm-4").evaluation
    used = factor.impacts[0].factors[0]
    assert factor_words(used.factor_id, used.geography, catalogue("fr")) == used.factor_id


def test_a_method_of_bytes_tells_device_network_and_servers_apart(workspace: Workspace, tmp_path: Path) -> None:
    """swdm-4 charges everything by bytes: what it charges to the device is none of the network's."""
    run = runfile.read(fixture.write(tmp_path).path)
    composition = summarise(workspace, run, "swdm-4").journeys[0].composition
    assert composition is not None
    grid = workspace.lookup("grid.gwp100", "FR").value
    total = 0.194 * grid + 0.106 * 494
    assert composition.by_cause() == pytest.approx(
        {
            "device_making": 0.081 * 494 / total,
            "device_power": 0.080 * grid / total,
            "network": (0.059 * grid + 0.013 * 494) / total,
            "server": (0.055 * grid + 0.012 * 494) / total,
        }
    )
    assert composition.by_quantity() == pytest.approx({"network_bytes": 1.0})
