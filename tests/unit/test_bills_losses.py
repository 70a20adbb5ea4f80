# SPDX-License-Identifier: Apache-2.0
"""What a bill may not take from the bills that are there: days, accounts, periods that overlap; and costs by month of the day."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from tests.focus_support import bring, ledger_of, line, on, project, rows, write

from lichen.errors import UsageError
from lichen.service.bills.booking import months_of, shared_months
from lichen.service.bills.manifests import end_of
from lichen.service.importing_tables import opened
from lichen.service.workspace import Workspace
from lichen.store.models import Cost

MIDDLE = {"BillingPeriodStart": "2026-09-14T00:00:00Z", "BillingPeriodEnd": "2026-10-14T00:00:00Z"}
"""A period from the 14th of September to the 13th of October."""
NEXT = {"BillingPeriodStart": "2026-10-14T00:00:00Z", "BillingPeriodEnd": "2026-11-14T00:00:00Z"}
UNPAID = {"BilledCost": "", "EffectiveCost": "", "ListCost": ""}


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return project(tmp_path / "project")


def stored(workspace: Workspace) -> dict[date, Decimal]:
    """Costs of the store by month."""
    found: dict[date, Decimal] = {}
    with opened(workspace) as store, store.reading() as session:
        for one in session.scalars(select(Cost)):
            found[one.period] = found.get(one.period, Decimal(0)) + one.amount
    return found


def of_ledger(workspace: Workspace) -> dict[date, Decimal]:
    """Costs of the ledger by month of the day."""
    found: dict[date, Decimal] = {}
    for day, amount in rows(workspace, "day", "effective_amount", quantity="cost"):
        found[day.replace(day=1)] = found.get(day.replace(day=1), Decimal(0)) + amount
    return found


def manifest(workspace: Workspace, period: str) -> Any:
    return ledger_of(workspace).documents.get(f"bills/bill:aws-payer/{period}")


@pytest.mark.parametrize(
    "given",
    [[on(1)], [line(**MIDDLE)], [on(day, SubAccountId="B") for day in range(1, 6)]],
    ids=["days", "period", "accounts"],
)
def test_of_many_files_three_are_named(workspace: Workspace, tmp_path: Path, given: list[dict[str, str]]) -> None:
    for day in range(1, 6):
        write(tmp_path / "before" / f"{day}.csv", [on(day)])
    bring(workspace, tmp_path / "before")
    with pytest.raises(UsageError) as refused:
        bring(workspace, write(tmp_path / "given.csv", given))
    names = ", ".join(str(tmp_path / "before" / f"{day}.csv") for day in (1, 2, 3))
    assert f"from {names} and 2 more, " in refused.value.problem


def test_accounts_that_would_be_lost_are_named(workspace: Workspace, tmp_path: Path) -> None:
    first = write(tmp_path / "a.csv", [line(SubAccountId="A"), line(SubAccountId="")])
    second = write(tmp_path / "b.csv", [line(SubAccountId="B", ResourceId="i-b")])
    bring(workspace, first)
    with pytest.raises(UsageError) as refused:
        bring(workspace, second)
    assert refused.value.problem == (
        f"The period 2026-10-01 of bill:aws-payer has accounts, from {first}, that these files do not tell: A would be lost."
    )
    assert "--source" in (refused.value.repair or "")
    assert set(rows(workspace, "account", quantity="cost")) == {("A",), (None,)}
    bring(workspace, first, second)
    assert set(rows(workspace, "account", quantity="cost")) == {("A",), ("B",), (None,)}
    bring(workspace, second, replace=True)
    assert rows(workspace, "account", quantity="cost") == [("B",)]
    assert manifest(workspace, "2026-10-01")["accounts"] == ["B"]


def test_a_period_that_overlaps_is_named_and_cut_only_where_that_is_asked_for(
    workspace: Workspace, tmp_path: Path
) -> None:
    days = [date(2026, 9, 20), date(2026, 9, 30), date(2026, 10, 1), date(2026, 10, 5)]
    old = write(tmp_path / "old.csv", [on(day, ResourceId="old", EffectiveCost="2", **MIDDLE) for day in days])
    new = write(tmp_path / "new.csv", [on(day, ResourceId="new") for day in (1, 2, 3)])
    bring(workspace, old)
    with pytest.raises(UsageError) as refused:
        bring(workspace, new)
    assert refused.value.problem == (
        f"The period 2026-10-01 of bill:aws-payer overlaps its period 2026-09-14, from {old}, which these files do not tell: "
        "2026-10-01, 2026-10-05 of it would be lost."
    )
    assert len(rows(workspace, "day", quantity="cost")) == 4
    bring(workspace, new, replace=True)
    assert rows(workspace, "resource", "day", quantity="cost") == [
        ("new", date(2026, 10, 1)), ("new", date(2026, 10, 2)), ("new", date(2026, 10, 3)),
        ("old", date(2026, 9, 20)), ("old", date(2026, 9, 30)),
    ]  # fmt: skip
    cut = manifest(workspace, "2026-09-14")
    assert (cut["days"], cut["accounts"], cut["lines"]) == (["2026-09-20", "2026-09-30"], ["123"], None)
    assert cut["money"][0]["effective"] == "4"
    assert cut["coverage"] == [{"coverage": "estimated", "currency": "EUR", "lines": None, "effective": "4"}]
    assert stored(workspace) == of_ledger(workspace) == {date(2026, 9, 1): Decimal(4), date(2026, 10, 1): Decimal(3)}
    again = bring(workspace, old, replace=True)
    assert not again.unchanged
    assert manifest(workspace, "2026-10-01") is None, "nothing of it is left"
    assert stored(workspace) == of_ledger(workspace) == {date(2026, 9, 1): Decimal(4), date(2026, 10, 1): Decimal(4)}


def test_a_bill_that_was_cut_is_not_there_already(workspace: Workspace, tmp_path: Path) -> None:
    old = write(tmp_path / "old.csv", [on(date(2026, 9, 20), **MIDDLE), on(5, **MIDDLE)])
    bring(workspace, old)
    bring(workspace, write(tmp_path / "new.csv", [on(day, ResourceId="new") for day in (1, 2)]), replace=True)
    with pytest.raises(UsageError, match="2026-10-01, 2026-10-02 of it would be lost"):
        bring(workspace, old)


def test_periods_that_overlap_may_come_together(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "bills"
    write(folder / "a.csv", [on(5, SubAccountId="A", ResourceId="a", EffectiveCost="2", **MIDDLE)])
    write(folder / "b.csv", [on(5, SubAccountId="B", ResourceId="b"), on(20, SubAccountId="B", ResourceId="b")])
    bring(workspace, folder)
    assert rows(workspace, "resource", "day", quantity="cost") == [
        ("a", date(2026, 10, 5)), ("b", date(2026, 10, 20)), ("b", date(2026, 10, 5)),
    ]  # fmt: skip
    assert stored(workspace) == of_ledger(workspace) == {date(2026, 10, 1): Decimal(4)}


def test_costs_belong_to_the_month_of_their_day(workspace: Workspace, tmp_path: Path) -> None:
    first = [on(date(2026, 9, 20), EffectiveCost="1", **MIDDLE), on(5, EffectiveCost="2", **MIDDLE)]
    second = [on(20, EffectiveCost="4", **NEXT), on(date(2026, 11, 2), EffectiveCost="8", **NEXT)]
    bring(workspace, write(tmp_path / "first.csv", first))
    assert stored(workspace) == {date(2026, 9, 1): Decimal(1), date(2026, 10, 1): Decimal(2)}
    bring(workspace, write(tmp_path / "second.csv", second))
    expected = {date(2026, 9, 1): Decimal(1), date(2026, 10, 1): Decimal(6), date(2026, 11, 1): Decimal(8)}
    assert stored(workspace) == of_ledger(workspace) == expected
    corrected = [on(20, EffectiveCost="5", **NEXT), on(date(2026, 11, 2), EffectiveCost="8", **NEXT)]
    bring(workspace, write(tmp_path / "second.csv", corrected))
    assert stored(workspace) == of_ledger(workspace) == {**expected, date(2026, 10, 1): Decimal(7)}


def test_a_correction_without_amounts_takes_its_old_costs_away(workspace: Workspace, tmp_path: Path) -> None:
    november = {"BillingPeriodStart": "2026-11-01T00:00:00Z"}
    bring(workspace, write(tmp_path / "other.csv", [on(date(2026, 11, 5), EffectiveCost="3", **november)]))
    bring(workspace, write(tmp_path / "bill.csv", [line()]))
    assert stored(workspace) == {date(2026, 10, 1): Decimal(1), date(2026, 11, 1): Decimal(3)}
    bring(workspace, write(tmp_path / "bill.csv", [line(**UNPAID)]))
    assert stored(workspace) == {date(2026, 11, 1): Decimal(3)}


def test_months_of_periods() -> None:
    assert [end_of(first) for first in (date(2026, 12, 1), date(2026, 9, 14), date(2026, 1, 31), date(2028, 1, 31))] == [
        date(2027, 1, 1), date(2026, 10, 14), date(2026, 2, 28), date(2028, 2, 29),
    ]  # fmt: skip
    assert list(months_of(date(2026, 10, 1))) == [date(2026, 10, 1)]
    assert list(months_of(date(2026, 12, 2))) == [date(2026, 12, 1), date(2027, 1, 1)]
    periods = [("a", date(2026, 9, 1)), ("a", date(2026, 10, 1)), ("a", date(2026, 10, 14)), ("b", date(2026, 9, 14))]
    assert shared_months(periods, "a") == [date(2026, 10, 1), date(2026, 11, 1)]
    assert shared_months(periods, "b") == [date(2026, 9, 1), date(2026, 10, 1)]
