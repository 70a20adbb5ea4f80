# SPDX-License-Identifier: Apache-2.0
"""Ledgers of every version of the columns open with their rows and their evidence, and are written to as new ones are."""

from __future__ import annotations

import json
import tarfile
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

import pytest
from tests.ledger_support import row, run_of

from lichen.ledger import Fact, Selection, Slice, open_ledger
from lichen.ledger.tables import ACTIVITIES, VERSION
from lichen.records import Activity

LEDGERS: Final = Path(__file__).parent.parent / "fixtures" / "ledgers"
FIXTURES: Final = sorted(LEDGERS.glob("v*.tar.gz"))
LATER: Final = {
    "amount": 2, "currency": 2, "tags": 2, "service": 3, "account": 3, "resource": 3, "family": 3, "coverage": 3,
    "effective_amount": 3, "billed_amount": 3, "list_amount": 3,
}  # fmt: skip
"""Columns that the first version had not, with the version that brought them."""
WRITTEN: Final = [
    ("bill:aws", "loans", date(2026, 3, 2), "network_bytes", 3e6),
    ("bill:aws", "loans", date(2026, 3, 2), "vcpu_time", 7200.0),
    ("runs", "loans", date(2026, 3, 1), "cpu_time", 1.5),
    ("runs", "loans", date(2026, 3, 1), "memory_peak", None),
    ("runs", "loans", date(2026, 3, 1), "network_bytes", 7e5),
    ("runs", "loans", date(2026, 4, 1), "cpu_time", 2.0),
    ("runs", "shop", date(2026, 3, 1), "cpu_time", 0.25),
]
"""Rows that ``tests/fixtures/ledgers/make.py`` writes."""


@pytest.fixture(params=FIXTURES, ids=lambda path: path.name)
def kept(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of a ledger of an earlier version, or of this one."""
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "ledger"


def test_this_version_has_a_fixture() -> None:
    assert f"v{VERSION}.tar.gz" in [path.name for path in FIXTURES], "python -m tests.fixtures.ledgers.make"


def test_a_ledger_of_each_version_opens_with_its_rows_and_evidence(kept: Path) -> None:
    before = json.loads((kept / "ledger.json").read_text())["version"]
    ledger = open_ledger(str(kept), create=False)
    assert json.loads((kept / "ledger.json").read_text())["version"] == ledger.version == VERSION
    table = ledger.activities()
    assert table.column_names == [column.name for column in ACTIVITIES]
    found = [
        (one["source"], one["application"], one["day"], one["quantity"], one["value"]) for one in table.to_pylist()
    ]
    assert sorted(found, key=repr) == sorted(WRITTEN, key=repr)
    for name, version in LATER.items():
        if before < version:
            assert table[name].null_count == len(WRITTEN), name
    for run_id in ledger.runs(columns=["run_id"])["run_id"].to_pylist():
        assert ledger.run(run_id)["activities"]


def test_it_is_appended_to_replaced_summed_and_compacted(kept: Path) -> None:
    ledger = open_ledger(str(kept))
    again = run_of(row(value=1.5), row("network_bytes", 7e5, zone="FR"), row("memory_peak", None))
    assert ledger.append_runs([again, run_of(row(value=4.0), version="3")]).runs == 1, "the first is there already"
    activity = Activity(entity="loans/api", quantity="vcpu_time", value=60.0, unit="s", attributes={"basis": "total"})
    start, end = datetime(2026, 3, 5, tzinfo=UTC), datetime(2026, 3, 6, tzinfo=UTC)
    ledger.replace(
        Slice(source="bill:aws", first_day=date(2026, 3, 1), end_day=date(2026, 4, 1)),
        [Fact(activity=activity, run_id="import-2", started_at=start, ended_at=end)],
    )
    chosen = Selection(quantities=["cpu_time", "vcpu_time"])
    for compacted in (False, True):
        if compacted:
            ledger.compact(keep_hours=0)
        sums = {
            (one["application"], one["quantity"]): one["value"]
            for one in ledger.totals(["application"], peaks={"memory_peak"}, selection=chosen)
        }
        assert sums == {("loans", "cpu_time"): 7.5, ("loans", "vcpu_time"): 60.0, ("shop", "cpu_time"): 0.25}
