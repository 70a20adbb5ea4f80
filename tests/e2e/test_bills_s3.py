# SPDX-License-Identifier: Apache-2.0
"""Bills in a bucket of a real S3 server, into a ledger in another: whole, or not at all, however the way is cut."""

from __future__ import annotations

import gzip
import json
import math
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from pyarrow.fs import S3FileSystem
from tests.big_bill_support import write_part
from tests.focus_support import OWNERS, bring, line, on, project, write
from tests.s3_support import BUCKET, S3, Cable, s3_server

from lichen.errors import StorageError
from lichen.ledger import Ledger, open_ledger
from lichen.ledger.location import parse
from lichen.service.bills.importing import BillOrder, import_bills
from lichen.service.progress import Silent
from lichen.service.workspace import Workspace

pytestmark = [pytest.mark.slow, pytest.mark.beside]
ROWS = 20_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server(tmp_path_factory.mktemp("s3")) as found:
        yield found


@pytest.fixture
def s3(server: S3, monkeypatch: pytest.MonkeyPatch) -> S3:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server


@pytest.fixture
def cable(s3: S3, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cable]:
    found = Cable(s3.url, back=True)
    monkeypatch.setenv("AWS_ENDPOINT_URL", found.url)
    yield found
    found.close()


def system(s3: S3) -> S3FileSystem:
    """The server, past Lichen."""
    return S3FileSystem(
        access_key=s3.environment["AWS_ACCESS_KEY_ID"], secret_key=s3.environment["AWS_SECRET_ACCESS_KEY"],
        endpoint_override=s3.url, region="us-east-1",
    )  # fmt: skip


def put(s3: S3, name: str, content: bytes) -> str:
    """An object of the bucket."""
    with system(s3).open_output_stream(f"{BUCKET}/{name}", compression=None) as stream:
        stream.write(content)
    return s3.place(name)


def billed(ledger: Ledger) -> Decimal:
    return sum((row["billed_amount"] for row in ledger.rows("activities") if row["quantity"] == "cost"), Decimal(0))


def nothing_in(where: str) -> bool:
    """Whether nothing lies where the ledger is to be: it is made by the first import that has rows for it."""
    return parse(where).empty()


def in_bucket(s3: S3, tmp_path: Path, name: str) -> tuple[Workspace, str]:
    """A project whose ledger is in the bucket, and the place of that."""
    where = s3.place(f"ledgers/{name}")
    return project(tmp_path / name, f'{OWNERS}\n[server]\nledger = "{where}"\n'), where


def test_objects_become_rows_in_a_bucket(s3: S3, tmp_path: Path) -> None:
    first = write(tmp_path / "a.csv", [on(5), on(6, BilledCost="2")]).read_bytes()
    second = write(tmp_path / "b.csv", [on(7, BilledCost="4")]).read_bytes()
    put(s3, "whole/focus/a.csv.gz", gzip.compress(first))
    put(s3, "whole/focus/more/b.csv", second)
    put(s3, "whole/focus/manifest.json", b"{}")
    workspace, where = in_bucket(s3, tmp_path, "whole")
    found = bring(workspace, s3.place("whole/focus"))
    ledger = open_ledger(where, create=False)
    assert sorted(file["name"] for file in found.to_json()["files"]) == [
        s3.place("whole/focus/a.csv.gz"), s3.place("whole/focus/more/b.csv"),
    ]  # fmt: skip
    assert billed(ledger) == 7
    assert bring(workspace, s3.place("whole/focus")).unchanged
    put(s3, "whole/focus/more/b.csv", write(tmp_path / "b.csv", [on(7, BilledCost="8")]).read_bytes())
    assert not bring(workspace, s3.place("whole/focus")).unchanged
    assert billed(ledger) == 11
    assert not list((workspace.settings.folder / ".lichen").rglob("downloads/*/*"))


def test_of_versions_in_a_bucket_the_last_one_counts(s3: S3, tmp_path: Path) -> None:
    names = {}
    for run, last in (("e1", 3), ("e2", 6)):
        days = write(tmp_path / "part.csv", [on(day) for day in range(1, last)]).read_bytes()
        names[run] = put(s3, f"versions/focus/data/BILLING_PERIOD=2026-10/2026100{last}-{run}/focus-00001.csv", days)
    put(s3, "versions/focus/metadata/BILLING_PERIOD=2026-10/focus-Manifest.json",
        json.dumps({"dataFiles": [names["e2"]]}).encode())  # fmt: skip
    workspace, where = in_bucket(s3, tmp_path, "versions")
    assert bring(workspace, s3.place("versions/focus")).superseded == [names["e1"]]
    assert billed(open_ledger(where, create=False)) == 5


def test_a_dry_run_leaves_nothing(s3: S3, tmp_path: Path) -> None:
    place = put(s3, "dry/a.csv", write(tmp_path / "a.csv", [line()]).read_bytes())
    workspace, where = in_bucket(s3, tmp_path, "dry")
    assert bring(workspace, place, dry_run=True).dry_run
    assert nothing_in(where)


def test_an_object_that_was_cut_off_is_told(s3: S3, tmp_path: Path) -> None:
    whole = write_parquet(tmp_path)
    place = put(s3, "cut/a.parquet", whole[: len(whole) // 2])
    workspace, where = in_bucket(s3, tmp_path, "cut")
    with pytest.raises(StorageError) as caught:
        bring(workspace, place)
    assert "\n" not in caught.value.sentence()
    assert nothing_in(where)
    put(s3, "cut/a.parquet", whole)
    bring(workspace, place)
    assert billed(open_ledger(where, create=False)) > 0


def test_a_way_that_is_cut_half_way_leaves_nothing_half_written(s3: S3, cable: Cable, tmp_path: Path) -> None:
    content = write_parquet(tmp_path)
    put(s3, "half/a.parquet", content)
    put(s3, "half/b.csv", write(tmp_path / "b.csv", [line()]).read_bytes())
    workspace, where = in_bucket(s3, tmp_path, "half")
    spool = workspace.settings.folder / ".lichen"
    for share in (0.3, 0.9):
        cable.let_pass(share * len(content))
        with pytest.raises(StorageError, match="does not answer") as caught:
            bring(workspace, s3.place("half"))
        assert "\n" not in caught.value.sentence()
        assert not list(spool.rglob("*.part"))
        cable.let_pass(math.inf)
        assert nothing_in(where)
    found = bring(workspace, s3.place("half"))
    assert sum(file["lines"] for file in found.to_json()["files"]) == ROWS + 1
    here = project(tmp_path / "here")
    bring(here, tmp_path / "part.parquet", tmp_path / "b.csv")
    assert billed(open_ledger(where, create=False)) == billed(
        open_ledger(str(tmp_path / "here" / ".lichen" / "ledger"))
    )


def test_an_object_that_goes_after_it_was_listed(s3: S3, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        put(s3, f"gone/{name}.csv", write(tmp_path / "x.csv", [line(ResourceId=name)]).read_bytes())
    workspace, where = in_bucket(s3, tmp_path, "gone")

    class Remover(Silent):
        def sample(self, journey: str, taken: int, expected: int, precision: float | None) -> None:
            system(s3).delete_file(f"{BUCKET}/gone/c.csv") if not removed else None
            removed.append(taken)

    removed: list[int] = []
    with pytest.raises(StorageError, match=r"/gone/c\.csv was there a moment ago and is gone\."):
        import_bills(workspace, BillOrder(places=[s3.place("gone")], create=True), progress=Remover())
    assert nothing_in(where)
    found = bring(workspace, s3.place("gone"))
    assert [file["name"] for file in found.to_json()["files"]] == [s3.place("gone/a.csv"), s3.place("gone/b.csv")]


def test_a_spool_that_cannot_be_written_is_no_fault_of_the_bucket(s3: S3, tmp_path: Path) -> None:
    place = put(s3, "kept/a.csv", write(tmp_path / "a.csv", [line()]).read_bytes())
    workspace = project(tmp_path / "kept")
    spool = workspace.settings.folder / ".lichen" / "bills"
    spool.mkdir(parents=True)
    (spool / "downloads").touch()
    with pytest.raises(StorageError, match=r"/kept/a\.csv cannot be kept in .*/downloads/\w+: Not a directory\."):
        bring(workspace, place)


def write_parquet(folder: Path) -> bytes:
    """A bill of some thousand lines."""
    write_part(folder / "part.parquet", part=1, rows=ROWS)
    return (folder / "part.parquet").read_bytes()


def test_a_server_that_is_away_and_a_bucket_without_bills(
    s3: S3, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = project(tmp_path / "away")
    with pytest.raises(StorageError, match="There is no bill in"):
        bring(workspace, s3.place("nothing/here"))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-this-one")
    with pytest.raises(StorageError, match="refuses these credentials") as caught:
        bring(workspace, s3.place("nothing/here"))
    assert "not-this-one" not in caught.value.sentence()
