# SPDX-License-Identifier: Apache-2.0
"""From meters at the edges to rows: who is given what, what stays apart, and that a meter stands in for the model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from lichen import nomenclature
from lichen.collect.balance import Balance
from lichen.collect.base import Sample, StepReading
from lichen.collect.counters import UNKNOWN, Reading
from lichen.collect.journeys import Journey
from lichen.collect.machine.meters.base import MachineCpu, MeterCounter
from lichen.collect.machine.series_counter import SeriesCounter
from lichen.collect.rows import PartPlace
from lichen.config import Meter, PrometheusServer, Settings
from lichen.errors import ConfigError
from lichen.records import Activity
from lichen.service.evaluation import evaluate_document
from lichen.service.metering import MACHINE, meter_counters, probe_meters
from lichen.service.record import Measured, RunFacts, rows_of, run_content
from lichen.service.workspace import Workspace
from lichen.stats.sampling import SamplingPlan

S = 10**9
KWH = 3.6e6
TERMS = nomenclature.load()
CPU = {"browser": 1.0, "web": 2.0, "db": 1.0}
"""CPU seconds of each part in the step; the machine was busy for 5 s of its 4 CPUs' 20 s."""


def meter(name: str = "m", **keys: Any) -> Meter:
    return Meter(**{"name": name, "kind": "rapl"} | keys)


def sample(joules: Mapping[str, float | None], cpu: Mapping[str, float | None] = CPU, **own_j: float) -> Sample:
    """One step of 5 s on a machine of 4 CPUs."""
    readings: dict[str, Reading] = {
        part: replace(UNKNOWN, cpu_ns=None if used is None else round(used * S), energy_j=own_j.get(part))
        for part, used in cpu.items()
    }
    readings |= {f"#meter {name}": replace(UNKNOWN, energy_j=value) for name, value in joules.items()}
    readings[MACHINE] = replace(UNKNOWN, cpu_ns=5 * S, alive=4)
    here = {part: round((used or 0) * S) for part, used in cpu.items() if part != "far"}
    return Sample(
        index=0,
        started_at="2026-03-01T10:00:00.000Z",
        window_s=5.0,
        settle_s=0.0,
        steps=(StepReading(name="open", observed_s=5.0, paced_s=5.0, readings=readings, network_bytes=0, requests=0),),
        requests=(),
        edge_spread_ns=0,
        agent_cpu_ns=0,
        driver_cpu_ns=0,
        machine=Balance(total_ns=20 * S, parts=here, unattributed_ns=0, idle_ns=15 * S, stolen_ns=0, within_noise=True),
    )


def measured(*samples: Sample) -> Measured:
    return Measured(
        journey=Journey(
            name="buy", source="buy.py", source_hash="0" * 64, base_url=None, run=lambda _page, _step: None
        ),
        plan=SamplingPlan(minimum=1, maximum=1, target=None, max_s=1.0),
        discarded=0,
        samples=samples,
        primary_s=(1.0,) * len(samples),
        elapsed_s=5.0,
    )


def facts(meters: tuple[Meter, ...], parts: Mapping[str, float | None] = CPU) -> RunFacts:
    places = {
        name: PartPlace(tier="device" if name == "browser" else "server", zone="FR", device="laptop") for name in parts
    }
    return RunFacts(
        project="shop",
        functional_unit="visit",
        method={"id": "lichen-1", "version": "1.0.0", "factors_hash": "0" * 64},
        places=places,
        host={"cpu_count": 4},
        browser={},
        settings={},
        context={},
        meters=meters,
    )


def energy(meters: tuple[Meter, ...], *samples: Sample, parts: Mapping[str, float | None] = CPU) -> dict[str, Activity]:
    """The rows of energy, by ``part boundary``."""
    rows = rows_of(facts(meters, parts), measured(*samples), TERMS)
    return {f"{row.entity.split('/')[1]} {row.attribute('boundary')}": row for row in rows if row.quantity == "energy"}


def test_the_machine_is_shared_out_among_servers_and_idle_is_apart() -> None:
    # 100 J: a quarter of the capacity was in use, 25 J; the web had 2 of the 5 busy seconds, the database 1.
    rows = energy((meter(),), sample({"m": 100.0}))
    assert sorted(rows) == ["db it", "web it"]
    assert rows["web it"].value == pytest.approx(10 / KWH)
    assert rows["db it"].value == pytest.approx(5 / KWH)
    assert {row.method for row in rows.values()} == {"allocated"}
    assert rows["web it"].attribute("tier") == "server"


def test_idle_energy_by_share() -> None:
    rows = energy((meter(idle="by share"),), sample({"m": 100.0}))
    assert rows["web it"].value == pytest.approx(40 / KWH)


def test_the_devices_meter_is_the_browsers() -> None:
    rows = energy((meter(boundary="device"),), sample({"m": 100.0}))
    assert list(rows) == ["browser device"]
    # A quarter of it was in use, of which a fifth by the browser; a device that rests is on for the visit.
    assert rows["browser device"].value == pytest.approx((5 + 75) / KWH)


def test_a_dwell_that_no_meter_saw_is_told() -> None:
    seen = sample({"m": 100.0})
    longer = replace(seen, steps=(replace(seen.steps[0], paced_s=20.0),))

    def notes(boundary: str, one: Sample) -> list[str]:
        content = run_content(facts((meter(boundary=boundary),)), "a", "b", [measured(one)], TERMS)
        return list(content["journeys"][0]["notes"])

    assert any("the 15 s of dwell beyond it" in note for note in notes("device", longer))
    assert not any("dwell" in note for note in notes("device", seen) + notes("it", longer))


def test_a_meter_of_ones_own_is_metered_and_one_for_two_is_shared_wholly() -> None:
    own = energy((meter(kind="file", path="x", covers=("db",)),), sample({"m": 100.0}))
    assert [(key, row.method) for key, row in own.items()] == [("db it", "metered")]
    assert own["db it"].value == pytest.approx(100 / KWH)
    both = energy((meter(kind="file", path="x", covers=("web", "db")),), sample({"m": 90.0}))
    assert [round((row.value or 0) * KWH, 6) for row in both.values()] == [60, 30]


def test_components_add_up_and_stand_back_where_the_whole_is_metered() -> None:
    processor, card = meter("cpu"), meter("gpu", kind="nvml", covers=("web",))
    rows = energy((processor, card), sample({"cpu": 100.0, "gpu": 7.0}))
    assert rows["web it"].value == pytest.approx(17 / KWH)
    assert rows["db it"].value == pytest.approx(5 / KWH)
    wall = meter("wall", kind="file", path="x")
    rows = energy((processor, card, wall), sample({"cpu": 100.0, "gpu": 7.0, "wall": 200.0}))
    assert rows["web it"].value == pytest.approx(20 / KWH)


def test_a_card_that_nobody_is_named_for_belongs_to_the_only_server() -> None:
    alone = {"browser": 1.0, "web": 2.0}
    card = meter("gpu", kind="nvml")
    assert energy((card,), sample({"gpu": 7.0}, alone), parts=alone)["web it"].value == pytest.approx(7 / KWH)
    assert energy((card,), sample({"gpu": 7.0}))["web it"].value is None


def test_a_part_elsewhere_has_nothing_of_this_machine() -> None:
    parts = {"browser": 1.0, "web": 2.0, "far": 9.0}
    rows = energy((meter(),), sample({"m": 100.0}, parts), parts=parts)
    assert list(rows) == ["web it"]
    assert rows["web it"].value == pytest.approx(10 / KWH)


def test_what_a_meter_did_not_tell_is_unknown_and_not_zero() -> None:
    rows = energy((meter(),), sample({"m": 100.0}), sample({"m": None}))
    assert rows["web it"].samples == (pytest.approx(10 / KWH), None)
    assert rows["web it"].value is None
    unknown = energy((meter(),), sample({"m": 100.0}, {**CPU, "db": None}))
    assert unknown["db it"].value is None
    assert unknown["web it"].value == pytest.approx(10 / KWH)


def test_energy_that_a_parts_own_counter_tells() -> None:
    rows = energy((), sample({}, web=36.0))
    assert [(key, row.method) for key, row in rows.items()] == [("web it", "allocated")]
    assert rows["web it"].value == pytest.approx(1e-5)


def test_the_run_file_tells_where_all_of_it_went() -> None:
    content = run_content(facts((meter(),)), "a", "b", [measured(sample({"m": 100.0}))], TERMS)
    [books] = content["journeys"][0]["energy"]
    parts = books["parts_kwh"]
    assert {name: round(value * KWH, 6) for name, value in parts.items()} == {"browser": 5, "web": 10, "db": 5}
    assert books["idle_kwh"] * KWH == pytest.approx(75)
    assert books["other_kwh"] * KWH == pytest.approx(5)
    assert sum(parts.values()) + books["idle_kwh"] + books["other_kwh"] == pytest.approx(books["total_kwh"])
    silent = run_content(facts((meter(),)), "a", "b", [measured(sample({"m": None}))], TERMS)
    assert silent["journeys"][0]["energy"] == []


def test_the_meter_stands_in_for_the_model_where_it_is_known() -> None:
    def modelled(joules: float | None) -> set[str]:
        rows = rows_of(facts((meter(),)), measured(sample({"m": joules})), TERMS)
        document = {"activities": [row.to_json() for row in rows], "context": {"parts": 3}}
        found = evaluate_document(Workspace(Settings()), document, ["lichen-1"])
        return {
            row["rule"]
            for row in found["impacts"]
            if row["indicator"] == "energy" and row["entity"] == "shop/web/buy/open"
        }

    assert modelled(100.0) == {"it.metered"}
    assert "server.cpu" in modelled(None)


# --- what is opened ---------------------------------------------------------------------------------------------------


def test_each_meter_has_a_counter_and_machines_their_cpu_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("METER_TOKEN", "canary7731")
    settings = Settings(
        prometheus=PrometheusServer(url="http://127.0.0.1:9"),
        meters=(
            meter("a"),
            meter("b", kind="http", url="http://127.0.0.1:9", token_env="METER_TOKEN", covers=("web",)),
            meter("c", kind="prometheus", query="node_energy_watthours", unit="Wh"),
        ),
    )
    found = meter_counters(settings)
    assert {name: type(counter) for name, counter in found.items()} == {
        "#meter a": MeterCounter, "#meter b": SeriesCounter, "#meter c": found["#meter c"].__class__, MACHINE: MachineCpu,
    }  # fmt: skip
    assert isinstance(found["#meter c"], SeriesCounter)
    refused = probe_meters(settings)[1:]
    assert [finding.ok for finding in refused] == [False, False]
    assert all("127.0.0.1:9 cannot be reached" in finding.what for finding in refused)
    monkeypatch.delenv("METER_TOKEN")
    with pytest.raises(ConfigError, match=r"METER_TOKEN, named by meter\.token_env, is not set"):
        meter_counters(settings)
    with pytest.raises(ConfigError, match="No Prometheus is named"):
        meter_counters(Settings(meters=(meter("c", kind="prometheus", query="x"),)))
