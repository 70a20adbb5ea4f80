# SPDX-License-Identifier: Apache-2.0
"""Resources rented from clouds under lichen-1: figures computed by hand from factors, and what bills leave unsaid."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from lichen.catalogue import build_cloud, machines
from lichen.catalogue.machines import keys as catalogue_keys
from lichen.config import Settings
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.workspace import Workspace

HOUR_S: Final = 3600
GB_HOUR: Final = 3.6e12
REGION: Final = "aws:eu-west-3"


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return Workspace(Settings())


def evaluated(workspace: Workspace, *rows: dict[str, Any]) -> Any:
    given = [{"entity": "shop/ec2/i-1", "tier": "server", "region": REGION, **row} for row in rows]
    activities, context = parse_document(workspace, {"activities": given})
    return evaluate_activities(workspace, workspace.method("lichen-1"), activities, context, on=None)


def figures(
    workspace: Workspace, *rows: dict[str, Any], indicator: str = "energy", phase: str = "use"
) -> dict[str, float]:
    """Figures by rule; everything is covered."""
    evaluation = evaluated(workspace, *rows)
    assert evaluation.not_covered == ()
    chosen = [i for i in evaluation.impacts if (i.indicator, i.phase, i.accounting) == (indicator, phase, "location")]
    return {impact.rule: impact.value for impact in chosen}


def value(workspace: Workspace, name: str) -> float:
    return workspace.lookup(name, REGION).value


def test_a_vcpu_between_idle_and_full_power(workspace: Workspace) -> None:
    """m5.xlarge, four vCPUs of Skylake for an hour; the curve's knots at 0, 50 and 100 % are 0, 0.43664 and 1."""
    idle, full = (value(workspace, f"cloud.vcpu.{load}_power.skylake") for load in ("idle", "full"))
    around = value(workspace, "cloud.overhead") * value(workspace, "facility.pue")
    assert (0.2 < idle < 0.6, 3 < full < 5) == (True, True)
    for load, curve in ((0.0, 0.0), (0.5, 0.43664), (1.0, 1.0)):
        row = {"quantity": "vcpu_time", "value": 4 * HOUR_S, "platform": "aws:m5.xlarge", "utilisation": load}
        assert figures(workspace, row) == {
            "rented.vcpu": pytest.approx(4 * (idle + (full - idle) * curve) * around / 1000, rel=1e-9)
        }


def test_an_unmeasured_load_is_the_usual_one_and_a_burstable_one_its_baseline(workspace: Workspace) -> None:
    """Knots: 0.1781 at 10 %, 0.36741 at 40 %."""

    def share(platform: str) -> float:
        (kwh,) = figures(workspace, {"quantity": "vcpu_time", "value": HOUR_S, "platform": platform}).values()
        kind = str((machines.find(platform) or {})["vcpu_kind"])
        idle, full = (value(workspace, f"cloud.vcpu.{load}_power.{kind}") for load in ("idle", "full"))
        around = value(workspace, "cloud.overhead") * value(workspace, "facility.pue")
        return (kwh * 1000 / around - idle) / (full - idle)

    assert share("aws:m5.xlarge") == pytest.approx(0.36741, rel=1e-6)
    assert share("aws:t3.micro") == pytest.approx(0.1781, rel=1e-6)


def test_a_vcpu_that_is_a_core_is_two_threads(workspace: Workspace) -> None:
    """M7a rents out cores of the fourth EPYC, C3D threads of it."""
    core, thread = (
        sum(figures(workspace, {"quantity": "vcpu_time", "value": HOUR_S, "platform": key, "region": REGION}).values())
        for key in ("aws:m7a.xlarge", "gcp:c3d-standard-4")
    )
    assert core == pytest.approx(2 * thread, rel=1e-9)


@pytest.mark.parametrize("platform", ["aws", "aws:lambda", "aws:no-such.type", None])
def test_an_unknown_processor_is_an_average_one_with_a_wide_range(workspace: Workspace, platform: str | None) -> None:
    row = {"quantity": "vcpu_time", "value": HOUR_S} | ({"platform": platform} if platform else {})
    evaluation = evaluated(workspace, row)
    (energy,) = (i for i in evaluation.impacts if (i.indicator, i.phase) == ("energy", "use"))
    assert energy.high / energy.low > 2
    assert {i.rule for i in evaluation.impacts if i.phase == "embodied"} == {
        f"rented.vcpu.embodied.{indicator}" for indicator in ("gwp100", "adpe", "pe", "water")
    }


def test_an_instance_holds_memory_drives_and_a_share_of_its_host(workspace: Workspace) -> None:
    """i3.xlarge: 30.5 GiB of memory and 950 GB of local flash, whether they are used or not."""
    facts = machines.find("aws:i3.xlarge") or {}
    row = {"quantity": "instance_time", "value": HOUR_S, "platform": "aws:i3.xlarge"}
    around = value(workspace, "cloud.overhead") * value(workspace, "facility.pue") / 1000
    assert figures(workspace, row) == {
        "rented.memory": pytest.approx(30.5 * 2**30 / 1e9 * 0.13 * around),
        "rented.ssd": pytest.approx(float(facts["ssd_gb"]) * 0.0012 * around),
    }
    made = figures(workspace, row, indicator="gwp100", phase="embodied")
    share = HOUR_S / 3600 / value(workspace, "cloud.lifetime") * value(workspace, "cloud.overhead")
    assert made["rented.chassis.embodied.gwp100"] == pytest.approx(
        float(facts["host_share"]) * value(workspace, "cloud.chassis.embodied_gwp100") * share
    )
    assert made["rented.processors.embodied.gwp100"] == pytest.approx(
        float(facts["processors"]) * (float(facts["cpu_die_mm2"]) * 19.7 + 9140) * share
    )
    assert made["rented.ssd.embodied.gwp100"] == pytest.approx(float(facts["ssd_gb"]) * 0.00365 * 1.2)


def test_cards_of_an_instance_and_cards_billed_apart(workspace: Workspace) -> None:
    """p4d.24xlarge: eight A100 of 400 W, half used: 0.115 + (0.9 - 0.115) / 2 of them."""
    around = value(workspace, "cloud.overhead") * value(workspace, "facility.pue") / 1000
    cards = figures(workspace, {"quantity": "instance_time", "value": HOUR_S, "platform": "aws:p4d.24xlarge"})
    assert cards["rented.cards"] == pytest.approx(8 * 400 * 0.5075 * around)
    apart = figures(workspace, {"quantity": "gpu_time", "value": HOUR_S, "platform": "gcp:nvidia-t4"})
    assert apart == {"rented.card_time": pytest.approx(70 * 0.5075 * around)}


def test_a_card_whose_power_nobody_publishes_is_not_covered(workspace: Workspace) -> None:
    evaluation = evaluated(workspace, {"quantity": "instance_time", "value": HOUR_S, "platform": "aws:inf1.xlarge"})
    assert {one.code for one in evaluation.not_covered} == {"no_fact"}
    assert "rented.memory" in {impact.rule for impact in evaluation.impacts}


@pytest.mark.parametrize(("storage_class", "power_w"), [("ssd", 0.0012), ("hdd", 0.00065)])
def test_storage_by_medium_and_copies(workspace: Workspace, storage_class: str, power_w: float) -> None:
    row = {
        "quantity": "storage_byte_seconds", "value": 1000 * GB_HOUR, "platform": "aws:s3", "storage_class": storage_class,
    }  # fmt: skip
    around = value(workspace, "cloud.storage_overhead") * value(workspace, "facility.pue")
    assert figures(workspace, row | {"replication": 3}) == {
        "rented.storage": pytest.approx(power_w * 3 * around, rel=1e-9)
    }
    assert figures(workspace, row) == {"rented.storage": pytest.approx(power_w * 2 * around, rel=1e-9)}
    made = figures(workspace, row | {"replication": 3}, indicator="gwp100", phase="embodied")
    each = value(workspace, f"storage.{storage_class}.embodied_gwp100")
    assert made == {"rented.storage.embodied.gwp100": pytest.approx(1000 * each * 3 * 1.6, rel=1e-9)}


def test_what_a_medium_a_path_or_a_class_is_asked_for_is_said(workspace: Workspace) -> None:
    """Nothing is made up: storage without a medium, bytes without a path and requests without a class are not covered."""
    for quantity in ("storage_byte_seconds", "network_bytes", "requests"):
        evaluation = evaluated(workspace, {"quantity": quantity, "value": 1e9, "platform": "aws:s3"})
        assert (evaluation.impacts, len(evaluation.not_covered)) == ((), 1)


def test_paths_of_data_inside_a_cloud(workspace: Workspace) -> None:
    pue = value(workspace, "facility.pue")
    found = {
        path: figures(workspace, {"quantity": "network_bytes", "value": 1e12, "path": path})["rented.network"] / pue
        for path in ("intra_region", "inter_region", "internet", "cdn")
    }
    assert found == pytest.approx({"intra_region": 0.6, "inter_region": 1.5, "internet": 1.0, "cdn": 1.0})


def test_requests_of_a_service_without_processor_time(workspace: Workspace) -> None:
    """A million light requests: 500 s of a processor at 4.3 J/s."""
    rows = (
        {"quantity": "requests", "value": 1e6, "platform": "aws:sqs", "request_class": c} for c in ("light", "heavy")
    )
    light, heavy = (figures(workspace, row)["rented.requests"] for row in rows)
    assert light == pytest.approx(500 * 4.3 / 3.6e6 * value(workspace, "facility.pue"))
    assert heavy == pytest.approx(10 * light)


def test_memory_without_a_processor_carries_its_own_making(workspace: Workspace) -> None:
    """Beside processor time the making of memory is in that of the average server."""
    memory = {"quantity": "memory_byte_seconds", "value": 1000 * GB_HOUR, "platform": "aws:elasticache"}
    alone = figures(workspace, memory, indicator="gwp100", phase="embodied")
    assert set(alone) == {"rented.memory_alone.embodied.gwp100"}
    processor = {"quantity": "vcpu_time", "value": HOUR_S, "platform": "aws:elasticache"}
    assert set(figures(workspace, memory, processor, indicator="gwp100", phase="embodied")) == {
        "rented.vcpu.embodied.gwp100"
    }


def test_water_on_site_goes_by_the_energy_of_the_equipment(workspace: Workspace) -> None:
    row = {"quantity": "vcpu_time", "value": HOUR_S, "platform": "aws:m5.xlarge"}
    energy = sum(figures(workspace, row).values())
    site = figures(workspace, row, indicator="water")["rented.vcpu.site_water"]
    assert site == pytest.approx(energy / value(workspace, "facility.pue") * value(workspace, "facility.wue"), rel=1e-9)


def test_a_meter_supersedes_what_is_modelled_but_not_what_was_made(workspace: Workspace) -> None:
    rented = {"quantity": "vcpu_time", "value": HOUR_S, "platform": "aws"}
    meter = {"quantity": "energy", "value": 0.5, "boundary": "it"}
    evaluation = evaluated(workspace, rented, meter)
    assert {i.rule for i in evaluation.impacts if i.indicator == "energy"} == {"it.metered"}
    assert "rented.vcpu.embodied.gwp100" in {i.rule for i in evaluation.impacts}


def test_a_measured_part_of_a_journey_is_what_it_was(workspace: Workspace) -> None:
    """Rows without platform, path and class, as journeys give them, meet no rule of rented resources."""
    quantities = ("cpu_time", "memory_byte_seconds", "disk_bytes", "network_bytes", "requests")
    evaluation = evaluated(workspace, *({"quantity": q, "value": 1e6} for q in quantities))
    assert not [impact.rule for impact in evaluation.impacts if impact.rule.startswith("rented.")]


def test_every_architecture_of_the_catalogue_has_its_powers(workspace: Workspace) -> None:
    known = [machines.find(key) or {} for key in catalogue_keys()]
    kinds, loads = ({str(facts[name]) for facts in known if name in facts} for name in ("vcpu_kind", "vcpu_load"))
    for kind in kinds | {"any"}:
        assert value(workspace, f"cloud.vcpu.idle_power.{kind}") < value(workspace, f"cloud.vcpu.full_power.{kind}") < 9
    assert all(0 < value(workspace, f"cloud.utilisation.{load}") <= 0.5 for load in loads)


def test_the_table_is_made_by_the_script_beside_it() -> None:
    assert build_cloud.table() == (Path(build_cloud.__file__).with_name("cloud.csv.gz")).read_bytes()


def test_facts_of_rented_machines() -> None:
    facts = {
        key: machines.find(key) or {}
        for key in ("aws:ml.m5.xlarge", "aws:t3.micro", "azure:b2ms", "gcp:t2d-standard-4")
    }
    assert facts["aws:ml.m5.xlarge"]["vcpu_kind"] == "skylake"
    assert facts["aws:t3.micro"]["vcpu_load"] == "baseline_10"
    assert facts["azure:b2ms"]["vcpu_load"] == "baseline_30"
    assert facts["gcp:t2d-standard-4"]["threads_per_vcpu"] == 2.0
