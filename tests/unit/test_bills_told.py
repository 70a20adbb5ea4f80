# SPDX-License-Identifier: Apache-2.0
"""What an import of bills says of what it was given: loads that fit nothing, currencies that are none, files beside bills."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from tests.focus_support import LINE, OWNERS, bring, ledger_of, line, of_month, on, project, rows, write

from lichen.errors import StorageError
from lichen.render.bill import bill_lines
from lichen.service.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return project(tmp_path / "project")


def measured(folder: Path, table: str) -> Workspace:
    """A project whose loads were measured."""
    workspace = project(folder, OWNERS + '\n[bills]\nutilisation = "load.csv"\n')
    (folder / "load.csv").write_text(table, encoding="utf-8")
    return workspace


def test_measured_resources_that_the_bill_lacks_are_named(tmp_path: Path) -> None:
    table = """resource,cpu,from,to
i-1,0.1,2026-10-01,2026-10-04
i-1,0.2,2026-10-05,2026-10-31
i-z,0.1,,
I-2,0.3,,
i-3,0.5,2026-09-01,2026-09-30
"""
    bill = write(tmp_path / "bill.csv", [on(5), on(6), on(5, ResourceId="i-2"), on(5, ResourceId="i-3")])
    found = bring(measured(tmp_path / "project", table), bill, dry_run=True).to_json()
    assert found["utilisation"] == {"resources": 4, "absent": ("I-2", "i-3", "i-z")}, (
        "letter case counts, and so do days"
    )


def test_without_measured_loads_nothing_is_said_of_them(workspace: Workspace, tmp_path: Path) -> None:
    assert bring(workspace, write(tmp_path / "bill.csv", [line()])).to_json()["utilisation"] is None


@pytest.mark.parametrize("currency", ["US$", "€", "US Dollar", "'; drop table x;--", "EU1", "ÉUR"])
def test_what_is_no_currency_is_refused_with_its_place(workspace: Workspace, tmp_path: Path, currency: str) -> None:
    write(tmp_path / "bills" / "a.csv", [line()])
    bad = write(tmp_path / "bills" / "b.csv", [line(ResourceId=f"i-{n}", BillingCurrency=currency) for n in (1, 2)])
    with pytest.raises(StorageError) as refused:
        bring(workspace, tmp_path / "bills")
    assert (
        refused.value.problem == f"{bad} has 2 lines whose BillingCurrency cannot be read: it is '{currency.upper()}'."
    )
    assert not (workspace.settings.folder / ".lichen" / "ledger").exists()


def test_a_currency_may_be_in_small_letters_or_untold(workspace: Workspace, tmp_path: Path) -> None:
    lines = [line(), line(BillingCurrency="eur", ResourceId="i-2"), line(BillingCurrency="", ResourceId="i-3")]
    found = bring(workspace, write(tmp_path / "bill.csv", lines))
    assert [(one["currency"], one["effective"]) for one in found.details["money"]] == [("", "1"), ("EUR", "2")]


def test_lines_are_those_of_each_source_and_month(workspace: Workspace, tmp_path: Path) -> None:
    lines = [
        *(line(ResourceId=f"i-{n}") for n in range(4)), of_month("2026-11"),
        *(line(BillingAccountId="other", ResourceId=f"i-{n}", Tags="") for n in range(2)),
    ]  # fmt: skip
    found = bring(workspace, write(tmp_path / "bill.csv", lines))
    assert {(one["source"], one["period"]): one["lines"] for one in found.details["periods"]} == {
        ("bill:aws-other", "2026-10-01"): 2, ("bill:aws-payer", "2026-10-01"): 4, ("bill:aws-payer", "2026-11-01"): 1,
    }  # fmt: skip
    manifest = ledger_of(workspace).documents.get("bills/bill:aws-payer/2026-10-01")
    assert manifest is not None
    assert (manifest["lines"], manifest["files"][0]["lines"]) == (4, 7)


def test_a_line_that_several_share_is_one_line(tmp_path: Path) -> None:
    settings = '[[bills.shared]]\nname = "all"\naccounts = ["123"]\nweights = { shop = 3, cart = 1 }\n'
    found = bring(project(tmp_path / "project", settings), write(tmp_path / "bill.csv", [line(), on(6)]))
    assert found.details["lines"] == 2
    assert found.made == ("cart", "shop")


def test_files_beside_bills_are_left_out_by_name(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "bills"
    write(folder / "october.csv", [line()])
    (folder / "empty.txt").touch()
    (folder / "visits.csv").write_text("day,visits\n2026-10-05,3\n", encoding="utf-8")
    found = bring(workspace, folder).to_json()
    assert [Path(name).name for name in found["left_out"]] == ["empty.txt", "visits.csv"]
    assert [Path(file["name"]).name for file in found["files"]] == ["october.csv"]
    again = bring(workspace, folder)
    assert (again.unchanged, len(again.left_out)) == (True, 2)
    write(folder / "november.csv", [of_month("2026-11")]).write_bytes(b"\x1f\x8b cut off")
    with pytest.raises(StorageError, match="damaged gzip"):
        bring(workspace, folder)


def test_a_region_may_be_told_by_its_name_alone(workspace: Workspace, tmp_path: Path) -> None:
    named = [{**line(ResourceId="i-1", RegionId=""), "RegionName": "EU (Ireland)"}]
    named += [{**line(ResourceId="i-2"), "RegionName": "EU (Ireland)"}]
    with (tmp_path / "bill.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*LINE, "RegionName"])
        writer.writeheader()
        writer.writerows(named)
    found = bring(workspace, tmp_path / "bill.csv")
    assert found.details["unknown_regions"] == []
    assert set(rows(workspace, "resource", "region")) == {("i-1", "aws:eu-west-1"), ("i-2", "aws:eu-west-3")}


def test_coverage_is_a_share_whatever_was_taken_back(workspace: Workspace, tmp_path: Path) -> None:
    """Ten euros of a machine and four taken back of what no rule knows: all of the six is covered, and no more than all."""
    unknown = {
        "ServiceName": "Amazon Nobody Knows",
        "SkuMeter": "Nothing",
        "ChargeDescription": "x",
        "SkuPriceDetails": "",
    }
    lines = [line(EffectiveCost="10"), line(EffectiveCost="-4", ResourceId="z", ConsumedUnit="Wonders",
                                            PricingUnit="Wonders", **unknown)]  # fmt: skip
    (money,) = bring(workspace, write(tmp_path / "bill.csv", lines)).details["money"]
    assert (money["effective"], money["covered"]) == ("6", 1.0)
    manifest = ledger_of(workspace).documents.get("bills/bill:aws-payer/2026-10-01")
    assert manifest is not None
    assert manifest["money"][0]["covered"] == 1.0


def test_a_line_that_applications_share_is_one_line(tmp_path: Path) -> None:
    """Of three lines, the two that no rule knows are shared by two applications."""
    unknown = {"ServiceName": "Something New", "SkuMeter": "x", "ChargeDescription": "x", "SkuPriceDetails": ""}
    alone, shared = line(ResourceId="i-9"), [line(**unknown, SubAccountId="common", ResourceId=one) for one in "ab"]
    settings = '[[bills.shared]]\nname = "all"\naccounts = ["common"]\nweights = { shop = 3, cart = 1 }\n'
    bill = write(tmp_path / "bill.csv", [alone, *shared])
    split = bring(project(tmp_path / "split", OWNERS + settings), bill, dry_run=True).to_json()
    whole = bring(project(tmp_path / "whole"), bill, dry_run=True).to_json()
    told = {
        lang: [
            next(text for text in bill_lines(found, lang) if text.startswith(start)).replace("\u00a0", " ")
            for found in (split, whole)
        ]
        for lang, start in (("en", "not estimated"), ("fr", "non estimé"))
    }
    assert told["en"] == [
        "not estimated: 2.00 EUR, 2 lines: no rule knows this service",
        "not estimated: 2.00 EUR, 2 lines: no rule knows this service",
    ]
    assert sum(one["lines"] for one in split["coverage"]) == split["lines"] == 3
    assert told["fr"][0].startswith("non estimé : 2,00 EUR, 2 lignes : ")
