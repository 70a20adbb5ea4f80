# SPDX-License-Identifier: Apache-2.0
"""Versions of one bill without manifests: refused where they are in one import; parts of one bill are not."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.focus_support import STORAGE, bring, on, project, rows, write

from lichen.errors import StorageError
from lichen.service.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return project(tmp_path / "project")


def month(last: int, *, of_last: str = "1") -> list[dict[str, str]]:
    """A machine from the first to a last day, the cost of which is still growing."""
    return [*(on(day) for day in range(1, last)), on(last, EffectiveCost=of_last, BilledCost=of_last)]


def test_a_month_that_grows_counts_once(workspace: Workspace, tmp_path: Path) -> None:
    early = write(tmp_path / "exports" / "run-a" / "part.csv", month(5, of_last="0.2"))
    late = write(tmp_path / "exports" / "run-b" / "part.csv", [*month(10, of_last="0.3"), on(3, **STORAGE)])
    for places in ([tmp_path / "exports"], [late, early]):
        with pytest.raises(StorageError) as refused:
            bring(workspace, *places)
        assert refused.value.problem == (
            f"{late} tells the charges of {early} again, of 2026-10-01 to 2026-10-05: their money would count twice."
        )
    bring(workspace, late)
    assert len(rows(workspace, "day", quantity="cost")) == 11


def test_parts_of_one_bill_are_one_bill(workspace: Workspace, tmp_path: Path) -> None:
    """By service, by day, by account, by hour of the same machine in one folder, or with other amounts."""
    folder = tmp_path / "bills"
    write(folder / "compute" / "a.csv", month(6))
    write(folder / "storage" / "a.csv", [on(day, **STORAGE) for day in range(2, 5)])
    write(folder / "later" / "a.csv", [on(day) for day in range(7, 9)])
    write(folder / "account" / "a.csv", [on(day, SubAccountId="124") for day in range(2, 4)])
    write(folder / "compute" / "b.csv", [on(day) for day in range(2, 4)])
    write(folder / "rest" / "a.csv", [on(day, EffectiveCost="0.4", BilledCost="0.4") for day in range(2, 4)])
    bring(workspace, folder)
    assert sum(float(amount) for (amount,) in rows(workspace, "effective_amount", quantity="cost")) == pytest.approx(
        6 + 3 + 2 + 2 + 2 + 0.8
    )
