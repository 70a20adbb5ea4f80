# SPDX-License-Identifier: Apache-2.0
"""The ledger holds what the run files hold, once, and sums as by hand."""

from __future__ import annotations

import gzip
import itertools
import json
import subprocess
import sys
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures import run as stored
from tests.ledger_support import ids, opened, row, run_of

from lichen.errors import ActivityError, StorageError
from lichen.ledger import Fact, RunContent, Selection, Slice, open_ledger
from lichen.ledger.parquet import parquet
from lichen.ledger.tables import ACTIVITIES, Column, activity_json, activity_rows
from lichen.records import Activity, canonical_json

EVERYTHING = Selection()
PEAKS = {"memory_peak", "dom_elements"}


def facts_of(day: str, value: float, app: str = "loans", hour: int = 0) -> Fact:
    moment = datetime.fromisoformat(day).replace(hour=hour, tzinfo=UTC)
    activity = Activity(
        entity=f"{app}/vm-1",
        quantity="energy",
        value=value,
        unit="kWh",
        method="metered",
        attributes={"basis": "total"},
    )
    return Fact(activity=activity, run_id="f" * 64, started_at=moment, ended_at=moment)


def test_a_run_comes_back_as_it_was_measured(tmp_path: Path) -> None:
    file = stored.write(tmp_path / "runs")
    ledger = open_ledger(str(tmp_path / "ledger"))
    appended = ledger.append_runs([RunContent(file.run_id, file.content, file.path.read_bytes())])

    assert (appended.runs, appended.activities, appended.already) == (1, len(file.content["activities"]), 0)
    by_row = {(one["entity"], one["quantity"]): one for one in file.content["activities"]}
    again = ledger.evaluable()
    assert list(again) == [file.run_id]
    assert {(one["entity"], one["quantity"]): one for one in again[file.run_id]} == by_row
    assert ledger.run(file.run_id) == file.content
    (told,) = ledger.runs().to_pylist()
    assert told["journeys"] == ["apply", "follow"]
    assert (told["samples"], told["activities"], told["application"]) == (14, len(by_row), "loans")
    assert told["started_at"] == datetime(2026, 3, 1, 10, tzinfo=UTC)
    assert ledger.evidence.get(told["artefact_sha256"]) == file.path.read_bytes()


def test_hashes_of_rows_are_those_of_the_records(tmp_path: Path) -> None:
    run = run_of(row(zone="FR", samples=[1.0, None]))
    (written,) = activity_rows(run, "", 1)
    attributes = {"tier": "device", "basis": "per_unit", "functional_unit": "visit", "zone": "FR"}
    activity = Activity(
        entity="loans/browser/apply/send",
        quantity="cpu_time",
        value=1.0,
        unit="s",
        samples=(1.0, None),
        attributes=attributes,
    )
    assert written["activity_id"] == activity.activity_id
    assert set(written) == {column.name for column in ACTIVITIES}


def test_a_run_is_there_once_however_often_it_is_given(tmp_path: Path) -> None:
    first, second = run_of(row(value=1.0)), run_of(row(value=2.0))
    ledger = open_ledger(str(tmp_path))
    assert ledger.append_runs([first, second, first]).runs == 2
    other = open_ledger(str(tmp_path))
    appended = other.append_runs([second, first])
    assert (appended.runs, appended.activities, appended.already) == (0, 0, 2)
    assert ids(ledger) == sorted([first.run_id, second.run_id])
    assert ledger.activities().num_rows == 2


def test_unknown_stays_unknown_and_zero_a_measurement(tmp_path: Path) -> None:
    ledger = opened(
        tmp_path,
        [run_of(row("cpu_time", 0.0), row("network_bytes", None, samples=[None, 3.0]), row("memory_peak", 7, zone=5))],
    )
    found = {one["quantity"]: one for one in ledger.rows("activities")}
    assert found["cpu_time"]["value"] == 0.0
    assert found["network_bytes"]["value"] is None
    assert found["network_bytes"]["samples"] == [None, 3.0]
    # An attribute that has a column, and is no text: kept with the others.
    assert json.loads(found["memory_peak"]["attributes"]) == {"zone": 5}
    assert activity_json(found["memory_peak"])["zone"] == 5
    sums = {one["quantity"]: one for one in ledger.totals([], peaks=PEAKS)}
    assert sums["cpu_time"]["value"] == 0.0
    assert (sums["network_bytes"]["value"], sums["network_bytes"]["unknown"]) == (None, 1)


@pytest.mark.parametrize(
    "change",
    [
        {"value": True}, {"value": "1"}, {"value": 10**400}, {"samples": 3}, {"samples": [1.0, "2"]}, {"entity": ""},
        {"entity": 4}, {"quantity": None}, {"started_at": "2026-03-01T10:00:00"}, {"started_at": "yesterday"},
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_row_is_refused_and_nothing_is_written(tmp_path: Path, change: dict[str, Any]) -> None:
    ledger = opened(tmp_path, [run_of(row())])
    before = sorted(path for path in tmp_path.rglob("*") if path.is_file())
    with pytest.raises(ActivityError, match=r"activities\[1\] of the run") as caught:
        ledger.append_runs([run_of(row(value=3.0)), run_of(row(), {**row(), **change})])
    assert caught.value.repair
    assert sorted(path for path in tmp_path.rglob("*") if path.is_file()) == before


HOSTILE = (
    "'; DROP TABLE runs; --",
    "<b>&",
    "=cmd|'calc'!A0",
    "\u202eevil",
    "🌿" * 100,
    "a" * 10_000,
    "%2e%2e",
    "..",
)


def test_hostile_names_are_names(tmp_path: Path) -> None:
    runs = [run_of(row(app=name, step=name), project=name) for name in HOSTILE]
    ledger = opened(tmp_path, runs)
    for name, run in zip(HOSTILE, runs, strict=True):
        (found,) = ledger.evaluable(Selection(applications=[name]))[run.run_id]
        assert found["entity"] == f"{name}/browser/apply/{name}"
        (total,) = ledger.totals(["application", "step"], peaks=PEAKS, selection=Selection(applications=[name]))
        assert (total["application"], total["step"], total["value"]) == (name, name, 1.0)
        chosen = Slice(source="bill", first_day=date(2026, 1, 1), end_day=date(2026, 2, 1), application=name)
        assert ledger.replace(chosen, [facts_of("2026-01-05", 2.0, name)]) == 1
    assert ledger.activities(Selection(sources=["bill"])).num_rows == len(HOSTILE)


def test_a_slice_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    ledger = opened(tmp_path, [run_of(row())])
    january = Slice(source="bill:aws", first_day=date(2026, 1, 1), end_day=date(2026, 2, 1))
    february = Slice(source="bill:aws", first_day=date(2026, 2, 1), end_day=date(2026, 3, 1))
    middle = Slice(source="bill:aws", first_day=date(2026, 1, 10), end_day=date(2026, 1, 20), application="loans")
    ledger.replace(
        january, [facts_of("2026-01-01", 1.0), facts_of("2026-01-15", 2.0), facts_of("2026-01-15", 9.0, "shop")]
    )
    ledger.replace(february, [facts_of("2026-02-01", 4.0)])

    def held() -> list[tuple[str, str, float]]:
        rows = ledger.rows("activities", Selection(sources=["bill:aws"]))
        return sorted((str(one["day"]), one["application"], one["value"]) for one in rows)

    kept = [("2026-01-01", "loans", 1.0), ("2026-02-01", "loans", 4.0)]
    assert held() == sorted([*kept, ("2026-01-15", "loans", 2.0), ("2026-01-15", "shop", 9.0)])
    ledger.replace(middle, [facts_of("2026-01-12", 5.0), facts_of("2026-01-13", 6.0)])
    restated = [("2026-01-12", "loans", 5.0), ("2026-01-13", "loans", 6.0), ("2026-01-15", "shop", 9.0)]
    assert held() == sorted([*kept, *restated])
    ledger.replace(middle, [])
    assert held() == sorted([*kept, ("2026-01-15", "shop", 9.0)])
    assert len(ids(ledger)) == 1


@pytest.mark.parametrize("day", ["2026-01-31", "2026-03-01"])
def test_a_row_outside_of_its_slice_is_refused(tmp_path: Path, day: str) -> None:
    ledger = opened(tmp_path)
    chosen = Slice(source="bill", first_day=date(2026, 2, 1), end_day=date(2026, 3, 1))
    ledger.replace(chosen, [facts_of("2026-02-28", 1.0, hour=23)])
    with pytest.raises(StorageError, match="outside of what is replaced"):
        ledger.replace(chosen, [facts_of("2026-02-02", 2.0), facts_of(day, 3.0)])
    assert ledger.activities(columns=["value"])["value"].to_pylist() == [1.0]


def test_a_row_from_before_the_days_kept_is_not_imported(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    ledger.retain(date(2026, 2, 1))
    chosen = Slice(source="bill", first_day=date(2026, 1, 1), end_day=date(2026, 3, 1))
    assert ledger.replace(chosen, [facts_of("2026-02-01", 1.0)]) == 1
    with pytest.raises(StorageError, match="keeps rows from 2026-02-01 on"):
        ledger.replace(chosen, [facts_of("2026-01-31", 2.0), facts_of("2026-02-01", 3.0)])
    assert ledger.activities(columns=["value"])["value"].to_pylist() == [1.0]


@pytest.mark.parametrize("source", ["runs", "", "Bill", "a'b", "../x"])
def test_runs_are_never_replaced_and_sources_are_plain_words(tmp_path: Path, source: str) -> None:
    ledger = opened(tmp_path, [run_of(row())])
    with pytest.raises(StorageError, match="no source whose rows are replaced"):
        ledger.replace(Slice(source=source, first_day=date(2000, 1, 1), end_day=date(2100, 1, 1)), [])
    assert len(ids(ledger)) == 1


def test_sums_are_those_by_hand(tmp_path: Path) -> None:
    ledger = opened(
        tmp_path,
        [
            run_of(
                row("cpu_time", 0.1),
                row("cpu_time", 0.2, step="b"),
                row("memory_peak", 10),
                row("memory_peak", 30, step="b"),
            ),
            run_of(row("cpu_time", 0.7), row("memory_peak", 20), version="2"),
            run_of(row("cpu_time", 5.0), day="2026-03-02"),
            run_of(row("cpu_time", 8.0, app="shop"), project="shop"),
        ],
    )

    def value(by: list[Any], selection: Selection = EVERYTHING) -> list[tuple[Any, ...]]:
        found = ledger.totals(by, peaks=PEAKS, selection=selection)
        return [
            (*(str(one[key]) for key in by), one["quantity"], one["value"], one["rows"], one["runs"]) for one in found
        ]

    # In floats, 0.1 + 0.2 + 0.7 is 1 or 0.9999999999999999, by the order of adding.
    assert value(["application", "day"]) == [
        ("loans", "2026-03-01", "cpu_time", 1.0, 3, 2),
        ("loans", "2026-03-01", "memory_peak", 30.0, 3, 2),
        ("loans", "2026-03-02", "cpu_time", 5.0, 1, 1),
        ("shop", "2026-03-01", "cpu_time", 8.0, 1, 1),
    ]
    cpu = Selection(quantities=["cpu_time"], applications=["loans"], end_day=date(2026, 3, 2))
    assert value(["step"], cpu) == [("b", "cpu_time", 0.2, 1, 1), ("send", "cpu_time", 0.8, 2, 2)]


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30))
@settings(max_examples=15, deadline=None)
def test_sums_do_not_depend_on_the_order(tmp_path_factory: pytest.TempPathFactory, values: list[float]) -> None:
    import duckdb
    import ibis
    import pyarrow as pa

    from lichen.ledger.sums import totals

    def total(order: list[float]) -> Any:
        connection = duckdb.connect()
        keys = {"quantity": "cpu_time", "unit": "s", "basis": "total", "run_id": "r", "application": "a"}
        columns = {key: [text] * len(order) for key, text in keys.items()}
        connection.register("rows", pa.table({**columns, "value": order}))
        table = ibis.duckdb.from_connection(connection).table("rows")
        return totals(table, ["application"], peaks=set()).to_pyarrow()["value"].to_pylist()

    (found,) = total(values)
    assert total(sorted(values)) == total(sorted(values, reverse=True)) == [found]
    assert abs(float(found) - sum(values)) <= 1e-9 * sum(values) + 1e-12


def test_selections_name_days_with_their_months(tmp_path: Path) -> None:
    days = ["2025-12-31", "2026-01-01", "2026-01-31", "2026-02-01"]
    runs = {day: run_of(row(), day=day) for day in days}
    ledger = opened(tmp_path, list(runs.values()))
    for first, end in itertools.combinations_with_replacement([*days, "2026-02-02"], 2):
        chosen = Selection(first_day=date.fromisoformat(first), end_day=date.fromisoformat(end))
        wanted = sorted(run.run_id for day, run in runs.items() if first <= day < end)
        assert ids(ledger, chosen) == wanted
        assert sorted(ledger.evaluable(chosen)) == wanted
        assert sum(one["runs"] for one in ledger.totals([], peaks=PEAKS, selection=chosen)) == len(wanted)
    assert ids(ledger, Selection(run_ids=[])) == []


def test_a_run_that_crosses_midnight_elsewhere_is_filed_by_its_day_in_utc(tmp_path: Path) -> None:
    run = run_of(row())
    content = {**run.content, "started_at": "2026-04-01T00:30:00+02:00", "ended_at": "2026-04-01T00:31:00+02:00"}
    ledger = opened(tmp_path, [RunContent.of(content)])
    (found,) = ledger.rows("runs")
    assert (str(found["day"]), found["month"]) == ("2026-03-31", "2026-03")
    assert found["started_at"] == datetime(2026, 3, 31, 22, 30, tzinfo=UTC)


def test_evidence_is_kept_once_and_checked(tmp_path: Path) -> None:
    ledger = opened(tmp_path)
    sha256 = ledger.evidence.put(b"a bill")
    assert ledger.evidence.put_all([b"a bill", b"another"])[0] == sha256
    assert ledger.evidence.get(sha256) == b"a bill"
    assert len(list(ledger.evidence.stored())) == 2
    (tmp_path / "evidence" / sha256[:2] / sha256).write_bytes(b"a bent bill")
    with pytest.raises(StorageError, match="was changed"):
        ledger.evidence.get(sha256)
    for unknown in ("0" * 64, "../../ledger.json", ""):
        with pytest.raises(StorageError, match="has no evidence"):
            ledger.evidence.get(unknown)


def test_evidence_of_a_run_that_came_without_its_file_is_the_run_file(tmp_path: Path) -> None:
    run = run_of(row())
    ledger = opened(tmp_path, [run])
    (told,) = ledger.rows("runs")
    assert gzip.decompress(ledger.evidence.get(told["artefact_sha256"])) == canonical_json(run.content)


def test_rows_become_a_parquet_file_whose_columns_tell_their_units() -> None:
    columns = [
        Column("name", "text", "who"),
        Column("energy_kwh", "number", "drawn", "kWh"),
        Column("on", "day", "when", "day"),
    ]
    rows = [{"name": "=1+1 🌿", "energy_kwh": 0.0, "on": date(2026, 1, 2)}, {"name": None, "energy_kwh": None}]
    table = pq.read_table(BytesIO(parquet(columns, rows)))
    assert table.to_pylist() == [rows[0], {"name": None, "energy_kwh": None, "on": None}]
    assert table.schema.field("energy_kwh").metadata == {b"unit": b"kWh", b"description": b"drawn"}
    assert pq.read_table(BytesIO(parquet(columns, []))).column_names == ["name", "energy_kwh", "on"]
    with pytest.raises(ValueError, match=r"."):
        parquet(columns, [{"energy_kwh": "much"}])


def test_commands_that_need_run_files_load_no_engine() -> None:
    engines = ("pyarrow", "deltalake", "duckdb", "ibis")
    program = f"import sys, lichen.ledger.runfile; print([name for name in {engines} if name in sys.modules])"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "[]"
