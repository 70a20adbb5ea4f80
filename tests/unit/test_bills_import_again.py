# SPDX-License-Identifier: Apache-2.0
"""Bills that are imported again: corrected, twice, in part, under other rules, from another source."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.focus_support import OWNERS, STORAGE, bring, ledger_of, line, of_month, on, project, rows, write

from lichen.errors import UsageError
from lichen.service.importing_ledger import keep_all
from lichen.service.importing_tables import opened
from lichen.service.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return project(tmp_path / "project")


def paid(workspace: Workspace) -> list[tuple[Any, ...]]:
    """Cost by source, day and resource."""
    return rows(workspace, "source", "day", "resource", "effective_amount", quantity="cost")


def versions(workspace: Workspace) -> int:
    """Commits of the ledger."""
    log = workspace.settings.folder / ".lichen" / "ledger" / "activities" / "_delta_log"
    return len(list(log.glob("*.json")))


def test_the_same_files_change_nothing_wherever_they_lie(workspace: Workspace, tmp_path: Path) -> None:
    bill = write(tmp_path / "bill.csv", [line(), on(6)])
    first = bring(workspace, bill)
    before = versions(workspace), paid(workspace)
    copy = write(tmp_path / "copy" / "other.csv", [line(), on(6)])
    second = bring(workspace, copy)
    assert (second.unchanged, second.import_id) == (True, first.import_id)
    assert (versions(workspace), paid(workspace)) == before
    third = bring(workspace, copy, replace=True)
    assert (third.unchanged, third.rows, third.import_id) == (False, first.rows, first.import_id)
    assert versions(workspace) == before[0] + 1
    assert paid(workspace) == before[1]


def test_a_store_that_was_lost_gets_its_costs_again(workspace: Workspace, tmp_path: Path) -> None:
    bill = write(tmp_path / "bill.csv", [line()])
    bring(workspace, bill)
    for path in (workspace.settings.folder / ".lichen").glob("lichen.db*"):
        path.unlink()
    assert bring(workspace, bill).made == ("shop",)
    assert bring(workspace, bill).unchanged


def test_a_file_that_is_there_twice_counts_once(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "bills"
    write(folder / "a.csv", [line()])
    write(folder / "b.csv", [line()])
    found = bring(workspace, folder)
    assert [Path(name).name for name in found.duplicates] == ["b.csv"]
    assert [row[3] for row in paid(workspace)] == [Decimal(1)]


def test_several_files_of_a_period_are_one_bill(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "bills"
    write(folder / "a.csv", [line(), on(6)])
    write(folder / "part" / "b.csv", [line(EffectiveCost="2")])
    found = bring(workspace, folder)
    assert ([file["lines"] for file in found.files], found.details["lines"], found.details["charges"]) == ([2, 1], 3, 3)
    assert [row[3] for row in paid(workspace)] == [Decimal(3), Decimal(1)]


def test_a_corrected_bill_replaces_its_periods_and_no_other(workspace: Workspace, tmp_path: Path) -> None:
    bring(workspace, write(tmp_path / "september.csv", [of_month("2026-09", EffectiveCost="9")]))
    bring(workspace, write(tmp_path / "october.csv", [on(5), on(6, **STORAGE)]))
    corrected = [on(5, EffectiveCost="0.5", BilledCost="0.5"), on(6, ResourceId="i-9")]
    bring(workspace, write(tmp_path / "october.csv", corrected))
    assert [(row[1], row[2], row[3]) for row in paid(workspace)] == [
        (date(2026, 10, 5), "i-1", Decimal("0.5")), (date(2026, 10, 6), "i-9", Decimal(1)),
        (date(2026, 9, 5), "i-1", Decimal(9)),
    ]  # fmt: skip
    assert len(ledger_of(workspace).documents.names("bills")) == 2


def test_what_was_imported_before_a_correction_is_no_longer_there(workspace: Workspace, tmp_path: Path) -> None:
    """The first bill, given again after the second, is an import again, not a thing that is there already."""
    first = write(tmp_path / "first.csv", [line()])
    bring(workspace, first)
    bring(workspace, write(tmp_path / "second.csv", [line(EffectiveCost="4")]))
    again = bring(workspace, first)
    assert not again.unchanged
    assert [row[3] for row in paid(workspace)] == [Decimal(1)]


def test_other_rules_or_owners_are_another_import(workspace: Workspace, tmp_path: Path) -> None:
    bill = write(tmp_path / "bill.csv", [line()])
    bring(workspace, bill)
    other = project(tmp_path / "project", '[[bills.owner]]\napplication = "portal"\naccounts = ["123"]\n' + OWNERS)
    assert not bring(other, bill).unchanged
    assert rows(other, "application", quantity="cost") == [("portal",)]


def test_days_that_would_be_lost_are_named(workspace: Workspace, tmp_path: Path) -> None:
    bring(workspace, write(tmp_path / "month.csv", [on(day) for day in range(1, 11)]))
    before = paid(workspace)
    part = write(tmp_path / "part.csv", [on(day) for day in range(1, 4)])
    with pytest.raises(UsageError) as refused:
        bring(workspace, part)
    assert "month.csv" in refused.value.problem
    assert "2026-10-04, 2026-10-05, 2026-10-06 and 4 more would be lost" in refused.value.problem
    assert paid(workspace) == before
    bring(workspace, part, replace=True)
    assert [row[1].day for row in paid(workspace)] == [1, 2, 3]


def test_sources_with_the_same_accounts_are_told(workspace: Workspace, tmp_path: Path) -> None:
    bill = write(tmp_path / "bill.csv", [line()])
    assert bring(workspace, bill).overlaps == []
    (overlap,) = bring(workspace, bill, source="Contrôle").overlaps
    assert (overlap.other, overlap.period, list(overlap.accounts)) == ("bill:aws-payer", date(2026, 10, 1), ["123"])
    assert overlap.source.startswith("bill:contr-le-")
    assert bring(workspace, write(tmp_path / "c.csv", [line(SubAccountId="9")]), source="other").overlaps == []


def test_a_manifest_says_what_an_import_was_made_of(workspace: Workspace, tmp_path: Path) -> None:
    bill = write(tmp_path / "bill.csv", [line(), line(Tags="", EffectiveCost="2"), of_month("2026-11")])
    found = bring(workspace, bill)
    documents = ledger_of(workspace).documents
    assert documents.names("bills") == ["bills/bill:aws-payer/2026-10-01", "bills/bill:aws-payer/2026-11-01"]
    said = documents.get("bills/bill:aws-payer/2026-10-01")
    assert said is not None
    assert (said["days"], said["accounts"], said["import_id"]) == (["2026-10-05"], ["123"], found.import_id)
    assert said["coverage"] == [{"coverage": "estimated", "currency": "EUR", "effective": "3", "lines": 2}]
    assert said["unallocated"] == {"EUR": "2"}
    (file,) = said["files"]
    assert (file["name"], file["format"], file["lines"], len(file["sha256"])) == (str(bill), "focus", 3, 64)


def test_the_ledger_that_keeps_less_gets_less(workspace: Workspace, tmp_path: Path) -> None:
    bring(workspace, write(tmp_path / "a.csv", [on(5), on(20)]))
    ledger_of(workspace).retain(date(2026, 10, 10))
    bring(workspace, write(tmp_path / "b.csv", [on(5), on(20, EffectiveCost="2"), of_month("2026-09")]))
    assert [(row[1], row[3]) for row in paid(workspace)] == [(date(2026, 10, 20), Decimal(2))]


def test_costs_of_the_store_are_not_brought_into_the_ledger_a_second_time(workspace: Workspace, tmp_path: Path) -> None:
    bring(workspace, write(tmp_path / "a.csv", [line()]))
    ledger = ledger_of(workspace)
    with opened(workspace) as store:
        assert keep_all(ledger, store) == 0
    assert ledger.sources() == {"bill:aws-payer"}
