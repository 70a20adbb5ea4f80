# SPDX-License-Identifier: Apache-2.0
"""Bills written again: all lines and columns stay, and the figures of lines add up to those of the ledger."""

from __future__ import annotations

import csv
import gzip
import math
import os
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from tests.focus_support import LINE, OWNERS, STORAGE, TAX, bring, line, of_month, on, project, write

from lichen.errors import StorageError, UsageError
from lichen.ledger import Selection
from lichen.service.bills.exporting import ExportedBill, export_bills
from lichen.service.board.gathering import summable, total_documents
from lichen.service.context import open_context
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.workspace import Workspace

METHOD = "lichen-1"
CLOUD = Path(__file__).parents[3] / "shared" / "data" / "cloud"
FIGURES = {
    "energy_kwh": ("energy", ("use",), 1.0), "gwp_use_kgco2e": ("gwp100", ("use",), 1e3),
    "gwp_embodied_kgco2e": ("gwp100", ("embodied",), 1e3), "water_l": ("water", ("use", "embodied"), 1.0),
    "adpe_kgsbe": ("adpe", ("use", "embodied"), 1e3), "pe_mj": ("pe", ("use", "embodied"), 1.0),
}  # fmt: skip


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return project(tmp_path / "project")


def export(workspace: Workspace, path: Path | str, output: Path, form: Any = "csv") -> ExportedBill:
    (found,) = export_bills(workspace, [str(path)], output, form, method_id=METHOD)
    return found


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def sums(rows: list[dict[str, Any]]) -> dict[str, float]:
    return {name: math.fsum(float(row[f"x_lichen_{name}"] or 0) for row in rows) for name in FIGURES}


def of_ledger(workspace: Workspace) -> dict[str, float]:
    """What the method makes of the imported bill, month by month."""
    context = open_context(workspace)
    found = dict.fromkeys(FIGURES, 0.0)
    with context.store:
        sources = [name for name in context.ledger.sources() if name.startswith("bill:")]
        months = total_documents(context, Selection(sources=sources, quantities=summable(context)), ("month",))
    for (month,), documents in months.items():
        activities, said = parse_document(workspace, {"activities": documents})
        on_day = date.fromisoformat(f"{month}-01")
        evaluation = evaluate_activities(workspace, workspace.method(METHOD), activities, said, on=on_day)
        for total in evaluation.totals(lambda _: ""):
            for name, (indicator, phases, scale) in FIGURES.items():
                if (total.indicator, total.accounting) == (indicator, "location") and total.phase in phases:
                    found[name] += total.value / scale
    return found


def close(found: dict[str, float], expected: dict[str, float]) -> None:
    assert found == {name: pytest.approx(value, rel=1e-9) for name, value in expected.items()}


def test_lines_add_up_to_the_ledger(workspace: Workspace, tmp_path: Path) -> None:
    lines = [
        line(), on(6, ConsumedQuantity="0.37"), on(7, **STORAGE), of_month("2026-02", **STORAGE), of_month("2026-11"),
        line(RegionId="us-east-1"), line(RegionId="mars-1"), line(**TAX),
    ]  # fmt: skip
    bill = write(tmp_path / "bill.csv", lines)
    bring(workspace, bill)
    done = export(workspace, bill, tmp_path / "out.csv")
    rows = read(tmp_path / "out.csv")
    assert (done.lines, done.format, done.method) == (8, "focus", METHOD)
    expected = of_ledger(workspace)
    assert all(expected.values())
    close(sums(rows), expected)


def test_what_came_stays_as_it_came(workspace: Workspace, tmp_path: Path) -> None:
    lines = [on(day, ResourceId=f"i-{day}", Tags='{"a":"x, \\"y\\""}') for day in range(1, 20)]
    export(workspace, write(tmp_path / "bill.csv", lines), tmp_path / "out.csv")
    rows = sorted(read(tmp_path / "out.csv"), key=lambda row: row["ChargePeriodStart"])
    assert [{name: row[name] for name in LINE} for row in rows] == lines
    assert list(rows[0])[: len(LINE)] == list(LINE)
    assert all(name.startswith("x_lichen_") for name in list(rows[0])[len(LINE) :])


def test_what_is_not_estimated_says_why_and_has_no_figure(workspace: Workspace, tmp_path: Path) -> None:
    lines = [line(), line(**TAX), line(ConsumedQuantity="", PricingQuantity=""), line(ConsumedQuantity="-24")]
    export(workspace, write(tmp_path / "bill.csv", lines), tmp_path / "out.csv")
    rows = read(tmp_path / "out.csv")
    by_quantity = {row["ConsumedQuantity"]: row for row in rows if row["ChargeCategory"] == "Usage"}
    machine, back, none = (by_quantity[quantity] for quantity in ("24", "-24", ""))
    (tax,) = (row for row in rows if row["ChargeCategory"] == "Tax")
    assert (machine["x_lichen_platform"], machine["x_lichen_family"]) == ("aws:m5.xlarge", "compute")
    assert (tax["x_lichen_coverage"], tax["x_lichen_energy_kwh"]) == ("no_usage", "")
    assert (none["x_lichen_coverage"], none["x_lichen_energy_kwh"]) == ("no_quantity", "")
    assert float(back["x_lichen_energy_kwh"]) == -float(machine["x_lichen_energy_kwh"])
    for row in (machine, back):
        low, high = float(row["x_lichen_gwp_low_kgco2e"]), float(row["x_lichen_gwp_high_kgco2e"])
        value = float(row["x_lichen_gwp_use_kgco2e"]) + float(row["x_lichen_gwp_embodied_kgco2e"])
        assert low < value < high


def test_parquet_comes_out_of_parquet(workspace: Workspace, tmp_path: Path) -> None:
    import pyarrow as pa

    bill = tmp_path / "bill.parquet"
    row: dict[str, Any] = {**LINE, "ConsumedQuantity": 24.0, "Tags": [("application", "shop")]}
    kinds = [(name, pa.map_(pa.string(), pa.string()) if name == "Tags" else None) for name in LINE]
    fields = [
        pa.field(name, kind or (pa.float64() if name == "ConsumedQuantity" else pa.string())) for name, kind in kinds
    ]
    pq.write_table(pa.Table.from_pylist([row], schema=pa.schema(fields)), bill)
    export(workspace, bill, tmp_path / "out.parquet", "parquet")
    found = pq.read_table(tmp_path / "out.parquet")
    assert found.schema.field("ConsumedQuantity").type == pa.float64()
    assert found["Tags"].to_pylist() == [[("application", "shop")]]
    export(workspace, bill, tmp_path / "out.csv")
    (told,) = read(tmp_path / "out.csv")
    assert told["Tags"] == '{"application":"shop"}'
    assert float(told["x_lichen_energy_kwh"]) == found["x_lichen_energy_kwh"].to_pylist()[0]


def test_measured_loads_count_as_they_do_in_the_ledger(tmp_path: Path) -> None:
    workspace = project(tmp_path / "project", f'{OWNERS}\n[bills]\nutilisation = "loads.csv"\n')
    (tmp_path / "project" / "loads.csv").write_text("resource,cpu,day\ni-1,0.9,2026-10-06\n", encoding="utf-8")
    bill = write(tmp_path / "bill.csv", [line(), on(6)])
    bring(workspace, bill)
    export(workspace, bill, tmp_path / "out.csv")
    usual, loaded = sorted(read(tmp_path / "out.csv"), key=lambda row: row["ChargePeriodStart"])
    assert float(loaded["x_lichen_energy_kwh"]) > float(usual["x_lichen_energy_kwh"])
    close(sums([usual, loaded]), of_ledger(workspace))


@pytest.mark.skipif(not CLOUD.exists(), reason="sample bills are not beside this checkout")
def test_a_real_bill_adds_up_to_the_ledger(workspace: Workspace, tmp_path: Path) -> None:
    """Oracle bills memory apart from processors, which methods compute together."""
    bring(workspace, CLOUD / "oci_cost_report.csv")
    done = export(workspace, CLOUD / "oci_cost_report.csv", tmp_path / "out.parquet", "parquet")
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert done.lines == len(rows)
    close(sums(rows), of_ledger(workspace))


def test_written_twice_the_columns_are_there_once(workspace: Workspace, tmp_path: Path) -> None:
    export(workspace, write(tmp_path / "bill.csv", [line()]), tmp_path / "one.csv")
    export(workspace, tmp_path / "one.csv", tmp_path / "two.csv")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_a_bill_of_the_ledger_is_found_by_its_name_while_it_is_what_it_was(
    workspace: Workspace, tmp_path: Path
) -> None:
    bill = write(tmp_path / "bill.csv", [line()])
    bring(workspace, bill)
    assert export(workspace, "bill:aws-payer", tmp_path / "out.csv").bill == str(bill)
    write(bill, [line(), line()])
    with pytest.raises(StorageError, match="is no more what was imported"):
        export(workspace, "bill:aws-payer", tmp_path / "out.csv")
    with pytest.raises(UsageError, match="There is no bill 'bill:gcp'"):
        export(workspace, "bill:gcp", tmp_path / "out.csv")


def test_a_slash_at_the_end_means_a_folder(workspace: Workspace, tmp_path: Path) -> None:
    bill = write(tmp_path / "a.csv", [line()])
    export_bills(workspace, [str(bill)], f"{tmp_path}/new/", "csv", method_id=METHOD)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["a.csv"]


def test_several_bills_go_into_a_folder(workspace: Workspace, tmp_path: Path) -> None:
    for name in "ab":
        write(tmp_path / "in" / f"{name}.csv", [line()])
    export_bills(workspace, [str(tmp_path / "in")], tmp_path / "out", "parquet", method_id=METHOD)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.parquet", "b.parquet"]


def test_bills_of_one_name_lie_in_their_folders(workspace: Workspace, tmp_path: Path) -> None:
    for name, day in (("2026-09/part.csv", 1), ("2026-10/part.csv", 2), ("2026-10/focus-2026.10.csv", 3)):
        write(tmp_path / "in" / name, [on(day, ResourceId=name)])
    done = export_bills(workspace, [str(tmp_path / "in")], tmp_path / "out", "csv", method_id=METHOD)
    written = sorted(path for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert [str(path.relative_to(tmp_path / "out")) for path in written] == [
        "2026-09/part.csv", "2026-10/focus-2026.10.csv", "2026-10/part.csv",
    ]  # fmt: skip
    assert sorted(one.output for one in done) == [str(path) for path in written]
    assert [row["ResourceId"] for path in written for row in read(path)] == [
        "2026-09/part.csv", "2026-10/focus-2026.10.csv", "2026-10/part.csv",
    ]  # fmt: skip


def test_no_bill_is_written_over_another_one(workspace: Workspace, tmp_path: Path) -> None:
    write(tmp_path / "in" / "a.csv", [line()])
    (tmp_path / "in" / "a.csv.gz").write_bytes(gzip.compress((tmp_path / "in" / "a.csv").read_bytes() + b"\n"))
    with pytest.raises(UsageError, match=r"a.csv and .*a.csv.gz would both be written to .*a.parquet"):
        export_bills(workspace, [str(tmp_path / "in")], tmp_path / "out", "parquet", method_id=METHOD)
    assert not (tmp_path / "out").exists()
    with pytest.raises(UsageError, match=r"a.csv is a bill\."):
        export_bills(workspace, [str(tmp_path / "in" / "a.csv.gz"), str(tmp_path / "in" / "a.csv")], tmp_path / "in",
                     "csv", method_id=METHOD)  # fmt: skip


def test_what_fails_leaves_nothing(workspace: Workspace, tmp_path: Path) -> None:
    bill = write(tmp_path / "bill.csv", [line()])
    before = bill.read_bytes()
    with pytest.raises(UsageError, match="is the bill itself"):
        export(workspace, bill, bill)
    assert bill.read_bytes() == before
    wrong = write(tmp_path / "wrong.csv", [line(ConsumedQuantity="lots")])
    with pytest.raises(StorageError, match="amounts or days that cannot be read"):
        export(workspace, wrong, tmp_path / "out" / "out.csv")
    assert not (tmp_path / "out").exists()


def test_a_device_or_a_bucket_is_no_place_for_a_bill(workspace: Workspace, tmp_path: Path) -> None:
    bill = write(tmp_path / "bill.csv", [line()])
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(StorageError, match="pipe is not a regular file"):
        export(workspace, bill, pipe)
    assert pipe.is_fifo()
    with pytest.raises(UsageError, match=r"out\.csv is no file of this machine"):
        export(workspace, bill, Path("s3://bucket/out.csv"))


def test_a_link_goes_on_to_its_file(workspace: Workspace, tmp_path: Path) -> None:
    bill = write(tmp_path / "bill.csv", [line()])
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    done = export(workspace, bill, tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert done.output == str(tmp_path / "link.csv")
    assert len(read(tmp_path / "real.csv")) == 1


def test_a_line_that_an_engine_drops_is_not_left_out(workspace: Workspace, tmp_path: Path) -> None:
    bill = write(tmp_path / "bill.csv", [line()])
    with bill.open("a") as file:
        file.write("x" * (40 << 20))
    with pytest.raises(StorageError, match="has a line of more than 1 MiB"):
        export(workspace, bill, tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()
