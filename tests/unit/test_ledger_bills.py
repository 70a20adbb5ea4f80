# SPDX-License-Identifier: Apache-2.0
"""What bills need of a ledger: sums beyond the digits of a float, money by currency, many rows in place of others, documents."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from tests.ledger_support import copy_to, opened, row, run_of

from lichen.errors import StorageError
from lichen.ledger import Fact, Slice, open_ledger
from lichen.records import Activity

PEAKS = {"memory_peak", "dom_elements"}


def test_byte_seconds_of_an_exabyte_add_up_in_their_own_unit(tmp_path: Path) -> None:
    month_of_exabyte = 1e18 * 31 * 86_400
    runs = [
        run_of(
            row("memory_peak", month_of_exabyte) | {"quantity": "storage_byte_seconds", "unit": "B.s"}, version=version
        )
        for version in ("1", "2")
    ]
    (total,) = opened(tmp_path, runs).totals(["attributes", "service"], peaks=PEAKS)
    assert (total["value"], total["unit"]) == (2 * month_of_exabyte, "B.s")
    assert (total["attributes"], total["service"]) == (None, None)


def test_costs_add_up_exactly_and_by_currency(tmp_path: Path) -> None:
    start, end = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC)
    facts = [
        Fact(
            activity=Activity(
                entity="shop", quantity="cost", value=float(amount), unit="currency",
                attributes={"currency": currency, "basis": "total"},
            ),
            run_id="import", started_at=start, ended_at=end, amount=Decimal(amount),
        )
        for amount, currency in (("0.1", "EUR"), ("0.2", "EUR"), ("-5", "USD"))
    ]  # fmt: skip
    ledger = open_ledger(str(tmp_path))
    ledger.replace(Slice(source="cost:x", first_day=date(2026, 3, 1), end_day=date(2026, 3, 2)), facts)
    found = {one["currency"]: (one["effective"], one["listed"], one["rows"]) for one in ledger.costs(["application"])}
    assert found == {"EUR": (Decimal("0.3"), None, 2), "USD": (Decimal(-5), None, 1)}


def bill_rows(*rows: tuple[str, date, float]) -> pa.RecordBatch:
    """Rows of Arrow with a few of the columns: source, day and value."""
    return pa.RecordBatch.from_pylist([
        {"source": source, "month": f"{day:%Y-%m}", "day": day, "entity": "shop/x/y", "application": "shop", "value": value}
        for source, day, value in rows
    ])  # fmt: skip


def test_rows_of_arrow_take_the_place_of_several_slices_in_one_commit(tmp_path: Path) -> None:
    october, december, january = date(2026, 10, 5), date(2026, 12, 5), date(2027, 1, 5)
    ledger = open_ledger(str(tmp_path))

    def slice_of(source: str, day: date) -> Slice:
        return Slice(source=source, first_day=day.replace(day=1), end_day=day.replace(day=28))

    def there() -> list[tuple[str, date, float]]:
        return sorted((one["source"], one["day"], one["value"]) for one in ledger.rows("activities"))

    first = bill_rows(("bill:a", october, 1), ("bill:b", october, 2), ("bill:a", december, 3), ("bill:a", january, 4))
    slices = [slice_of("bill:a", october), slice_of("bill:b", october), slice_of("bill:a", december)]
    assert ledger.replace_rows([*slices, slice_of("bill:a", january)], lambda: [first]) == 4
    second = bill_rows(("bill:a", october, 10), ("bill:b", october, 20))
    commits = len(list((tmp_path / "activities" / "_delta_log").glob("*.json")))
    assert ledger.replace_rows(slices, lambda: [second]) == 2
    assert len(list((tmp_path / "activities" / "_delta_log").glob("*.json"))) == commits + 1
    expected = [("bill:a", october, 10), ("bill:a", january, 4), ("bill:b", october, 20)]
    assert there() == expected
    with pytest.raises(StorageError, match="shop/x/y on 2027-01-05 of bill:a lies outside"):
        ledger.replace_rows(slices, lambda: [second, first])
    assert there() == expected, "what is refused half-way changes nothing"
    ledger.retain(date(2026, 12, 1))
    with pytest.raises(StorageError, match="keeps rows from 2026-12-01 on"):
        ledger.replace_rows(slices, lambda: [second])


def test_documents_are_kept_beside_the_tables_and_copied(tmp_path: Path) -> None:
    ledger = open_ledger(str(tmp_path / "ledger"))
    assert (ledger.documents.get("bills/aws/2026-10"), ledger.documents.names("bills")) == (None, [])
    ledger.documents.put("bills/aws/2026-10", {"rows": 1})
    ledger.documents.put("bills/aws/2026-10", {"rows": 2})
    copy_to(ledger.where, tmp_path / "copy")
    copy = open_ledger(str(tmp_path / "copy"), create=False)
    assert copy.documents.names("bills") == ["bills/aws/2026-10"]
    assert copy.documents.get("bills/aws/2026-10") == {"rows": 2}
    (tmp_path / "copy" / "documents" / "bills" / "aws" / "2026-10.json").write_text("[")
    with pytest.raises(StorageError, match="is damaged"):
        copy.documents.get("bills/aws/2026-10")
    copy.documents.remove("bills/aws/2026-10")
    assert copy.documents.names("bills") == []
