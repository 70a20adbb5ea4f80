# SPDX-License-Identifier: Apache-2.0
"""Folders as providers write them, with a version for each day: only files that the last manifest names are a bill."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.focus_support import bring, line, on, project, rows, write

from lichen.collect.bills.deliveries import read_delivery, superseded
from lichen.collect.bills.opening import files_of, manifests_of
from lichen.errors import StorageError

PERIOD = "20261001-20261101"


def manifest(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def cur(assembly: str, *names: str) -> dict[str, Any]:
    """A manifest of a Cost and Usage Report."""
    folder = f"finance/report/{PERIOD}/{assembly}".rstrip("/")
    return {
        "assemblyId": assembly, "account": "123", "reportId": "r", "reportName": "report",
        "billingPeriod": {"start": "20261001T000000.000Z", "end": "20261101T000000.000Z"}, "bucket": "billing",
        "reportKeys": [f"{folder}/{name}" for name in names],
    }  # fmt: skip


def azure(run: str, submitted: str, *, export: str = "focus", start: str = "2026-10-01T00:00:00") -> dict[str, Any]:
    """A manifest of an export of Azure."""
    return {
        "manifestVersion": "2024-04-01", "exportConfig": {"exportName": export, "resourceId": "/e", "type": "FocusCost"},
        "runInfo": {"executionType": "Scheduled", "submittedTime": submitted, "runId": run, "startDate": start},
        "blobs": [{"blobName": f"root/{export}/{PERIOD}/{run}/part_0_0001.csv", "byteCount": 1}],
    }  # fmt: skip


def old(folder: Path) -> list[str]:
    """Names of the files of a folder that do not count."""
    deliveries = [read_delivery(str(one), one.read_bytes()) for one in manifests_of(folder)]
    found = superseded([str(one) for one in files_of(folder)], [one for one in deliveries if one is not None])
    return [str(Path(one).relative_to(folder)) for one in found]


def files(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("a,b\n1,2\n", encoding="utf-8")


def test_the_manifest_of_the_period_names_the_assembly_that_counts(tmp_path: Path) -> None:
    files(tmp_path, f"{PERIOD}/one/report-1.csv.gz", f"{PERIOD}/two/report-1.csv.gz", f"{PERIOD}/two/report-2.csv.gz")
    files(tmp_path, "20260901-20261001/one/report-1.csv.gz", f"{PERIOD}/of-another.csv")
    manifest(tmp_path / PERIOD / "one" / "report-Manifest.json", cur("one", "report-1.csv.gz"))
    manifest(tmp_path / PERIOD / "two" / "report-Manifest.json", cur("two", "report-1.csv.gz", "report-2.csv.gz"))
    assert old(tmp_path) == [], "which of the two is the last one is not told"
    manifest(tmp_path / PERIOD / "report-Manifest.json", cur("two", "report-1.csv.gz", "report-2.csv.gz"))
    assert old(tmp_path) == [f"{PERIOD}/one/report-1.csv.gz"]
    assert old(tmp_path / PERIOD / "one") == [], "a folder that is named itself"


def test_parts_that_an_overwritten_report_left_behind_do_not_count(tmp_path: Path) -> None:
    files(tmp_path, "flat/report-1.csv.gz", "flat/report-2.csv.gz", "flat/report-3.csv.gz", "flat/azure.csv")
    manifest(tmp_path / "flat" / "report-Manifest.json", cur("", "report-1.csv.gz", "report-2.csv.gz"))
    assert old(tmp_path) == ["flat/report-3.csv.gz"]


def test_the_last_run_of_azure_counts_for_each_export_and_period(tmp_path: Path) -> None:
    for run, submitted in (
        ("r1", "2026-10-05T06:00:00.5Z"),
        ("r3", "2026-10-07T06:00:00Z"),
        ("r2", "2026-10-06T06:00:00Z"),
    ):
        files(tmp_path, f"focus/{PERIOD}/{run}/part_0_0001.csv")
        manifest(tmp_path / "focus" / PERIOD / run / "manifest.json", azure(run, submitted))
    files(tmp_path, f"focus/{PERIOD}/under-way/part_0_0001.csv", f"other/{PERIOD}/r1/part_0_0001.csv")
    manifest(tmp_path / "other" / PERIOD / "r1" / "manifest.json", azure("r1", "2026-10-01T06:00:00Z", export="other"))
    assert old(tmp_path) == [f"focus/{PERIOD}/{run}/part_0_0001.csv" for run in ("r1", "r2", "under-way")]


def test_manifests_of_data_exports_lie_beside_the_data(tmp_path: Path) -> None:
    partition = "BILLING_PERIOD=2026-10"
    names = [f"cur/data/{partition}/20261005-e1/cur-00001.csv.gz", f"cur/data/{partition}/20261006-e2/cur-00001.csv.gz"]
    files(tmp_path, *names, "cur/data/BILLING_PERIOD=2026-09/20261001-e0/cur-00001.csv.gz")
    manifest(tmp_path / "cur" / "metadata" / partition / "cur-Manifest.json",
             {"dataFiles": [f"s3://billing/finance/{names[1]}"]})  # fmt: skip
    assert old(tmp_path) == [names[0]]


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"reportKeys": []}', '{"blobs": [{}], "runInfo": {}}', '{"dataFiles": [1]}']
)
def test_what_is_no_manifest_decides_nothing(tmp_path: Path, content: str) -> None:
    files(tmp_path, "a.csv")
    (tmp_path / "manifest.json").write_text(content, encoding="utf-8")
    assert old(tmp_path) == []


def test_objects_keep_their_addresses() -> None:
    paths = [f"s3://billing/finance/report/{PERIOD}/{assembly}/report-1.csv.gz" for assembly in ("one", "two")]
    place = f"s3://billing/finance/report/{PERIOD}/report-Manifest.json"
    said = read_delivery(place, json.dumps(cur("two", "report-1.csv.gz")).encode())
    assert said is not None
    assert superseded(paths, [said]) == paths[:1]


def test_manifests_of_files_that_are_elsewhere_decide_nothing(tmp_path: Path) -> None:
    files(tmp_path, "20260901-20261001/one/report-1.csv.gz")
    manifest(tmp_path / PERIOD / "report-Manifest.json", cur("two", "report-1.csv.gz"))
    assert old(tmp_path) == []


def test_a_version_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    files(tmp_path, f"{PERIOD}/two/report-1.csv.gz")
    manifest(tmp_path / PERIOD / "report-Manifest.json", cur("two", "report-1.csv.gz", "report-2.csv.gz"))
    with pytest.raises(StorageError, match=r"names 2 files, and report-2.csv.gz is not there: the bill is not whole"):
        old(tmp_path)


def test_a_folder_with_a_version_a_day_is_one_bill(tmp_path: Path) -> None:
    exports = tmp_path / "exports"
    for run, last in (("r1", 5), ("r2", 10)):
        write(exports / PERIOD / run / "part_0_0001.csv", [on(day) for day in range(1, last + 1)])
        manifest(exports / PERIOD / run / "manifest.json", azure(run, f"2026-10-{last:02}T06:00:00Z"))
    write(
        exports / "september.csv",
        [line(BillingPeriodStart="2026-09-01T00:00:00Z", ChargePeriodStart="2026-09-30T00:00:00Z")],
    )
    workspace = project(tmp_path / "project")
    found = bring(workspace, exports).to_json()
    assert found["superseded"] == [str(exports / PERIOD / "r1" / "part_0_0001.csv")]
    assert sum(amount for (amount,) in rows(workspace, "effective_amount", quantity="cost")) == 11
