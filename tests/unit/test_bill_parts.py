# SPDX-License-Identifier: Apache-2.0
"""Machines whose memory, cards and disks are other lines of the bill: each method counts every part once."""

from __future__ import annotations

import json
from typing import Any, Final

import pytest

from lichen.collect.bills.mapping import Rules
from lichen.collect.bills.meter import Meter
from lichen.config import Settings
from lichen.model.results import Evaluation
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.workspace import Workspace

REGION: Final = "gcp:europe-west9"
GIB: Final = 2.0**30
CORE: Final = ("N2 Instance Core running in Paris", "hour", 4.0)
MEMORY: Final = ("N2 Instance Ram running in Paris", "gibibyte hour", 16.0)
CARD: Final = ("Nvidia Tesla A100 GPU attached to preemptible instances running in Paris", "hour", 1.0)


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return Workspace(Settings())


@pytest.fixture(scope="module")
def rules() -> Rules:
    return Rules.load()


def evaluated(
    workspace: Workspace, rules: Rules, method: str, machine: str, *lines: tuple[str, str, float], region: str = REGION
) -> Evaluation:
    """Lines of one machine on one day: description, unit and amount of each."""
    details = json.dumps({"compute.googleapis.com/machine_spec": machine})
    given: list[dict[str, Any]] = []
    for text, unit, amount in lines:
        meter = Meter(provider="gcp", service="Compute Engine", meter=text, unit=unit, details=details)
        given += (
            {
                "entity": "shop/compute/vm-1", "tier": "server", "region": region, "started_at": "2026-10-01T00:00:00Z",
                "quantity": one.quantity, "value": amount * one.per_unit, "platform": one.platform, **one.attributes,
            }
            for one in rules.understand(meter).amounts
        )  # fmt: skip
    activities, context = parse_document(workspace, {"activities": given})
    return evaluate_activities(workspace, workspace.method(method), activities, context, on=None)


def by_rule(evaluation: Evaluation, indicator: str = "energy", phase: str = "use") -> dict[str, float]:
    chosen = [i for i in evaluation.impacts if (i.indicator, i.phase, i.accounting) == (indicator, phase, "location")]
    return {impact.rule: impact.value for impact in chosen if impact.value}


def test_lichen_counts_memory_with_the_machine(workspace: Workspace, rules: Rules) -> None:
    """n2-standard-4 for an hour: 16 GiB of 0.13 W a GB, whether its memory is a line or not."""
    found = evaluated(workspace, rules, "lichen-1", "n2-standard-4", CORE, MEMORY)
    overhead, pue = (workspace.lookup(name, REGION).value for name in ("cloud.overhead", "facility.pue"))
    assert by_rule(found) == {
        "rented.vcpu": pytest.approx(by_rule(found)["rented.vcpu"]),
        "rented.memory": pytest.approx(16 * GIB / 1e9 * 0.13 * overhead * pue / 1000),
    }
    alone = evaluated(workspace, rules, "lichen-1", "n2-standard-4", CORE)
    for indicator, phase in (("energy", "use"), ("water", "use"), ("gwp100", "embodied"), ("adpe", "embodied")):
        assert by_rule(found, indicator, phase) == by_rule(alone, indicator, phase)
    (left,) = found.not_covered
    assert "memory of a machine whose time is counted" in str(left)


def test_lichen_counts_the_memory_of_a_machine_that_nobody_names(workspace: Workspace, rules: Rules) -> None:
    """A family alone has no memory of its own: 16 GiB are 17.18 GB."""
    found = by_rule(evaluated(workspace, rules, "lichen-1", "", CORE, MEMORY))
    overhead, pue = (workspace.lookup(name, REGION).value for name in ("cloud.overhead", "facility.pue"))
    assert found["rented.memory_apart"] == pytest.approx(16 * GIB / 1e9 * 0.13 * overhead * pue / 1000)
    assert set(found) == {"rented.vcpu", "rented.memory_apart"}


def test_memory_draws_the_same_whether_its_machine_is_named_or_not(workspace: Workspace, rules: Rules) -> None:
    """n2-standard-8: by its type, or as 8 virtual CPUs and 32 GiB of the family; energy and water on site."""
    core, memory = ("N2 Instance Core running in Paris", "hour", 8.0), (MEMORY[0], MEMORY[1], 32.0)
    for indicator, end in (("energy", ""), ("water", ".site_water")):
        named = by_rule(evaluated(workspace, rules, "lichen-1", "n2-standard-8", core, memory), indicator)
        apart = by_rule(evaluated(workspace, rules, "lichen-1", "", core, memory), indicator)
        assert named[f"rented.memory{end}"] == pytest.approx(apart[f"rented.memory_apart{end}"], rel=1e-9)
        assert named[f"rented.vcpu{end}"] == pytest.approx(apart[f"rented.vcpu{end}"], rel=1e-9)


def made(workspace: Workspace, rules: Rules, load: float | None, *meters: Meter) -> float:
    """Making [gCO2e] of an hour of each meter, each kind of row an entity of its own, as pages add bills up."""
    given = []
    for one in (amount for meter in meters for amount in rules.understand(meter).amounts):
        told = {"platform": one.platform, "region": "gcp:europe-west9", **one.attributes}
        if load is not None and one.quantity == "vcpu_time":
            told["utilisation"] = load
        given.append({"entity": f"total/{sorted(told.items())}", "tier": "server", "quantity": one.quantity,
                      "value": one.per_unit, **told})  # fmt: skip
    activities, context = parse_document(workspace, {"activities": given})
    found = evaluate_activities(workspace, workspace.method("lichen-1"), activities, context, on=None)
    chosen = [i.value for i in found.impacts if (i.indicator, i.phase) == ("gwp100", "embodied")]
    return sum(value for value in chosen if value is not None)


@pytest.mark.parametrize(
    "meters",
    [
        (
            Meter(provider="gcp", service="Compute Engine", meter=CORE[0], unit="hour"),
            Meter(provider="gcp", service="Compute Engine", meter=MEMORY[0], unit="gibibyte hour"),
        ),
        (Meter(provider="azure", service="Functions", meter="Standard Execution Time", unit="1 GB Second"),),
        (Meter(provider="aws", service="AWSLambda", meter="Lambda-GB-Second", unit="Lambda-GB-Second"),),
        (Meter(provider="ovhcloud", service="hourlyUsage.instance", meter="l4-90", unit="Hour"),),
    ],
    ids=["gcp machine", "azure function", "aws function", "ovhcloud machine"],
)
def test_making_of_memory_is_counted_once_whatever_the_load(
    workspace: Workspace, rules: Rules, meters: tuple[Meter, ...]
) -> None:
    """An average server is made with its memory: virtual CPUs carry both, in rows of other attributes, too."""
    processors = [
        amount.per_unit
        for meter in meters
        for amount in rules.understand(meter).amounts
        if amount.quantity == "vcpu_time"
    ]
    cards = [
        amount.per_unit
        for meter in meters
        for amount in rules.understand(meter).amounts
        if amount.quantity == "gpu_time"
    ]
    each = {name: workspace.lookup(f"cloud.{name}", REGION).value for name in (
        "vcpu.embodied_gwp100", "card.embodied_gwp100", "lifetime", "overhead",
    )}  # fmt: skip
    by_hand = sum(processors) * each["vcpu.embodied_gwp100"]
    by_hand += sum(cards) / 3600 * each["card.embodied_gwp100"] / each["lifetime"]
    assert made(workspace, rules, None, *meters) == pytest.approx(by_hand * each["overhead"], rel=1e-9)
    assert made(workspace, rules, 0.3, *meters) == pytest.approx(by_hand * each["overhead"], rel=1e-9)


def test_memory_that_is_rented_alone_has_a_making_of_its_own(workspace: Workspace, rules: Rules) -> None:
    """A GB-hour of a cache."""
    cache = Meter(provider="gcp", service="Cloud Memorystore for Redis", meter="Redis Capacity Basic", unit="GB-Hours")
    each, around = (workspace.lookup(name, REGION).value for name in ("cloud.memory.embodied_gwp100", "cloud.overhead"))
    assert made(workspace, rules, None, cache) == pytest.approx(each * around, rel=1e-9)


def test_lichen_counts_cards_with_the_machine_that_has_them(workspace: Workspace, rules: Rules) -> None:
    core = ("A2 Instance Core running in Paris", "hour", 12.0)
    within = by_rule(evaluated(workspace, rules, "lichen-1", "a2-highgpu-1g", core, CARD))
    assert set(within) == {"rented.vcpu", "rented.memory", "rented.cards"}
    added = by_rule(evaluated(workspace, rules, "lichen-1", "n1-standard-4", ("N1 Core", "hour", 4.0), CARD))
    assert set(added) == {"rented.vcpu", "rented.memory", "rented.card_time"}


def test_cloud_carbon_footprint_counts_memory_by_its_line(workspace: Workspace, rules: Rules) -> None:
    """Cascade Lake of Google between 0.64 and 3.97 W per virtual CPU less memory, half used; 0.392 W/GB; PUE 1.1."""
    cores = evaluated(workspace, rules, "ccf-2024", "n2-standard-4", CORE)
    both = evaluated(workspace, rules, "ccf-2024", "n2-standard-4", CORE, MEMORY)
    assert by_rule(cores)["processors"] == by_rule(both)["processors"]
    assert set(by_rule(both)) - set(by_rule(cores)) == {"memory.rented.google"}
    assert by_rule(both)["memory.rented.google"] == pytest.approx(16 * 0.000392 * 1.1)


def test_boavizta_counts_memory_with_the_machine(workspace: Workspace, rules: Rules) -> None:
    alone, both = (
        evaluated(workspace, rules, "boavizta-2.5", "n2-standard-4", *lines) for lines in ((CORE,), (CORE, MEMORY))
    )
    for indicator, phase in (("energy", "use"), ("gwp100", "embodied")):
        figures = by_rule(both, indicator, phase)
        assert figures
        assert figures == by_rule(alone, indicator, phase)


@pytest.mark.parametrize("method", ["lichen-1", "ccf-2024", "boavizta-2.5"])
def test_a_standby_uses_what_a_machine_uses(workspace: Workspace, rules: Rules, method: str) -> None:
    """Two machines in every figure; Cloud Carbon Footprint makes one of them."""

    def figures(usage: str, phase: str) -> dict[tuple[str, str], float]:
        meter = Meter(provider="aws", service="AmazonRDS", meter=f"{usage}:db.r5.large", unit="Hrs")
        given = [
            {
                "entity": "shop/rds/db", "tier": "server", "region": "aws:eu-west-3", "quantity": one.quantity,
                "value": 24 * one.per_unit, "platform": one.platform, **one.attributes,
            }
            for one in rules.understand(meter).amounts
        ]  # fmt: skip
        activities, context = parse_document(workspace, {"activities": given})
        found = evaluate_activities(workspace, workspace.method(method), activities, context, on=None)
        sums: dict[tuple[str, str], float] = {}
        for one in found.impacts:
            if one.phase == phase and one.value is not None:
                key = (one.indicator, one.accounting)
                sums[key] = sums.get(key, 0.0) + one.value
        return sums

    for phase, machines in (("use", 2), ("embodied", 1 if method == "ccf-2024" else 2)):
        one = figures("InstanceUsage", phase)
        assert one
        assert figures("Multi-AZUsage", phase) == {key: pytest.approx(machines * value) for key, value in one.items()}
