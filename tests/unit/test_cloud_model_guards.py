# SPDX-License-Identifier: Apache-2.0
"""Guards on what a method makes of a bill: each defect that a published tool has had is planted, and told."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pytest
from click.testing import CliRunner

from lichen.catalogue import machines
from lichen.cli.app import root as cli
from lichen.config import Settings, load_settings
from lichen.ledger import open_ledger
from lichen.render.bill_doubts import doubt_lines
from lichen.service.bills.guards import BOUNDS, Doubt, Guard, Rented, doubts
from lichen.service.bills.manifests import Manifests
from lichen.service.workspace import Workspace

HOUR_S: Final = 3600.0
MONTH_H: Final = 730.0
GB_MONTH: Final = 1e9 * MONTH_H * HOUR_S
METHODS: Final = ("lichen-1", "ccf-fixed", "boavizta-2.5")


@pytest.fixture(scope="module")
def workspace() -> Workspace:
    return Workspace(Settings())


def instance(name: str, region: str = "aws:eu-west-1") -> tuple[Rented, Rented]:
    """A month of an instance, as a bill gives it."""
    vcpus = float((machines.find(name) or {})["vcpu"])
    return (
        Rented(platform=name, region=region, quantity="vcpu_time", value=vcpus * MONTH_H * HOUR_S),
        Rented(platform=name, region=region, quantity="instance_time", value=MONTH_H * HOUR_S),
    )


def stored(platform: str, storage_class: str, copies: float) -> Rented:
    """A terabyte for a month."""
    attributes: dict[str, Any] = {"storage_class": storage_class, "replication": copies}
    return Rented(
        platform=platform, region="aws:eu-west-1", quantity="storage_byte_seconds", value=1000 * GB_MONTH,
        attributes=attributes,
    )  # fmt: skip


def told(workspace: Workspace, method: str, *rented: Rented) -> dict[tuple[Guard, str], Doubt]:
    return {(doubt.guard, doubt.platform): doubt for doubt in doubts(workspace, workspace.method(method), rented)}


SANE: Final = (
    *instance("aws:m5.xlarge"), *instance("aws:m5.24xlarge"), *instance("aws:c5.2xlarge"), *instance("aws:r6g.large"),
    *instance("aws:t3.micro"), *instance("aws:t3.2xlarge"), *instance("aws:m7a.large"), *instance("aws:p4d.24xlarge"),
    stored("aws:ebs-gp3", "ssd", 2.0), stored("aws:s3", "hdd", 3.0),
)  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_an_ordinary_bill_is_not_doubted(workspace: Workspace, method: str) -> None:
    assert told(workspace, method, *SANE) == {}


def test_traffic_through_a_gateway_is_no_power_of_its_processors(workspace: Workspace) -> None:
    def rented(quantity: str, value: float, **attributes: str) -> Rented:
        return Rented(
            platform="aws:nat-gateway", region="aws:eu-west-3", quantity=quantity, value=value, attributes=attributes
        )  # fmt: skip

    traffic = rented("network_bytes", 1e13, path="internet")
    assert told(workspace, "lichen-1", rented("vcpu_time", HOUR_S), traffic) == {}


def test_manufacture_divided_by_the_vcpus_again(workspace: Workspace) -> None:
    """ccf-2024 has it as published: c5.18xlarge has 72 vCPUs, and 1/72 of its share."""
    found = told(workspace, "ccf-2024", *instance("aws:c5.18xlarge"), *instance("aws:c5.large"))
    assert (Guard.MAKING, "aws:c5.18xlarge") in found
    assert found[Guard.MAKING_ALIKE, "aws:c5"].value == pytest.approx(36.0), "72 over 2 vCPUs"


def test_a_burstable_instance_on_a_host_of_eight_vcpus(workspace: Workspace) -> None:
    """4.19 kg a month for 2 vCPUs: 25 kg a vCPU and year."""
    doubt = told(workspace, "ccf-2024", *instance("aws:t3.micro"))[Guard.MAKING, "aws:t3.micro"]
    assert doubt.value == pytest.approx(4.194 / 2 / MONTH_H * 8766, rel=1e-3)
    assert doubt.value > doubt.high


def test_manufacture_called_kilowatt_hours(workspace: Workspace) -> None:
    doubt = told(workspace, "ccf-2024", *instance("aws:m5.xlarge"))[Guard.MAKING_AS_ENERGY, "aws:m5.xlarge"]
    assert (doubt.unit, doubt.high) == ("kWh", 0.0)
    assert doubt.value > 0


def test_gigabyte_months_read_as_byte_hours(workspace: Workspace) -> None:
    """A terabyte of S3 for a month at 2e-12 kWh."""
    doubt = told(workspace, "ccf-2024", stored("aws:s3", "hdd", 6.0))[Guard.STORAGE_POWER, "aws:s3"]
    assert doubt.value < 1e-6


def test_grids_of_several_regions_added_up(workspace: Workspace) -> None:
    doubt = told(workspace, "ccf-2024", *instance("gcp:n2-standard-4", "gcp:us"))[Guard.GRID, "gcp:n2-standard-4"]
    assert doubt.value == pytest.approx(2805, rel=1e-3)


def planted(tmp_path: Path, rows: str) -> Workspace:
    pack = tmp_path / "planted.toml"
    pack.write_text(
        '[pack]\nid = "planted"\nversion = "1"\ndescription = "Wrong on purpose."\n\n[defaults]\nunit = "W"\n'
        'boundary = "it"\nvalid_from = 2010-01-01\nsource = "lichen-pedigree"\npedigree = "B"\ncomment = "Planted."\n' + rows,
        encoding="utf-8",
    )  # fmt: skip
    return Workspace(load_settings(None, overrides={"extend.factors": [str(pack)]}, env={}))


def test_a_processor_averaged_over_the_wrong_servers(tmp_path: Path) -> None:
    """EPYC of the fifth generation as published in April 2026: 3.68 W idle and 8.96 W full, read with blank lines in a list."""
    rows = "".join(
        f'\n[[factor]]\nid = "cloud.vcpu.{load}_power.zen3"\nvalue = {value}\n'
        for load, value in (("idle", 3.682), ("full", 8.961))
    )
    found = told(planted(tmp_path, rows), "lichen-1", *instance("aws:m6a.xlarge"))
    assert set(found) == {(Guard.RECENT_VCPU_POWER, "aws:m6a.xlarge")}


def test_watts_of_a_server_taken_for_those_of_a_vcpu(tmp_path: Path) -> None:
    rows = "".join(
        f'\n[[factor]]\nid = "cloud.vcpu.{load}_power.skylake"\nvalue = {value}\n'
        for load, value in (("idle", 88.9), ("full", 733.0))
    )
    found = told(planted(tmp_path, rows), "lichen-1", *instance("aws:m5.xlarge"))
    assert {guard for guard, _ in found} == {Guard.VCPU_POWER, Guard.REFERENCE_POWER}


def test_a_vcpu_without_a_host_and_nothing_at_all(workspace: Workspace) -> None:
    """A service's processor time is held against the same bounds; what has no figure raises no doubt."""
    lambda_s = Rented(platform="aws:lambda", region="aws:eu-west-3", quantity="vcpu_time", value=1e6)
    assert told(workspace, "lichen-1", lambda_s) == {}
    assert told(workspace, "boavizta-2.5", lambda_s) == {}
    assert told(workspace, "lichen-1") == {}


def test_every_guard_has_bounds() -> None:
    assert set(BOUNDS) == set(Guard)
    assert all(low <= high for low, high in BOUNDS.values())


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("guard", list(Guard))
def test_a_doubt_is_one_sentence_with_its_repair(lang: str, guard: Guard) -> None:
    doubt = Doubt(guard=guard, platform="aws:m5.xlarge", region="", value=1e-12, low=0.2, high=12.0, unit="W")
    (line,) = doubt_lines("ccf-2024", [doubt], lang)
    assert line.startswith("ccf-2024")
    assert "aws:m5" in line
    assert "1.0E-12" in line.replace(",", ".")


HEADINGS: Final = (
    "bill/BillingPeriodStartDate,bill/PayerAccountId,lineItem/UsageAccountId,lineItem/LineItemType,lineItem/UsageStartDate,"
    "lineItem/ProductCode,lineItem/UsageType,lineItem/UsageAmount,lineItem/CurrencyCode,lineItem/UnblendedCost,"
    "product/region,pricing/unit,identity/LineItemId"
)


@pytest.mark.parametrize(("method", "doubted"), [("ccf-2024", 1), ("ccf-fixed", 0)])
def test_an_import_tells_figures_that_cannot_be(tmp_path: Path, method: str, doubted: int) -> None:
    """Objects that the program counts 10^12 times too small, in two regions: one line, and two in the document."""
    config, report = tmp_path / "lichen.toml", tmp_path / "report.csv"
    config.write_text(f'[method]\nuse = "{method}"\n')
    line = "2026-10-01T00:00:00Z,111,222,Usage,2026-10-01T00:00:00Z,AmazonS3,TimedStorage-ByteHrs,5000,USD,1"
    report.write_text("\n".join((HEADINGS, f"{line},us-west-1,GB-Mo,a", f"{line},eu-west-3,GB-Mo,b")))
    command = ["import", "bills", str(report), "--config", str(config), "--lang", "en"]
    written = CliRunner().invoke(cli, command)
    assert (written.exit_code, written.exception) == (0, None), written.output
    assert written.stdout.count("ccf-2024: aws:s3 with") == doubted
    again = CliRunner().invoke(cli, [*command, "--replace", "--json"])
    told = [(one["guard"], one["platform"]) for one in json.loads(again.stdout)["doubts"]]
    assert told == [("storage_power", "aws:s3")] * 2 * doubted
    (kept,) = [
        found.get("doubts")
        for found in Manifests(open_ledger(str(tmp_path / ".lichen" / "ledger"), create=False)).all().values()
    ]
    assert (kept or {}).get("method") == (method if doubted else None)
    assert [one["platform"] for one in (kept or {}).get("figures", [])] == ["aws:s3"] * 2 * doubted
    unchanged = CliRunner().invoke(cli, [*command, "--json"])
    assert json.loads(unchanged.stdout)["doubts"] == []
