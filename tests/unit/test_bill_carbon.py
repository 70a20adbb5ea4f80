# SPDX-License-Identifier: Apache-2.0
"""Carbon exports of providers, in the shapes of their documentation: what is read of each, in grams, by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.carbon_support import AZURE, NO_SCOPES, aws, write_csv, write_json

from lichen.collect.bills.carbon.format import carbon_formats
from lichen.collect.bills.carbon.reading import read_carbon
from lichen.collect.bills.carbon.services import one_name
from lichen.collect.bills.format import formats, recognise
from lichen.collect.bills.opening import sniff
from lichen.errors import StorageError

OCTOBER = date(2026, 10, 1)


def read(path: Path) -> dict[tuple[str, str, str], Decimal]:
    """Values by quantity, scope and accounting; of one place."""
    _, rows = read_carbon(path, path.name)
    assert len({(row.quantity, row.scope, row.accounting) for row in rows}) == len(rows)
    return {(row.quantity.removeprefix("reported_"), row.scope, row.accounting): row.value for row in rows}


def refusal(path: Path) -> str:
    with pytest.raises(StorageError) as caught:
        read_carbon(path, path.name)
    return f"{caught.value} {caught.value.repair}"


def test_aws_export(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "aws.csv", [aws()])
    one, rows = read_carbon(path, "aws.csv")
    assert one.name == "aws"
    assert {(row.provider, row.payer, row.account, row.service, row.region, row.month) for row in rows} == {
        ("aws", "payer", "123", "AmazonEC2", "eu-west-3", OCTOBER)
    }
    assert read(path) == {
        ("emissions", "total", "location"): 190, ("emissions", "total", "market"): 100, ("emissions", "1", "location"): 10,
        ("emissions", "2", "location"): 80, ("emissions", "2", "market"): 0, ("emissions", "3", "location"): 100,
    }  # fmt: skip


def test_parquet_is_read_as_csv_is(tmp_path: Path) -> None:
    row: dict[str, Any] = {
        name: float(text) if "value" in name and text else text or None for name, text in aws().items()
    }
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "aws.parquet")
    assert read(tmp_path / "aws.parquet") == read(write_csv(tmp_path / "aws.csv", [aws()]))


def test_rows_of_one_place_add_up_and_the_newest_method_counts(tmp_path: Path) -> None:
    rows = [
        aws(**NO_SCOPES), aws(**NO_SCOPES, total_lbm_emissions_value="0.00001"),
        aws(**NO_SCOPES, model_version="v2.1.0", total_lbm_emissions_value="9"),
        aws(**NO_SCOPES, model_version="v2.10.0", total_lbm_emissions_value="7"),
    ]  # fmt: skip
    assert read(write_csv(tmp_path / "aws.csv", rows)) == {
        ("emissions", "total", "location"): 200, ("emissions", "total", "market"): 200,
    }  # fmt: skip
    assert read(write_csv(tmp_path / "old.csv", rows[2:]))["emissions", "total", "location"] == 7_000_000, (
        "2.10 is newer"
    )


def test_aws_interface(tmp_path: Path) -> None:
    result = {
        "TimePeriod": {"Start": "2026-10-01T00:00:00Z", "End": "2026-11-01T00:00:00Z"}, "ModelVersion": "v3.0.0",
        "DimensionsValues": {"USAGE_ACCOUNT_ID": "123", "REGION": "eu-west-3", "SERVICE": "AmazonEC2"},
        "EmissionsValues": {
            "TOTAL_SCOPE_2_LBM_CARBON_EMISSIONS": {"Value": 0.00008, "Unit": "MTCO2e"},
            "TOTAL_SCOPE_2_MBM_CARBON_EMISSIONS": {"Value": 0.0, "Unit": "MTCO2e"},
        },
    }  # fmt: skip
    path = write_json(tmp_path / "api.json", {"Results": [result]})
    assert read(path) == {("emissions", "2", "location"): 80, ("emissions", "2", "market"): 0}
    water = {key: value for key, value in result.items() if key != "EmissionsValues"}
    water["AllocationValues"] = {"TOTAL_WATER_WITHDRAWALS": {"Value": 1.5, "Unit": "m3"}}
    assert read(write_json(tmp_path / "water.json", {"Results": [water]})) == {("water", "", ""): 1500}


def test_google_nested_and_flat(tmp_path: Path) -> None:
    nested = {
        "usage_month": "2026-10-01", "billing_account_id": "b", "project": {"id": "shop-prod", "number": "1"},
        "service": {"id": "6F81", "description": "Compute Engine"}, "location": {"location": "be", "region": "europe-west1"},
        "carbon_model_version": "12",
        "carbon_footprint_kgCO2e": {"scope1": 0.001, "scope2": {"location_based": 0.02, "market_based": 0.0}, "scope3": 0.03},
    }  # fmt: skip
    flat = {
        "usage_month": "2026-10-01", "project_id": "shop-prod", "service_description": "Compute Engine",
        "location_region": "europe-west1", "carbon_footprint_kgCO2e_scope1": "0.001",
        "carbon_footprint_kgCO2e_scope2_location_based": "0.02", "carbon_footprint_kgCO2e_scope2_market_based": "0.0",
        "carbon_footprint_kgCO2e_scope3": "0.03",
    }  # fmt: skip
    expected = {
        ("emissions", "1", "location"): 1, ("emissions", "2", "location"): 20, ("emissions", "2", "market"): 0,
        ("emissions", "3", "location"): 30,
    }  # fmt: skip
    assert read(write_json(tmp_path / "gcp.json", [nested])) == expected
    assert read(write_csv(tmp_path / "gcp.csv", [flat])) == expected
    _, rows = read_carbon(tmp_path / "gcp.json", "gcp.json")
    assert (rows[0].account, rows[0].service, rows[0].region) == ("shop-prod", "Compute Engine", "europe-west1")


def test_azure_is_of_the_scopes_that_were_asked_for(tmp_path: Path) -> None:
    _, (row,) = read_carbon(write_json(tmp_path / "a.json", AZURE), "a.json")
    assert (row.account, row.service, row.region, row.month) == (
        "s-1", "microsoft.compute/virtualmachines", "westeurope", OCTOBER,
    )  # fmt: skip
    assert (row.scope, row.accounting, row.value) == ("2", "location", 100)
    every = {**AZURE, "carbonScopeList": ["Scope1", "Scope2", "Scope3"], "accounting": ""}
    assert read(write_json(tmp_path / "b.json", every)) == {("emissions", "total", ""): 100}
    two = {**AZURE, "carbonScopeList": ["Scope1", "Scope2"]}
    assert read(write_json(tmp_path / "c.json", two)) == {("emissions", "", "location"): 100}, "no scope, and no total"
    unsaid = {key: value for key, value in AZURE.items() if key != "carbonScopeList"}
    assert "carbonScopeList" in refusal(write_json(tmp_path / "d.json", unsaid))


def test_azure_names_items_by_their_kind(tmp_path: Path) -> None:
    rows = [{"latestMonthEmissions": 2, "itemName": "s-1", "categoryType": "Subscription", "date": "2026-10-01"}]
    _, (row,) = read_carbon(write_json(tmp_path / "a.json", {**AZURE, "value": rows}), "a.json")
    assert (row.account, row.service, row.value) == ("s-1", "", 2000)


def test_oracle(tmp_path: Path) -> None:
    item = {
        "tenantId": "t", "compartmentId": "c", "service": "COMPUTE", "region": "eu-paris-1", "computedCarbonEmission": 0.0001,
        "emissionCalculationMethod": "POWER_BASED", "timeUsageStarted": "2026-10-01T00:00:00.000Z",
        "timeUsageEnded": "2026-11-01T00:00:00.000Z", "emissionType": "LOCATION_BASED",
    }  # fmt: skip
    assert read(write_json(tmp_path / "o.json", {"items": [item]})) == {("emissions", "total", "location"): 100}


@pytest.mark.parametrize("snake", [False, True])
def test_scaleway(tmp_path: Path, snake: bool) -> None:
    impact = ("total_sku_impact", "kg_co2_equivalent", "m3_water_usage") if snake else (
        "totalSkuImpact", "kgCo2Equivalent", "m3WaterUsage",
    )  # fmt: skip
    start, end, project = ("start_date", "end_date", "project_id") if snake else ("startDate", "endDate", "projectId")
    sku = {"sku": "/compute/dev1_s", "productCategory": "instances", impact[0]: {impact[1]: 0.5, impact[2]: 0.002}}
    zone = {"zone": "fr-par-1", "skus": [sku]}
    answer = {
        start: "2026-10-01T00:00:00Z", end: "2026-11-01T00:00:00Z",
        "projects": [{project: "p", "regions": [{"region": "fr-par", "zones": [zone]}]}],
    }  # fmt: skip
    path = write_json(tmp_path / "s.json", answer)
    assert read(path) == {("emissions", "total", "location"): 500, ("water", "", ""): 2}
    _, rows = read_carbon(path, "s.json")
    assert {(row.account, row.region) for row in rows} == {("p", "fr-par")}


def test_a_table_of_ones_own(tmp_path: Path) -> None:
    row = {
        "provider": "OVH", "account": "a", "service": "Public Cloud", "period_start": "2026-10", "scope": "3",
        "method": "location", "value_kgco2e": "1.25",
    }  # fmt: skip
    _, (found,) = read_carbon(write_csv(tmp_path / "t.csv", [row]), "t.csv")
    assert (found.provider, found.scope, found.value, found.month) == ("ovhcloud", "3", 1250, OCTOBER)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"total_lbm_emissions_unit": "lb"}, "the unit 'lb' is not known"),
        ({"total_lbm_emissions_unit": ""}, "a figure has no unit"),
        ({"total_lbm_emissions_value": "0,5x"}, "'0"),
        ({"total_lbm_emissions_value": "NaN"}, "'NaN' is no number"),
        ({"usage_period_end": "2027-01-01T00:00:00Z"}, "which is no calendar month"),
        ({"usage_period_start": "2026-10-02T00:00:00Z"}, "which is no calendar month"),
        ({"usage_period_start": ""}, "no month is told"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_row(tmp_path: Path, own: dict[str, str], said: str) -> None:
    path = write_json(tmp_path / "aws.json", [aws(), aws(**own)])
    told = refusal(path)
    assert "row 2" in told
    assert said in told


def test_a_file_of_no_known_format_is_refused(tmp_path: Path) -> None:
    told = refusal(write_csv(tmp_path / "x.csv", [{"month": "2026-10", "co2": "1"}]))
    assert "month, co2" in told
    assert "gcp" in told
    (tmp_path / "cut.parquet").write_bytes(b"PAR1 and no more")
    assert "damaged" in refusal(tmp_path / "cut.parquet")


def test_letters_are_not_guessed(tmp_path: Path) -> None:
    row = aws(product_code="Réseau")
    path = write_csv(tmp_path / "aws.csv", [aws(), row])
    _, rows = read_carbon(path, "aws.csv")
    assert "Réseau" in {one.service for one in rows}
    path.write_bytes(path.read_bytes().decode("utf-8").encode("latin-1"))
    assert refusal(path) == f"{path}:3 holds bytes that are no UTF-8. Save it as UTF-8."


def test_among_bills_it_is_told_where_it_belongs(tmp_path: Path) -> None:
    opened = sniff(write_csv(tmp_path / "aws.csv", [aws()]))
    with pytest.raises(StorageError, match="carbon export") as caught:
        recognise(opened.columns, formats(), "aws.csv")
    assert "lichen import carbon" in str(caught.value.repair)


def test_a_unit_that_is_not_told_is_unknown_and_not_zero(tmp_path: Path) -> None:
    assert ("emissions", "2", "location") not in read(write_csv(tmp_path / "aws.csv", [aws(**NO_SCOPES)]))


def test_formats_say_what_they_are() -> None:
    for one in carbon_formats():
        assert one.title
        assert one.source
        assert all(rule.water or rule.scope or rule.scopes for rule in one.figures), one.name


def test_a_service_goes_by_one_name() -> None:
    assert one_name("aws", "amazonec2") == one_name("aws", "Amazon Elastic Compute Cloud")
    assert one_name("gcp", "Compute Engine") == "Compute Engine"


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"total_lbm_emissions_value": "1e400"}, "'1e400' is more than any provider emits"),
        ({"total_lbm_emissions_value": "1e10"}, "'1e10' is more than any provider emits"),
        ({"total_lbm_emissions_value": "-1e10"}, "'-1e10' is more than any provider emits"),
        ({"total_lbm_emissions_value": "1_000"}, "'1_000' is no number"),
        ({"usage_period_start": "9999-12-01", "usage_period_end": ""}, "'9999-12-01' is no day of a cloud"),
        ({"usage_period_start": "0001-01-01", "usage_period_end": ""}, "'0001-01-01' is no day of a cloud"),
        ({"product_code": "x" * 200_000}, "has a cell of more than 131,072 characters"),
    ],
)
def test_what_no_provider_says_is_refused(tmp_path: Path, own: dict[str, str], said: str) -> None:
    assert said in refusal(write_csv(tmp_path / "aws.csv", [aws(), aws(**own)]))


def test_a_version_may_be_a_long_number(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "aws.csv", [aws(**NO_SCOPES, model_version="9" * 5000)])
    assert read(path)["emissions", "total", "location"] == 190
