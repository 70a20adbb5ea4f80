# SPDX-License-Identifier: Apache-2.0
"""Parquet files that an engine has written become part of the ledger: whole slices in one commit, whoever writes beside."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from lichen.errors import StorageError
from lichen.ledger import Fact, Ledger, RowFile, Selection, Slice, open_ledger
from lichen.ledger.tables import row_columns
from lichen.records import Activity

OCTOBER, DECEMBER, JANUARY = date(2026, 10, 5), date(2026, 12, 5), date(2027, 1, 5)


def files_of(folder: Path, *rows: tuple[str, date, float]) -> list[RowFile]:
    """A file for each row, as an engine leaves it: source, day and value."""
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for number, (source, day, value) in enumerate(rows):
        path = folder / f"{number}.parquet"
        columns = row_columns("activities")
        row = {"day": day, "entity": "shop/x/y", "application": "shop", "quantity": "cost", "value": value, "batch": 0}
        pq.write_table(pa.Table.from_pylist([row], schema=columns), path)
        found.append(RowFile(source=source, month=f"{day:%Y-%m}", path=path))
    return found


def slices_of(*chosen: tuple[str, date], until: int = 28) -> list[Slice]:
    """Months, up to a day of them."""
    return [
        Slice(source=source, first_day=day.replace(day=1), end_day=day.replace(day=until)) for source, day in chosen
    ]


def rows_of(ledger: Ledger) -> list[tuple[str, date, float]]:
    """What it holds."""
    return sorted((row["source"], row["day"], row["value"]) for row in ledger.rows("activities"))


def commits_of(ledger: Ledger) -> int:
    return DeltaTable(f"{ledger.where}/activities").version()


def names(folder: Iterable[Path]) -> list[str]:
    return sorted(path.name for path in folder)


def test_files_take_the_place_of_several_slices_in_one_commit(tmp_path: Path) -> None:
    ledger, drafts = open_ledger(str(tmp_path / "ledger")), tmp_path / "drafts"
    first = (("bill:a", OCTOBER, 1.0), ("bill:b", OCTOBER, 2.0), ("bill:a", DECEMBER, 3.0), ("bill:a", JANUARY, 4.0))
    slices = slices_of(("bill:a", OCTOBER), ("bill:b", OCTOBER), ("bill:a", DECEMBER))
    assert ledger.replace_files([*slices, *slices_of(("bill:a", JANUARY))], files_of(drafts, *first)) == 4
    assert list(drafts.iterdir()) == [], "files are moved, not copied"
    before = commits_of(ledger)
    second = (("bill:a", OCTOBER, 10.0), ("bill:b", OCTOBER, 20.0))
    assert ledger.replace_files(slices, files_of(drafts, *second)) == 2
    assert commits_of(ledger) == before + 1
    assert rows_of(ledger) == [("bill:a", OCTOBER, 10), ("bill:a", JANUARY, 4), ("bill:b", OCTOBER, 20)]
    assert ledger.replace_files(slices, []) == 0
    assert rows_of(ledger) == [("bill:a", JANUARY, 4)]
    assert ledger.replace_files(slices, []) == 0
    assert commits_of(ledger) == before + 2, "nothing to replace is no commit"


def test_rows_of_a_month_that_lie_outside_of_the_slice_stay(tmp_path: Path) -> None:
    ledger = open_ledger(str(tmp_path / "ledger"))
    late = OCTOBER.replace(day=20)
    ledger.replace_files(
        slices_of(("bill:a", OCTOBER)), files_of(tmp_path / "drafts", ("bill:a", OCTOBER, 1.0), ("bill:a", late, 2.0))
    )
    early = slices_of(("bill:a", OCTOBER), until=15)
    ledger.replace_files(early, files_of(tmp_path / "drafts", ("bill:a", OCTOBER, 10.0)))
    assert rows_of(ledger) == [("bill:a", OCTOBER, 10), ("bill:a", late, 2)]
    ledger.replace_files(early, [])
    assert rows_of(ledger) == [("bill:a", late, 2)]


def test_a_row_outside_of_the_slices_or_too_old_refuses_all(tmp_path: Path) -> None:
    ledger, drafts = open_ledger(str(tmp_path / "ledger")), tmp_path / "drafts"
    slices = slices_of(("bill:a", OCTOBER))
    ledger.replace_files(slices, files_of(drafts, ("bill:a", OCTOBER, 1.0)))
    stray = files_of(drafts, ("bill:a", OCTOBER, 2.0), ("bill:a", OCTOBER.replace(day=29), 3.0))
    with pytest.raises(StorageError, match=r"1\.parquet of bill:a has rows of 2026-10-29, which lies outside"):
        ledger.replace_files(slices, stray)
    assert (rows_of(ledger), names(drafts.iterdir())) == ([("bill:a", OCTOBER, 1)], ["0.parquet", "1.parquet"])
    ledger.retain(DECEMBER)
    with pytest.raises(StorageError, match="keeps rows from 2026-12-05 on"):
        ledger.replace_files(slices, files_of(drafts, ("bill:a", OCTOBER, 2.0)))
    with pytest.raises(StorageError, match="'runs' is no source whose rows are replaced"):
        ledger.replace_files(slices_of(("runs", OCTOBER)), [])


def test_other_columns_are_refused(tmp_path: Path) -> None:
    ledger = open_ledger(str(tmp_path / "ledger"))
    (file,) = files_of(tmp_path / "drafts", ("bill:a", OCTOBER, 1.0))
    table = pq.read_table(file.path)
    pq.write_table(
        table.set_column(table.schema.get_field_index("batch"), "batch", pa.array([0], pa.int32())), file.path
    )
    with pytest.raises(ValueError, match="has other columns than activities: batch"):
        ledger.replace_files(slices_of(("bill:a", OCTOBER)), [file])


def test_of_two_writers_at_once_the_rows_of_one_are_there(tmp_path: Path) -> None:
    where = str(tmp_path / "ledger")
    open_ledger(where)
    failed: list[BaseException] = []
    for turn in range(4):
        start = threading.Barrier(2)
        day = OCTOBER.replace(month=turn + 1)

        def write(name: str, turn: int = turn, day: date = day, start: threading.Barrier = start) -> None:
            try:
                ledger = open_ledger(where)
                files = files_of(tmp_path / f"{name}-{turn}", ("bill:a", day, float(ord(name))))
                start.wait()
                ledger.replace_files(slices_of(("bill:a", day)), files)
            except BaseException as error:  # noqa: BLE001 - told below
                failed.append(error)

        threads = [threading.Thread(target=write, args=(name,)) for name in "xy"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failed == []
        assert [row[2] for row in rows_of(open_ledger(where)) if row[1] == day] in ([ord("x")], [ord("y")])


def test_an_append_beside_it_is_no_conflict_and_stays(tmp_path: Path) -> None:
    where = str(tmp_path / "ledger")
    one, other = open_ledger(where), open_ledger(where)
    one.replace_files(slices_of(("bill:a", OCTOBER)), files_of(tmp_path / "a", ("bill:a", OCTOBER, 1.0)))
    other.replace_files(slices_of(("bill:b", OCTOBER)), files_of(tmp_path / "b", ("bill:b", OCTOBER, 2.0)))
    one.replace_files(slices_of(("bill:a", OCTOBER)), files_of(tmp_path / "a", ("bill:a", OCTOBER, 3.0)))
    assert rows_of(other) == [("bill:a", OCTOBER, 3), ("bill:b", OCTOBER, 2)]


def test_adopted_rows_are_found_by_any_column_beside_rows_that_were_written(tmp_path: Path) -> None:
    ledger = open_ledger(str(tmp_path / "ledger"))
    activity = Activity(entity="shop/x/y", quantity="cost", value=1.0, unit="currency", attributes={"basis": "total"})
    start = datetime(2026, 10, 5, tzinfo=UTC)
    fact = Fact(activity=activity, run_id="import", started_at=start, ended_at=start.replace(day=6))
    ledger.replace(Slice(source="cost:z", first_day=OCTOBER, end_day=OCTOBER.replace(day=6)), [fact])
    ledger.replace_files(slices_of(("bill:a", OCTOBER)), files_of(tmp_path / "a", ("bill:a", OCTOBER, 2.0)))
    selection = Selection(quantities=["cost"])
    assert sorted(row["value"] for row in ledger.rows("activities", selection)) == [1.0, 2.0]
