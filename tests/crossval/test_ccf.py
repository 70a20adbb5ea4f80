# SPDX-License-Identifier: Apache-2.0
"""ccf-2024 against figures of Cloud Carbon Footprint's own tests, and each of its defects against the repaired method."""

from __future__ import annotations

import calendar
import json
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest

from lichen.catalogue import machines
from lichen.collect.bills.mapping import Rules
from lichen.collect.bills.meter import Meter
from lichen.config import Settings
from lichen.model import registry
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.workspace import Workspace

CASES: Final = Path(__file__).parents[3] / "shared" / "cases" / "ccf.json"
SECONDS_PER_HOUR: Final = 3600
HOURS_PER_DAY: Final = 24
GRAMS_PER_TONNE: Final = 1e6

# Rows of the fixtures of packages/{aws,azure,gcp}/src/__tests__ (Apache-2.0): region, platform, kind of amount, amount, virtual
# CPUs, month, replication where the row states it, then kilowatt-hours and metric tonnes of CO2 equivalents that they expect.
PUBLISHED: Final = [
    ("us-east-2", "aws:t2.micro", "h", 2, 1, "2020-11", None, 0.026714859604492512, 1.0969335072481462e-05),
    ("us-west-2", "aws:db.t2.micro", "h", 2, 1, "2020-10", None, 0.03376132322432609, 1.0876784219211461e-05),
    ("us-west-1", "aws:ebs-snapshot", "GB-Mo", 5, 0, "2020-10", None, 0.00823329, 2.65249433943e-06),
    ("us-east-2", "aws:cloudwatch", "GB-Mo", 4, 0, "2020-10", None, 2.6839188649319113e-15, 1.1020385572919622e-18),
    ("us-east-1", "aws:rds-magnetic", "GB-Mo", 5, 0, "2020-10", None, 0.0027444300000000004, 1.04032833567e-06),
    ("us-west-1", "aws:dynamodb-backup", "GB-Mo", 1e10, 0, "2020-10", None, 1.3419594324659556e-05, 4.323350444792595e-09),
    ("us-west-1", "aws:elasticsearch-storage", "GB-Mo", 37, 0, "2020-10", None, 0.037493135999999996, 1.2079051145711998e-05),
    ("us-east-1", "aws:c5.18xlarge", "h", 3, 72, "2020-10", None, 0.6890324985198378, 0.0002611908601814164),
    ("us-east-1", "aws:t3.medium.elasticsearch", "h", 3, 2, "2020-10", None, 0.005774880000000001, 2.1890779867200004e-06),
    ("us-west-1", "aws:fargate", "h", 5, 1, "2020-10", None, 0.012031000000000002, 3.875991177e-06),
    ("us-east-2", "aws:fargate", "GB-h", 11, 0, "2020-10", None, 1.4981999999999998e-05, 6.151729056e-09),
    ("us-west-1", "aws:kafka.m5.large", "h", 7, 2, "2020-10", None, 0.06905092093815457, 2.2245928045882443e-05),
    ("ap-south-1", "aws:kafka.t3.small", "h", 7, 2, "2020-10", None, 0.07143329913230403, 5.058906244549772e-05),
    ("us-west-1", "aws:docdb.r5.large", "h", 30, 2, "2020-10", None, 0.7607035424102532, 0.00024507357814768403),
    ("us-west-2", "aws:c5.2xlarge", "h", 4, 8, "2020-10", None, 0.10657145330059178, 3.433380539549175e-05),
    ("us-west-1", "aws:c5.12xlarge", "h", 12, 48, "2020-10", None, 1.7724144799017756, 0.0005710134557465154),
    ("us-west-1", "aws:simpledb", "h", 2, 1, "2020-10", None, 0.0048124000000000005, 1.5503964708e-06),
    ("us-west-1", "aws:m5.xlarge", "h", 6, 4, "2020-10", None, 0.10945715186127536, 3.52634822436915e-05),
    ("us-east-1", "aws:cpu-credits", "h", 7, 1, "2020-10", None, 0.016843399999999998, 6.384810794599999e-06),
    ("us-east-1", "aws:redshift-managed-storage", "GB-Mo", 5, 0, "2020-10", None, 0.005066640000000001, 1.9206061581600003e-06),
    ("us-west-1", "aws:ra3.4xlarge", "h", 10 / 3600, 12, "2020-10", None, 0.00010455525793820347, 3.36842537841772e-08),
    ("us-west-1", "aws:t3.2xlarge", "h", 88, 8, "2020-10", None, 3.0426203211844607, 0.000980231861015034),
    ("us-west-1", "aws:aurora-serverless", "h", 8, 1, "2020-10", None, 0.1154976, 3.72095152992e-05),
    ("ca-central-1", "aws:m5zn.2xlarge", "h", 12, 8, "2020-10", None, 0.33106708843226795, 3.972805061187215e-05),
    ("us-east-1", "aws:data-transfer", "GB", 1574, 0, "2021-01", None, 1.7864900000000001, 0.0006772029778100001),
    ("us-east-1", "aws:s3-bytes-deleted", "GB-Mo", 0.0253623422, 0, "2021-01", None, 1.3921034560789e-05, 5.2770326499238e-09),
    ("us-east-1", "aws:s3-staging", "GB-Mo", 0.06434566, 0, "2021-01", None, 0.00021191059160856002, 8.032873605046523e-08),
    ("us-west-1", "aws:s3-one-zone-ia", "GB-Mo", 465759470, 0, "2021-01", None, 6.2503031402684e-07, 2.0136414117909e-10),
    ("us-west-1", "aws:s3-reduced-redundancy", "GB-Mo", 876543637, 0, "2021-01", None, 1.1762860016402e-06, 3.789605322904e-10),
    ("ap-south-1", "aws:ebs-gp2", "GB-Mo", 23.9310345, 0, "2021-01", None, 0.048499974655632, 3.434768205111858e-05),
    ("us-east-1", "aws:ebs-snapshot", "GB-Mo", 23.9310345, 0, "2021-01", None, 0.039406229407701006, 1.4937679975347812e-05),
    ("eu-west-1", "aws:efs", "GB-Mo", 0.0052443816, 0, "2021-01", None, 1.9489146523119416e-17, 5.4296762213410694e-21),
    ("ap-south-1", "aws:aurora-storage", "GB-Mo", 0.0044965104, 0, "2021-01", None, 2.73386393436672e-05, 1.93612243831851e-08),
    ("eu-west-1", "aws:aurora-backup", "GB-Mo", 0.0044965104, 0, "2021-01", None, 7.404214822243199e-06, 2.0628142494769554e-09),
    ("eu-central-1", "aws:rds-multi-az-gp2", "GB-Mo", 25, 0, "2021-01", None, 0.0506664, 1.5757250400000002e-05),
    ("us-east-1", "aws:db.r5.12xlarge", "h", 8783.99999999999, 48, "2021-01", 2, 4943.5097095398905, 1.8739312820855767),
    ("ap-south-1", "aws:docdb-storage", "GB-Mo", 0.00508608, 0, "2021-01", None, 1.0307734548479999e-05, 7.299937607233535e-09),
    ("eu-central-1", "aws:docdb-backup", "GB-Mo", 0.00508608, 0, "2021-01", None, 8.375034320639999e-06, 2.6046356737190398e-09),
    ("ap-southeast-1", "aws:docdb.r5.large", "h", 2.018888, 2, "2021-01", None, 0.05035265836613979, 2.0543884613385032e-05),
    ("us-east-1", "aws:dynamodb", "GB-Mo", 0.0000142996, 0, "2021-01", None, 3.5426738031674176e-20, 1.3429178158928698e-23),
    ("eu-west-1", "aws:h1.16xlarge", "h", 200, 64, "2021-01", None, 49.38658274488162, 0.013759101952724019),
    ("eu-west-1", "aws:fsx", "GB-Mo", 200, 0, "2021-01", None, 0.2026656, 5.646263616e-05),
    ("eu-west-1", "aws:kinesis", "GB-Mo", 200, 0, "2021-01", None, 2.4774635676294563e-13, 6.902213499415666e-17),
    ("us-east-1", "aws:p3dn.24xlarge", "h", 24, 96, "2022-01", None, 50.97439130876038, 0.01932281153902049),
    ("us-east-2", "aws:p4d.24xlarge", "h", 48, 96, "2022-01", None, 133.44240742861564, 0.054792520029449),
    ("us-east-1", "aws:lambda", "s", 5, 1, "2022-01", None, 3.341944444444445e-06, 1.2668275386111113e-09),
    ("us-east-1", "aws:lambda-arm", "s", 7, 1, "2022-01", None, 2.3834999999999997e-06, 9.035109614999999e-10),
    ("uksouth", "azure:d2_v2", "h", 17, 2, "2020-11", None, 0.2614738305048199, 5.883161186358448e-05),
    ("westeurope", "azure:d4as_v4", "h", 0.250004, 4, "2020-11", None, 0.002863085156621724, 9.402371654345742e-07),
    ("CentralUS", "azure:f1", "h", 7, 1, "2020-11", None, 0.0683736557005491, 2.914454423698185e-05),
    ("northeurope", "azure:d8_v3", "h", 5, 8, "2020-11", None, 0.18258564019771067, 5.086835935908219e-05),
    ("SouthCentralUS", "azure:container-instances", "h", 10, 1, "2020-11", None, 0.025359, 9.464764929e-06),
    (None, "azure:mysql", "h", 12, 2, "2020-11", None, 0.18258479999999996, 6.413838151448518e-05),
    ("westeurope", "azure:mysql", "GB-Mo", 2, 0, "2020-11", None, 0.000204768, 6.72458112e-08),
    ("ukwest", "azure:container-instances", "RAM GB-h", 14.44976379, 0, "2020-11", None, 0.0067122042757308, 1.51024596204e-06),
    ("apsoutheast", "azure:redis-cache", "RAM GB-h", 48, 0, "2020-11", None, 0.04459392, 1.819431936e-05),
    ("uksouth", "azure:bandwidth", "GB", 10, 0, "2020-11", None, 0.01185, 2.66625e-06),
    ("us-east1", "gcp:compute-engine", "s", 80000, 1, "2020-11", None, 0.058544444444444455, 2.5408288888888893e-05),
    ("us-east1", "gcp:disk-ssd", "B.s", 4.26e18, 0, "2020-11", None, 1.4206307241693137, 0.0006165537342894821),
    ("us-west1", "gcp:disk-hdd", "B.s", 7.8e17, 0, "2020-10", None, 0.14089588754965615, 8.45375325297937e-06),
    ("nam4", "gcp:cloud-storage", "B.s", 491520, 0, "2020-11", None, 1.7757217089335e-13, 1.4702975749969e-16),
    ("us", "gcp:cloud-storage", "B.s", 5.15376128e8, 0, "2020-11", None, 1.8619071019606e-10, 5.2226494209996e-13),
    ("us-west1", "gcp:n1-standard-1", "s", 80000, 1, "2020-10", None, 0.2548100421387902, 1.5288602528327412e-05),
    ("us-east1", "gcp:g1-small", "s", 17512304, 1, "2020-10", None, 18.070628440241652, 0.007842652743064876),
    ("us-east1", "gcp:e2-medium", "s", 9234985, 1, "2020-10", None, 13.243675227657059, 0.005747755048803163),
    ("us-west1", "gcp:nvidia-tesla-v100", "GPU s", 3600, 1, "2020-10", None, 0.18755, 1.1253e-05),
    ("europe-west1", "gcp:nvidia-tesla-a100", "GPU s", 3600, 1, "2020-10", None, 0.246885, 2.715735e-05),
]  # fmt: skip


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return Workspace(Settings())


def activity(platform: str, region: str | None, kind: str, amount: float, **more: Any) -> dict[str, Any]:
    """A line of a bill as an activity; ``vcpus`` and ``month`` say what hours and gigabyte-months are of."""
    vcpus, month = more.pop("vcpus", 1), more.pop("month", "2020-10")
    year, number = map(int, month.split("-"))
    hours = calendar.monthrange(year, number)[1] * HOURS_PER_DAY
    quantity, value, unit = {
        "h": ("vcpu_time", amount * vcpus, "h"),
        "s": ("vcpu_time", amount * vcpus, "s"),
        "GB-Mo": ("storage_byte_seconds", amount * hours, "GB.h"),
        "GB-h": ("storage_byte_seconds", amount, "GB.h"),
        "GB": ("network_bytes", amount, "GB"),
        "B.s": ("storage_byte_seconds", amount, "B.s"),
        "RAM GB-h": ("memory_byte_seconds", amount, "GB.h"),
        "GPU s": ("gpu_time", amount, "s"),
    }[kind]
    started_at = f"{date(year, number, 1).isoformat()}T00:00:00Z"
    row = {"entity": "bill", "quantity": quantity, "value": value, "unit": unit, "platform": platform}
    more |= {"region": region, "started_at": started_at}
    return {**row, **{name: said for name, said in more.items() if said is not None}}


def totals(workspace: Workspace, method: str, row: dict[str, Any]) -> tuple[float, float]:
    """Kilowatt-hours and grams over all phases."""
    rows, context = parse_document(workspace, {"activities": [row]})
    evaluation = evaluate_activities(workspace, workspace.method(method), rows, context, on=None)
    assert not evaluation.not_covered
    by_indicator = {"energy": 0.0, "gwp100": 0.0}
    for impact in evaluation.impacts:
        assert impact.value is not None
        by_indicator[impact.indicator] += impact.value
    return by_indicator["energy"], by_indicator["gwp100"]


def both(workspace: Workspace, *what: Any, **more: Any) -> tuple[tuple[float, float], tuple[float, float]]:
    """Totals as published and as repaired."""
    row = activity(*what, **more)
    return totals(workspace, "ccf-2024", row), totals(workspace, "ccf-fixed", row)


@pytest.mark.parametrize("row", PUBLISHED, ids=lambda row: f"{row[1]} {row[0]} {row[2]}")
def test_lines_of_bills_give_the_tools_figures(workspace: Workspace, row: tuple[Any, ...]) -> None:
    region, platform, kind, amount, vcpus, month, replication, kwh, tonnes = row
    line = activity(platform, region, kind, amount, vcpus=vcpus, month=month, replication=replication)
    energy, carbon = totals(workspace, "ccf-2024", line)
    assert energy == pytest.approx(kwh, rel=1e-6, abs=0)
    assert carbon / GRAMS_PER_TONNE == pytest.approx(tonnes, rel=1e-6, abs=0)


PLATFORMS: Final = {
    "EBS:VolumeUsage.gp2": ("aws:ebs-gp2", 1),
    "RDS:GP2-Storage": ("aws:rds-gp2", 1),
    "TimedStorage-ByteHrs": ("aws:s3", 1),
    "Lambda-GB-Second": ("aws:lambda", 1),
    "APS1-Crawler-DPU-Hour": ("aws:glue", 4),
    "USE2-Aurora:ServerlessUsage": ("aws:aurora-serverless", 0.25),
}
KINDS: Final = {"Hrs": "h", "Hours": "h", "DPU-Hour": "h", "ACU-Hr": "h", "seconds": "s", "GB-Mo": "GB-Mo"}


def cases() -> list[Any]:
    if not CASES.exists():
        return []
    return [pytest.param(case, id=case["name"]) for case in json.loads(CASES.read_text())["cases"] if case["input"]]


@pytest.mark.skipif(not CASES.exists(), reason="reference cases are not beside this checkout")
@pytest.mark.parametrize("case", cases())
def test_reference_cases(workspace: Workspace, case: dict[str, Any]) -> None:
    said = case["input"]
    platform, vcpus = PLATFORMS.get(said["usage_type"], (f"aws:{said['usage_type'].partition(':')[2]}", None))
    if vcpus is None:
        found = machines.find(platform)
        assert found is not None
        vcpus = found["ccf_vcpus"]
    row = activity(platform, said["region"], KINDS[said["unit"]], said["amount"], vcpus=vcpus, month=said["date"][:7])
    energy, carbon = totals(workspace, "ccf-2024", row)
    assert energy == pytest.approx(case["expected"]["kilowatt_hours"], rel=1e-6, abs=0)
    assert carbon / GRAMS_PER_TONNE == pytest.approx(case["expected"]["co2e_metric_tons"], rel=1e-6, abs=0)


def test_estimators_alone() -> None:
    """The program's estimators on bare numbers: 350 W for an hour at PUE 1.135; a terabyte-hour on disks, two copies."""
    f = {name: registry.get(f"ccf.{name}/1").function for name in ("processor_energy", "capacity_energy", "replicated")}
    pue = registry.get("facility.energy/1").function
    use = registry.get("electricity.use/1").function
    compute = pue(f["processor_energy"](SECONDS_PER_HOUR, 350.0, 350.0, 0.5), 1.135)
    assert compute == pytest.approx(0.39725, rel=1e-12)
    assert use(compute, 0.000928) == pytest.approx(0.000368648, rel=1e-9)
    disk = pue(f["replicated"](f["capacity_energy"](1e12 * SECONDS_PER_HOUR, 0.00065), 2.0), 1.135)
    assert disk == pytest.approx(0.0014755, rel=1e-12)


def test_defect_hours_are_divided_by_virtual_cpus(workspace: Workspace) -> None:
    """m5.xlarge for a month of 730 h: its documentation gives 1.398 kg of manufacture, its program a quarter."""
    line = activity("aws:m5.xlarge", "us-east-1", "h", 730, vcpus=4)
    parts = []
    for method in ("ccf-2024", "ccf-fixed"):
        rows, context = parse_document(workspace, {"activities": [line]})
        evaluation = evaluate_activities(workspace, workspace.method(method), rows, context, on=None)
        parts.append(sum(i.value for i in evaluation.impacts if i.phase == "embodied" and i.indicator == "gwp100"))
    published, repaired = parts
    assert repaired == pytest.approx(1610379.2 * 730 / 35040 * 4 / 96, rel=1e-9)
    assert published == pytest.approx(repaired / 4, rel=1e-9)


def test_defect_manufacture_counts_as_energy(workspace: Workspace) -> None:
    """In both methods carbon is energy times grid; only in the published one that holds for the manufacture as well."""
    (energy, carbon), (own_energy, own_carbon) = both(workspace, "aws:m5.xlarge", "us-east-1", "h", 730, vcpus=4)
    assert energy * 379.069 == pytest.approx(carbon, rel=1e-9)
    assert own_energy * 379.069 < own_carbon * 0.9
    assert own_energy < energy


def test_defect_gigabyte_months_are_read_as_byte_hours(workspace: Workspace) -> None:
    """2 GB for October in S3, six copies on disks: 2 GB x 744 h x 0.65 W/TB x 6 x 1.135, or 10^12 times less."""
    (energy, _), (own_energy, _) = both(workspace, "aws:s3", "us-west-1", "GB-Mo", 2)
    assert own_energy == pytest.approx(2e-3 * 744 * 0.65 * 6 * 1.135 / 1000, rel=1e-12)
    assert own_energy / energy == pytest.approx(744 * 2**40 / 1e3, rel=1e-9)


def test_the_month_of_a_bill_decides_what_its_byte_hours_are(workspace: Workspace) -> None:
    hours = [
        totals(workspace, "ccf-2024", activity("aws:s3", "us-west-1", "GB-h", 1, month=m))[0]
        for m in ("2021-02", "2021-01")
    ]
    assert hours[0] / hours[1] == pytest.approx(744 / 672, rel=1e-12)


def test_defect_burstable_instances_share_eight_virtual_cpus(workspace: Workspace) -> None:
    """t3.micro for 730 h: the same server as m5 (96 virtual CPUs), shared by 8; hours divided by 2 besides."""
    (energy, carbon), (own_energy, own_carbon) = both(workspace, "aws:t3.micro", "us-east-1", "h", 730, vcpus=2)
    published, repaired = carbon - own_energy * 379.069, own_carbon - own_energy * 379.069
    assert energy > own_energy
    assert published / repaired == pytest.approx(96 / 8 / 2, rel=1e-9)


def test_defect_regions_of_regions_have_sums(workspace: Workspace) -> None:
    (energy, carbon), (own_energy, own_carbon) = both(workspace, "gcp:disk-ssd", "eur4", "GB-h", 1000)
    assert carbon / energy == pytest.approx(410, rel=1e-9)
    assert own_carbon / own_energy == pytest.approx((283 + 127) / 2, rel=1e-9)


def test_defect_google_processors_are_chosen_by_two_letters(workspace: Workspace) -> None:
    """n2d has AMD EPYC of the second generation (0.47 to 1.69 W), and counts as Cascade Lake (0.64 to 3.97 W)."""
    for method, watts in (("ccf-2024", (0.64 + 3.97) / 2), ("ccf-fixed", (0.47 + 1.69) / 2)):
        rows, context = parse_document(
            workspace, {"activities": [activity("gcp:n2d-standard-4", "europe-west9", "h", 1, vcpus=4)]}
        )
        evaluation = evaluate_activities(workspace, workspace.method(method), rows, context, on=None)
        used = next(i.value for i in evaluation.impacts if i.rule == "processors" and i.indicator == "energy")
        assert used == pytest.approx(4 * watts * 1.1 / 1000, rel=1e-9)


def test_defect_memory_in_gigabytes_is_read_as_tonnes(workspace: Workspace) -> None:
    """u-6tb1.metal holds 6144 GB; its server costs 35.8 t."""
    (_, carbon), (own_energy, own_carbon) = both(workspace, "aws:u-6tb1.metal", "us-east-1", "h", 1, vcpus=448)
    used = own_energy * 379.069
    assert own_carbon - used == pytest.approx(35762264 / 35040, rel=1e-9)
    assert (carbon - used) * 448 == pytest.approx(6144e6 / 35040, rel=1e-6)


def test_defect_redshift_is_divided_by_3600_twice(workspace: Workspace) -> None:
    (energy, _), (own_energy, _) = both(workspace, "aws:ds2.8xlarge", "us-west-1", "h", 10, vcpus=36)
    processors = 36 * 10 * (0.74 + 3.5) / 2 * 1.135 / 1000
    assert own_energy == pytest.approx(processors + _memory_kwh("aws:ds2.8xlarge", 10), rel=1e-9)
    assert energy < own_energy / 2


def _memory_kwh(platform: str, hours: float) -> float:
    found = machines.find(platform)
    assert found is not None
    return float(found["ccf_extra_memory_gb"]) * hours * 0.392 * 1.135 / 1000


def test_defect_units_of_google_are_binary(workspace: Workspace) -> None:
    for platform, kind, ratio in (("gcp:disk-hdd", "GB-h", 2**40 / 1e12), ("gcp:network", "GB", 2**30 / 1e9)):
        (energy, _), (own_energy, _) = both(workspace, platform, "europe-west9", kind, 10)
        assert own_energy / energy == pytest.approx(ratio, rel=1e-12)


def test_defect_megabytes_are_read_as_gigabytes(workspace: Workspace) -> None:
    """t1.micro has 613 MB, less than what the measured servers hold: nothing is added for it."""
    (_, carbon), (own_energy, own_carbon) = both(workspace, "aws:t1.micro", "us-east-1", "h", 1, vcpus=1)
    assert own_energy == pytest.approx((0.74 + 3.5) / 2 * 1.135 / 1000, rel=1e-9)
    assert carbon - own_carbon == pytest.approx(_memory_kwh("aws:t1.micro", 1) * 379.069, rel=1e-9)


# Azure's and Google's lines from the words of the bill: worked out by hand from the constants of the program. Provider, service,
# meter, unit, amount, region, then watt-hours before PUE and PUE.
FROM_WORDS: Final = [
    # No type is known: between 0.68 and 4.11 W, half used; a tebibyte, 1.2 W on SSD and 0.65 W else.
    ("gcp", "Compute Engine", "N1 Predefined Instance Core running in Americas", "seconds", 7200, "us-east1", 2 * 2.395, 1.1),
    ("gcp", "Compute Engine", "N1 Predefined Instance Ram running", "byte-seconds", 3600 * 2**30, "us-east1", 0.392, 1.1),
    ("gcp", "Compute Engine", "SSD backed PD Capacity", "byte-seconds", 3600 * 2**40, "us-east1", 1.2, 1.1),
    ("gcp", "Compute Engine", "Balanced PD Capacity", "byte-seconds", 3600 * 2**40, "us-east1", 0.65, 1.1),
    ("gcp", "Compute Engine", "Storage PD Capacity", "byte-seconds", 3600 * 2**40, "us-central1", 0.65, 1.11),
    ("gcp", "Compute Engine", "Storage PD Snapshot", "byte-seconds", 3600 * 2**40, "us-east1", 2 * 0.65, 1.1),
    ("gcp", "Cloud SQL", "MySQL: Zonal - Standard storage", "byte-seconds", 3600 * 2**40, "us-east1", 0.65, 1.1),
    ("gcp", "Cloud SQL", "DB custom CORE running in Americas", "seconds", 3600, "us-east1", 2.395, 1.1),
    ("gcp", "Kubernetes Engine", "Regional Kubernetes Clusters", "seconds", 3600, "us-east1", 3 * 3 * 2.395, 1.1),
    ("gcp", "Compute Engine", "Network Inter Region Egress from Americas to EMEA", "bytes", 5 * 2**30, "us-east1", 5, 1.1),
    # Seconds of a gigahertz, which the program takes for those of a processor: 2.4 of them are one here.
    ("gcp", "Cloud Functions", "CPU Time", "seconds", 3600, "us-east1", 2.395 / 2.4, 1.1),
    # A disk of 128 GB for the 31st part of a month, three copies; gigabyte-months are taken for gigabytes on a day.
    ("azure", "Storage", "P10 Disks", "1/Month", 1 / 31, "westeurope", 3 * 0.128 * 24 * 1.2, 1.185),
    ("azure", "Storage", "E10 Disks", "1/Month", 1 / 31, "westeurope", 3 * 0.128 * 24 * 1.2, 1.185),
    ("azure", "Storage", "S10 Disks", "1/Month", 1 / 31, "westeurope", 3 * 0.128 * 24 * 0.65, 1.185),
    ("azure", "Storage", "LRS Data Stored", "1 GB/Month", 1000, "westeurope", 3 * 24 * 1.2, 1.185),
    ("azure", "Storage", "Hot GRS Data Stored", "1 GB/Month", 1000, "westeurope", 6 * 24 * 1.2, 1.185),
    ("azure", "Bandwidth", "Inter-Region Data Transfer Out", "1 GB", 5, "westeurope", 5, 1.185),
]  # fmt: skip


@pytest.mark.parametrize("row", FROM_WORDS, ids=lambda row: f"{row[0]} {row[2]}")
def test_words_of_bills_give_figures_worked_out_by_hand(workspace: Workspace, row: tuple[Any, ...]) -> None:
    provider, service, words, unit, billed, region, watt_hours, pue = row
    found = Rules.load().understand(Meter(provider=provider, service=service, meter=words, unit=unit))
    (amount,) = found.amounts
    month_s = 31 * HOURS_PER_DAY * SECONDS_PER_HOUR if amount.monthly else 1
    line = {
        "entity": "bill", "quantity": amount.quantity, "value": billed * amount.per_unit * month_s,
        "platform": amount.platform, "region": f"{provider}:{region}", "started_at": "2020-10-01T00:00:00Z",
        **amount.attributes,
    }  # fmt: skip
    energy, _ = totals(workspace, "ccf-2024", line)
    assert energy == pytest.approx(watt_hours * pue / 1000, rel=1e-6)


def test_a_virtual_machine_of_azure_by_its_words(workspace: Workspace) -> None:
    """D4s v3: Cascade Lake, Skylake, Broadwell and Haswell between 0.75 and 4.165 W; 11.675 GB beyond measured servers."""
    found = Rules.load().understand(Meter(provider="azure", service="Virtual Machines", meter="D4s v3", unit="1 Hour"))
    used = next(one for one in found.amounts if one.quantity == "vcpu_time")
    assert (used.per_unit, used.platform) == (4 * SECONDS_PER_HOUR, "azure:d4s_v3")
    line = {"entity": "bill", "quantity": "vcpu_time", "value": 10 * used.per_unit, "platform": used.platform}
    rows, context = parse_document(workspace, {"activities": [{**line, "region": "azure:westeurope"}]})
    found_impacts = evaluate_activities(workspace, workspace.method("ccf-2024"), rows, context, on=None).impacts
    by_rule = {one.rule: one.value for one in found_impacts if one.indicator == "energy"}
    idle, full = (0.64 + 0.65 + 0.71 + 1) / 4, (3.97 + 4.26 + 3.69 + 4.74) / 4
    assert by_rule["processors"] == pytest.approx(40 * (idle + full) / 2 * 1.185 / 1000, rel=5e-3)
    assert by_rule["memory"] == pytest.approx(10 * 11.675 * 0.000392 * 1.185, rel=2e-3)
