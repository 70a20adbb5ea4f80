# SPDX-License-Identifier: Apache-2.0
"""Bills that are damaged, strange or unlucky: one sentence, and nothing half-written."""

from __future__ import annotations

import fcntl
import gzip
import os
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from tests.focus_support import LINE, bring, ledger_of, line, on, project, rows, write

from lichen.cli.app import root as cli
from lichen.collect.bills.pipeline import Pipeline
from lichen.errors import ExitCode, LichenError, StorageError, StoreBusy, UsageError
from lichen.ledger.writer import Writer
from lichen.service.workspace import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return project(tmp_path / "project")


@pytest.fixture
def good(workspace: Workspace, tmp_path: Path) -> list[tuple[Any, ...]]:
    """What a project holds that has a bill of October already."""
    bring(workspace, write(tmp_path / "good.csv", [line(EffectiveCost="42")]))
    return state(workspace)


def state(workspace: Workspace) -> list[tuple[Any, ...]]:
    return rows(workspace, "source", "day", "quantity", "value", "effective_amount")


def refused(workspace: Workspace, *places: Path, **order: Any) -> str:
    """The sentence that an import is refused with."""
    with pytest.raises(LichenError) as error:
        bring(workspace, *places, **order)
    assert error.value.exit_code is ExitCode.USAGE
    assert error.value.repair
    return error.value.problem


def cut(path: Path, share: float = 0.6) -> Path:
    """A file without its end."""
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    return path


def test_a_gzip_that_is_cut_off(workspace: Workspace, good: list[Any], tmp_path: Path) -> None:
    lines = [on(day % 30 + 1, ResourceId=f"i-{day * 7919}") for day in range(3000)]
    plain = write(tmp_path / "big.csv", lines)
    packed = tmp_path / "big.csv.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert str(packed) in refused(workspace, cut(packed))
    assert state(workspace) == good


def test_parquet_and_gzip_are_read_as_csv_is(workspace: Workspace, tmp_path: Path) -> None:
    lines = [on(day, ConsumedQuantity=f"{day / 3}", EffectiveCost=f"{day / 7:.9f}") for day in range(1, 20)]
    plain = write(tmp_path / "bill.csv", lines)
    packed = tmp_path / "bill.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    table = tmp_path / "bill.parquet"
    columns = {name: [one[name] or None for one in lines] for name in LINE}
    pq.write_table(pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}), table)
    bring(workspace, plain)
    expected = state(workspace)
    for path in (packed, table):
        bring(workspace, path, replace=True)
        assert state(workspace) == expected, path


def test_parquet_that_is_cut_off_or_damaged_inside(workspace: Workspace, good: list[Any], tmp_path: Path) -> None:
    lines = [on(day % 30 + 1, ResourceId=f"i-{day * 7919}") for day in range(3000)]
    table = pa.table({name: [one[name] for one in lines] for name in LINE})
    path = tmp_path / "bill.parquet"
    pq.write_table(table, path)
    whole = path.read_bytes()
    assert str(path) in refused(workspace, cut(path))
    middle = len(whole) // 3
    path.write_bytes(whole[:middle] + bytes(2000) + whole[middle + 2000 :])
    assert str(path) in refused(workspace, path)
    assert state(workspace) == good


def test_a_line_with_too_many_cells_is_named(workspace: Workspace, good: list[Any], tmp_path: Path) -> None:
    path = write(tmp_path / "bill.csv", [on(day) for day in range(1, 9)])
    lines = path.read_text().splitlines()
    lines[4] += ",more"
    path.write_text("\n".join(lines) + "\n")
    assert f"{path}:5 has {len(LINE) + 1} cells where there are {len(LINE)} headings" in refused(workspace, path)
    assert state(workspace) == good


def test_an_amount_that_is_none_is_shown_with_its_column(workspace: Workspace, good: list[Any], tmp_path: Path) -> None:
    path = write(tmp_path / "bill.csv", [on(5), on(6, BilledCost="1,50")])
    said = refused(workspace, path)
    assert "BilledCost" in said
    assert "'1,50'" in said
    assert state(workspace) == good
    assert not list((workspace.settings.folder / ".lichen" / "bills").glob("charges/*")), (
        "what is refused is not gone on with"
    )


def test_texts_that_stand_for_nothing(workspace: Workspace, tmp_path: Path) -> None:
    nothing = dict.fromkeys(("ChargeClass", "ListCost", "SkuPriceDetails", "SubAccountName"), "NULL")
    bring(workspace, write(tmp_path / "bill.csv", [line(**nothing)]))
    assert rows(workspace, "list_amount", quantity="cost") == [(None,)]
    assert rows(workspace, "value", quantity="instance_time") == [(86_400.0,)]


def test_one_bad_file_of_several_stops_all(workspace: Workspace, good: list[Any], tmp_path: Path) -> None:
    folder = tmp_path / "bills"
    write(folder / "a.csv", [line()])
    (folder / "b.csv").write_text(",".join(name for name in LINE if name != "BilledCost") + "\n")
    assert "b.csv" in refused(workspace, folder)
    assert state(workspace) == good


def test_a_number_of_too_many_digits(workspace: Workspace, good: list[Any], tmp_path: Path) -> None:
    lines = [line(EffectiveCost="9e22", BilledCost="9e22") for _ in range(100)]
    assert refused(workspace, write(tmp_path / "bill.csv", lines))
    assert state(workspace) == good


def test_a_ledger_that_fails_leaves_the_store_as_it_was(
    workspace: Workspace, good: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> int:
        raise StorageError("The disk is full.", repair="Free some space.")

    bill = write(tmp_path / "bill.csv", [line(), on(7, Tags='{"application":"new"}')])
    with monkeypatch.context() as patched:
        patched.setattr(Writer, "replace_files", fail)
        assert refused(workspace, bill) == "The disk is full."
    assert state(workspace) == good
    with pytest.raises(UsageError, match="no application 'new'"):
        bring(workspace, bill, create=False)
    found = bring(workspace, bill)
    assert (found.unchanged, found.made) == (False, ("new",))


def test_two_imports_at_once(workspace: Workspace, good: list[Any], tmp_path: Path) -> None:
    with (workspace.settings.folder / ".lichen" / "bills" / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(StoreBusy, match="Another import of bills is under way"):
            bring(workspace, write(tmp_path / "bill.csv", [line()]))
    assert state(workspace) == good
    assert not bring(workspace, write(tmp_path / "bill.csv", [line()])).unchanged


def test_names_that_are_none(workspace: Workspace, tmp_path: Path) -> None:
    bill = write(tmp_path / "bill.csv", [line()])
    assert "focos" in refused(workspace, bill, format="focos")
    assert "sqlite" in refused(workspace, bill, engine="sqlite")
    assert "--source" in refused(workspace, bill, source=" ")
    assert "nowhere" in refused(workspace, tmp_path / "nowhere")
    assert not (workspace.settings.folder / ".lichen" / "ledger").exists()


def test_names_from_a_bill_cannot_break_out(workspace: Workspace, tmp_path: Path) -> None:
    odd = "../../etc'; DROP TABLE x; --\x1f/é\u202e"
    path = write(tmp_path / 'it\'s a "bill".csv', [line(ResourceId=odd, BillingAccountId="../up", ServiceName="a/b'c")])
    bring(workspace, path)
    ((entity, source, resource),) = rows(workspace, "entity", "source", "resource", quantity="cost")
    assert (entity.count("/"), resource) == (2, odd)
    assert source.startswith("bill:aws-")
    (name,) = ledger_of(workspace).documents.names("bills")
    assert name.count("/") == 2
    assert not list(tmp_path.glob("project/.lichen/up*"))


@pytest.mark.parametrize(
    ("lang", "word"), [("en", "written: 3 rows of the ledger"), ("fr", "écrit\u00a0: 3 lignes du registre")]
)
def test_the_command_says_what_it_did(workspace: Workspace, tmp_path: Path, lang: str, word: str) -> None:
    bill = write(tmp_path / "bill.csv", [line()])
    config = ["--config", str(workspace.settings.folder / "lichen.toml"), "--lang", lang]
    done = CliRunner().invoke(cli, ["import", "bills", str(bill), "--create", *config])
    assert (done.exit_code, done.exception) == (0, None), done.output
    assert word in done.stdout
    assert ("1.00\u00a0EUR" if lang == "en" else "1,00\u00a0EUR") in done.stdout
    again = CliRunner().invoke(cli, ["import", "bills", str(bill), "--json", *config])
    assert '"unchanged": true' in again.stdout


def test_amounts_are_never_floats(workspace: Workspace, tmp_path: Path) -> None:
    cents = [line(EffectiveCost="0.1", BilledCost="0.1", ResourceId=f"i-{number}") for number in range(10)]
    found = bring(workspace, write(tmp_path / "bill.csv", cents))
    (money,) = found.details["money"]
    assert money["effective"] == "1"
    assert sum(row[0] for row in rows(workspace, "effective_amount", quantity="cost")) == Decimal(1)


def test_a_pipe_is_not_waited_for(workspace: Workspace, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "bill.csv")
    assert refused(workspace, tmp_path / "bill.csv") == f"{tmp_path / 'bill.csv'} is no file."


def test_headings_alone_replace_nothing(workspace: Workspace, good: list[Any], tmp_path: Path) -> None:
    assert "has no line below" in refused(workspace, write(tmp_path / "empty.csv", []), replace=True)
    assert state(workspace) == good


def test_one_bill_in_two_shapes_is_not_counted_twice(workspace: Workspace, good: list[Any], tmp_path: Path) -> None:
    lines = [on(day, EffectiveCost=f"{day / 7:.9f}") for day in range(1, 20)]
    folder = tmp_path / "both"
    plain = write(folder / "bill.csv", lines)
    columns = {name: [one[name] or None for one in lines] for name in LINE}
    pq.write_table(
        pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}), folder / "bill.parquet"
    )
    assert "tell the same lines" in refused(workspace, folder, replace=True)
    assert state(workspace) == good
    write(folder / "other.csv", [{**one, "SubAccountId": "456", "ResourceId": "i-2"} for one in lines])
    (folder / "bill.parquet").unlink()
    bring(workspace, folder, replace=True)
    assert len(state(workspace)) == 2 * 3 * len(lines), plain


def test_a_structure_is_no_amount(workspace: Workspace, tmp_path: Path) -> None:
    columns = {name: pa.array([value or None], pa.string()) for name, value in line().items()}
    columns["EffectiveCost"] = pa.array([{"amount": 1}])
    pq.write_table(pa.table(columns), tmp_path / "bill.parquet")
    assert "has 1 line whose EffectiveCost cannot be read" in refused(workspace, tmp_path / "bill.parquet")


def test_days_outside_of_their_period_are_told(workspace: Workspace, tmp_path: Path) -> None:
    late = [on(5), on(date(2026, 11, 2), ResourceId="i-2"), on(date(2026, 9, 30), ResourceId="i-3")]
    told = bring(workspace, write(tmp_path / "late.csv", late)).told
    assert told is not None
    assert told.moved == 2


def test_a_file_that_changes_while_it_is_read(
    workspace: Workspace, good: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bill = write(tmp_path / "bill.csv", [line()])
    summed = Pipeline.join

    def join(self: Pipeline, files: Any) -> None:
        summed(self, files)
        with bill.open("ab") as more:
            more.write(bill.read_bytes().splitlines(keepends=True)[-1])

    with monkeypatch.context() as patched:
        patched.setattr(Pipeline, "join", join)
        assert refused(workspace, bill) == f"{bill} changed while it was read."
    assert state(workspace) == good
    assert sum(file["lines"] for file in bring(workspace, bill).files) == 2
