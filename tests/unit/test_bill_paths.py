# SPDX-License-Identifier: Apache-2.0
"""Names of files and folders are taken as they are: no pattern that others answer to, no address, no column."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from tests.carbon_support import aws, write_csv
from tests.focus_support import LINE, bring, line, project, rows, write

from lichen.cli.app import root as cli
from lichen.collect.bills.engine import DuckEngine
from lichen.collect.bills.opening import sniff
from lichen.service.bills.carbon import import_carbon
from lichen.service.bills.exporting import export_bills

NAMES: Final = {
    "a?b": "aXb", "a*b": "aXXb", "a[1]b": "a1b", "a[!x]b": "ayb", "**": "other", "a%2Fb": "b", "a b": "a%20b", "a#b": "a",
    "a'b": "ab", "a{x,y}": "ax", "~": "home", "BILLING_PERIOD=2026-10": "other", "é": "e",
}  # fmt: skip
"""A name, and one that it would mean too, or mean instead."""


def as_csv(path: Path, lines: list[dict[str, str]]) -> Path:
    return write(path.with_name(f"{path.name}.csv"), lines)


def as_gzip(path: Path, lines: list[dict[str, str]]) -> Path:
    plain = as_csv(path, lines)
    packed = plain.with_name(f"{plain.name}.gz")
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()
    return packed


def as_parquet(path: Path, lines: list[dict[str, str]]) -> Path:
    table = path.with_name(f"{path.name}.parquet")
    table.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({name: [one[name] for one in lines] for name in LINE}), table)
    return table


@pytest.mark.parametrize("kind", [as_csv, as_gzip, as_parquet], ids=["csv", "gzip", "parquet"])
@pytest.mark.parametrize("place", ["file", "folder"])
def test_an_engine_reads_the_file_that_is_named(
    tmp_path: Path, place: str, kind: Callable[[Path, list[dict[str, str]]], Path]
) -> None:
    for number, (name, other) in enumerate(NAMES.items()):
        folder = tmp_path / str(number)
        own, decoy = (folder / one if place == "file" else folder / one / "bill" for one in (name, other))
        kind(decoy, [line(ResourceId="another's")] * 7)
        opened = sniff(kind(own, [line(ResourceId="own")] * 3))
        # Where it keeps what it sums has such a name too.
        spool = own.parent / "spool"
        with DuckEngine(spool) as engine:
            engine.write(engine.read(opened)[["ResourceId"]], spool / "out")
            found = engine.spooled([spool / "out"], "out")
            told = [row for batch in engine.arrow(found) for row in batch.to_pylist()]
        assert told == [{"ResourceId": "own"}] * 3, name


@pytest.mark.parametrize("name", ["a?b*", "[1]", "a %20#b", "BILLING_PERIOD=2026-10"])
def test_bills_go_in_and_come_out(tmp_path: Path, name: str) -> None:
    workspace = project(tmp_path / "project")
    for other in ("aXb", "1", "a"):
        write(tmp_path / other / f"{other}.csv", [line(EffectiveCost="1000")])
    bill = write(tmp_path / name / f"{name}.csv", [line(EffectiveCost="2")])
    found = bring(workspace, tmp_path / name)
    assert [(file["name"], file["lines"]) for file in found.files] == [(str(bill), 1)]
    assert [float(cost) for (cost,) in rows(workspace, "effective_amount", quantity="cost")] == [2.0]
    output = tmp_path / f"out {name}" / f"{name}.csv"
    (done,) = export_bills(workspace, ["bill:aws-payer"], output, "csv", method_id="lichen-1")
    assert (done.bill, done.lines) == (str(bill), 1)
    with output.open(newline="", encoding="utf-8") as file:
        (row,) = csv.DictReader(file)
    assert [one for one in row if not one.startswith("x_lichen_")] == list(LINE)


@pytest.mark.parametrize("name", ["a?b*", "[1]", "a %2Fb#", "BILLING_PERIOD=2026-10"])
def test_what_providers_say_of_their_emissions(tmp_path: Path, name: str) -> None:
    folder = tmp_path / name
    folder.mkdir()
    path = write_csv(folder / f"{name}.csv", [aws()])
    table = folder / f"{name}.parquet"
    pq.write_table(pa.Table.from_pylist([aws(usage_account_id="other")]), table)
    workspace = project(tmp_path / "project")
    found = import_carbon(workspace, [str(folder)])
    assert {file["name"] for file in found.files} == {str(path), str(table)}
    assert found.rows == 12


@pytest.mark.parametrize("name", ["a [1]", "a%20b", "a\\b"])
def test_a_folder_that_the_ledger_cannot_lie_in_is_refused_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    folder = tmp_path / name
    project(folder)
    write(folder / "bill.csv", [line()])
    write_csv(folder / "carbon.csv", [aws()])
    monkeypatch.chdir(folder)
    for words in (
        ["import", "bills", "bill.csv", "--create"],
        ["import", "carbon", "carbon.csv"],
        ["ledger", "ingest", "."],
        ["bills", "reconcile"],
    ):
        result = CliRunner().invoke(cli, words)
        assert result.exit_code == 2, result.output
        assert f"The ledger cannot lie in {folder}/.lichen/ledger: the name of a folder there holds" in result.output
        assert "[server] ledger in lichen.toml" in result.output
    assert not (folder / ".lichen" / "lichen.db").exists()
    assert not (folder / ".lichen" / "ledger").exists()
    # Named elsewhere, it does not matter where the project lies.
    (folder / "lichen.toml").write_text(f'[server]\nledger = "{tmp_path}/facts"\n', encoding="utf-8")
    assert CliRunner().invoke(cli, ["import", "carbon", "carbon.csv"]).exit_code == 0


def test_any_other_name_of_a_project_does(tmp_path: Path) -> None:
    workspace = project(tmp_path / "what? * {a,b} #1 100% k=v 'é'")
    assert bring(workspace, write(tmp_path / "bill.csv", [line()])).rows
    assert import_carbon(workspace, [str(write_csv(tmp_path / "carbon.csv", [aws()]))]).rows
    assert {source for (source,) in rows(workspace, "source")} == {"bill:aws-payer", "vendor:aws-payer"}
