# SPDX-License-Identifier: Apache-2.0
"""Compaction and retention, versions, and places that hold no ledger or a damaged one."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.ledger_support import batch_of, check_whole, ids, opened, row, run_of

from lichen.errors import StorageError
from lichen.ledger import Ledger, Selection, handles, open_ledger, tables
from lichen.ledger.tables import Column


def rows_of(ledger: Ledger) -> list[str]:
    return sorted(json.dumps(one, default=str, sort_keys=True) for one in ledger.rows("activities"))


def parquet(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*.parquet") if "_delta_log" not in path.parts)


def test_compaction_changes_files_and_no_row(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    for number in range(6):
        ledger.append_runs(batch_of(number))
    before, told = rows_of(ledger), ids(ledger)
    reader = open_ledger(str(tmp_path))._reader.dataset("activities")

    done = ledger.compact()
    assert (done.files_before, done.files_after, done.files_removed) == (12, 2, 0)
    assert (rows_of(ledger), ids(ledger)) == (before, told)
    # Who has begun to read goes on.
    assert reader.count_rows() == len(before)

    assert ledger.compact(keep_hours=0).files_removed == 12
    assert (rows_of(ledger), ids(ledger)) == (before, told)
    assert check_whole(ledger, size=5) == 30
    assert [ledger.append_runs(batch_of(3)).runs, open_ledger(str(tmp_path)).append_runs(batch_of(3)).runs] == [0, 0]


def test_a_reader_goes_on_when_the_log_it_knew_was_cleaned_up(tmp_path: Path) -> None:
    reader = opened(tmp_path, batch_of(0))
    assert check_whole(reader) == 5
    other = open_ledger(str(tmp_path))
    for number in (1, 2):
        other.append_runs(batch_of(number))
    other.compact()
    for name in ("activities", "runs"):
        log = tmp_path / name / "_delta_log"
        newest = max(path.name[:20] for path in log.glob("*.checkpoint.parquet"))
        for path in log.glob("*.json"):
            if path.name[:20] <= newest:
                path.unlink()
    assert check_whole(reader) == len(ids(reader)) == 15
    assert reader.append_runs(batch_of(2)).already == 5


def test_what_a_dead_writer_left_is_removed_once_it_is_old(tmp_path: Path) -> None:
    ledger = opened(tmp_path, batch_of(1))
    month = next((tmp_path / "activities").rglob("month=*"))
    left, fresh = month / "part-left.parquet", month / "part-fresh.parquet"
    for path in (left, fresh):
        path.write_bytes(b"half")
    named = ledger.runs(columns=["artefact_sha256"])["artefact_sha256"].to_pylist()
    old, new = ledger.evidence.put(b"old"), ledger.evidence.put(b"new")
    hours_ago = time.time() - 2 * 3600
    for path in (left, *(tmp_path / "evidence" / sha256[:2] / sha256 for sha256 in (old, named[0]))):
        os.utime(path, (hours_ago, hours_ago))

    done = ledger.compact(keep_hours=0)
    assert (left.exists(), fresh.exists()) == (False, True)
    assert done.evidence_removed == 1
    with pytest.raises(StorageError, match="has no evidence"):
        ledger.evidence.get(old)
    assert ledger.evidence.get(new) == b"new"
    assert all(ledger.evidence.get(sha256) for sha256 in named)
    assert check_whole(ledger) == 5


def test_small_files_are_joined_now_and_then_by_themselves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lichen.ledger.opening._JOIN_EVERY", 4)
    ledger = opened(tmp_path)
    for number in range(9):
        ledger.append_runs(batch_of(number, size=2, rows=3))
    assert ledger.status().table_files == 2 * 2
    assert check_whole(ledger, rows=3, size=2) == 18


def test_retention_removes_days_for_good(tmp_path: Path) -> None:
    old = [run_of(row(), day=day) for day in ("2024-12-31", "2025-01-31", "2025-02-01")]
    kept = [run_of(row(), day=day) for day in ("2025-02-02", "2025-03-01")]
    ledger = opened(tmp_path, [*old, *kept])
    done = ledger.retain(date(2025, 2, 2))
    assert (done.runs, done.activities, done.evidence_removed) == (3, 3, 3)
    assert ids(ledger) == sorted(run.run_id for run in kept)
    assert ledger.activities().num_rows == 2
    assert ledger.status().retained_from == date(2025, 2, 2)

    again = open_ledger(str(tmp_path)).append_runs([*old, *kept])
    assert (again.runs, again.already, again.expired) == (0, 2, 3)
    # An earlier day does not bring back what was removed, nor what may come.
    assert ledger.retain(date(2024, 1, 1)).runs == 0
    assert ledger.status().retained_from == date(2025, 2, 2)
    assert len(parquet(tmp_path)) > 4
    ledger.compact(keep_hours=0)
    assert len(parquet(tmp_path)) == 4
    assert len([path for path in (tmp_path / "evidence").rglob("*") if path.is_file()]) == 2


def test_files_that_were_rewritten_are_filtered_like_others(tmp_path: Path) -> None:
    kept = run_of(row(), day="2026-01-20")
    ledger = opened(tmp_path, [run_of(row(), day="2026-01-02"), kept, run_of(row(app="shop"), day="2026-01-03")])
    ledger.retain(date(2026, 1, 3))
    ledger.compact()
    ledger.retain(date(2026, 1, 4))
    for path in parquet(tmp_path):
        texts = {str(field.type) for field in pq.read_schema(path)}
        assert not [name for name in texts if "view" in name], path
    assert ids(ledger, Selection(run_ids=[kept.run_id], first_day=date(2026, 1, 1))) == [kept.run_id]
    with ledger.duckdb() as connection:
        found = connection.sql("SELECT count(*) FROM activities WHERE application = 'loans' AND quantity = 'cpu_time'")
        assert found.fetchall() == [(1,)]


def test_status_counts_what_is_there(tmp_path: Path) -> None:
    empty = opened(tmp_path / "empty").status()
    assert (empty.runs, empty.activities, empty.first_day, empty.evidence_files) == (0, {}, None, 0)
    ledger = opened(
        tmp_path / "some", [run_of(row(), row(step="b")), run_of(row(app="shop"), project="shop", day="2026-04-02")]
    )
    found = ledger.status()
    assert (found.runs, found.activities, found.applications) == (2, {"runs": 3}, 2)
    assert (found.first_day, found.last_day) == (date(2026, 3, 1), date(2026, 4, 2))
    files = parquet(tmp_path / "some")
    assert (found.table_files, found.table_bytes) == (len(files), sum(path.stat().st_size for path in files))
    kept = [path for path in (tmp_path / "some" / "evidence").rglob("*") if path.is_file()]
    assert (found.evidence_files, found.evidence_bytes) == (2, sum(path.stat().st_size for path in kept))


@pytest.fixture
def next_version(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lichen with one more column."""
    more = Column("weather", "text", "sky above the machine")
    monkeypatch.setattr(tables, "VERSION", tables.VERSION + 1)
    monkeypatch.setattr(handles, "VERSION", tables.VERSION)
    monkeypatch.setitem(tables.COLUMNS, "activities", (*tables.ACTIVITIES, more))  # type: ignore[arg-type]
    tables.schema.cache_clear()
    yield
    tables.schema.cache_clear()


def test_an_older_ledger_gets_the_columns_that_it_lacks(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    before = rows_of(opened(tmp_path, batch_of(1)))
    request.getfixturevalue("next_version")
    ledger = open_ledger(str(tmp_path))
    assert ledger.version == json.loads((tmp_path / "ledger.json").read_text())["version"] == tables.VERSION
    (weather,) = set(ledger.activities()["weather"].to_pylist())
    assert weather is None
    assert ledger.append_runs(batch_of(2)).runs == 5
    assert check_whole(open_ledger(str(tmp_path))) == 10
    assert [
        one
        for one in rows_of(ledger)
        if one.replace('"weather": null, ', "").replace(', "weather": null', "") in before
    ]


def test_a_migration_that_was_cut_off_is_completed(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    opened(tmp_path, batch_of(1))
    marker = (tmp_path / "ledger.json").read_bytes()
    request.getfixturevalue("next_version")
    open_ledger(str(tmp_path))
    (tmp_path / "ledger.json").write_bytes(marker)  # as if it had been killed before the marker was written
    assert open_ledger(str(tmp_path)).version == tables.VERSION
    assert check_whole(open_ledger(str(tmp_path))) == 5


def test_a_newer_ledger_is_refused(tmp_path: Path) -> None:
    opened(tmp_path)
    marker = tmp_path / "ledger.json"
    marker.write_text(json.dumps({**json.loads(marker.read_text()), "version": tables.VERSION + 1}))
    with pytest.raises(StorageError, match=f"has version {tables.VERSION + 1}; this Lichen knows versions up to"):
        open_ledger(str(tmp_path))


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'{"version": "two"}', b'{"version": 1, "retained_from": "soon"}'], ids=str
)
def test_a_damaged_marker_is_refused(tmp_path: Path, content: bytes) -> None:
    opened(tmp_path)
    (tmp_path / "ledger.json").write_bytes(content)
    with pytest.raises(StorageError, match=r"ledger\.json is damaged"):
        open_ledger(str(tmp_path))


def damage_last(log: Path) -> None:
    last = max(log.glob("*.json"))
    last.write_bytes(last.read_bytes()[:-40])


def damage_type(log: Path) -> None:
    first = min(log.glob("*.json"))
    first.write_text('{"metaData": 7}\n')


def remove_first(log: Path) -> None:
    min(log.glob("*.json")).unlink()


@pytest.mark.parametrize("damage", [damage_last, damage_type, remove_first])
def test_a_damaged_log_is_named(tmp_path: Path, damage: Any) -> None:
    opened(tmp_path, batch_of(1))
    damage(tmp_path / "activities" / "_delta_log")
    with pytest.raises(StorageError) as caught:
        open_ledger(str(tmp_path)).activities()
    assert str(tmp_path / "activities") in caught.value.problem
    assert "\n" not in caught.value.sentence()
    assert "backup" in caught.value.repair


def test_a_file_of_rows_that_is_gone_is_named(tmp_path: Path) -> None:
    ledger = opened(tmp_path, batch_of(1))
    for path in parquet(tmp_path / "activities"):
        path.unlink()
    with pytest.raises(StorageError, match="activities"):
        ledger.activities()


def test_other_places_are_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    for create in (True, False):
        with pytest.raises(StorageError, match="is no ledger, and not empty"):
            open_ledger(str(tmp_path), create=create)
    with pytest.raises(StorageError, match="There is no ledger in"):
        open_ledger(str(tmp_path / "none"), create=False)
    with pytest.raises(StorageError, match=r"notes\.txt"):
        open_ledger(str(tmp_path / "notes.txt"))
    for place in ("gs://bucket/x", "s3://", "http://127.0.0.1/x"):
        with pytest.raises(StorageError, match="is no place for a ledger"):
            open_ledger(place)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_creation_that_was_cut_off_is_completed(tmp_path: Path) -> None:
    opened(tmp_path / "whole")
    place = tmp_path / "cut"
    place.mkdir()
    (place / "ledger.json").write_bytes((tmp_path / "whole" / "ledger.json").read_bytes())
    assert open_ledger(str(place)).append_runs(batch_of(1)).runs == 5
