# SPDX-License-Identifier: Apache-2.0
"""The data folder of the portal: seed, reset, and what an account may see."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from lichen.demo import datadir, reset, seed
from lichen.demo.database import DATABASE_NAME, Database, QueryMeter, query_meter
from lichen.demo.forms import is_siren
from lichen.demo.passwords import hash_password, verify_password
from lichen.demo.pictures import encode_png
from lichen.demo.repository import Account, Filters, count, listing, listing_row_by_row
from lichen.errors import StorageError

ADVISER = Account(1, "", "", None)


def dump(path: Path) -> list[str]:
    connection = sqlite3.connect(path)
    try:
        return list(connection.iterdump())
    finally:
        connection.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    datadir.prepare(tmp_path)
    return tmp_path


@pytest.fixture
def database(folder: Path):
    opened = Database(folder / DATABASE_NAME)
    yield opened
    opened.close()


def test_the_seed_is_the_same_each_time(tmp_path: Path) -> None:
    seed.build(tmp_path / "one.db")
    seed.build(tmp_path / "two.db")
    assert dump(tmp_path / "one.db") == dump(tmp_path / "two.db")


def test_the_seed_is_as_large_as_said(database: Database) -> None:
    def size(table: str) -> int:
        row = database.row(f"SELECT count(*) AS n FROM {table}")
        assert row is not None
        return row["n"]

    assert (size("company"), size("application")) == (60, 400)
    assert size("document") > 800
    assert all(is_siren(row["siren"]) for row in database.rows("SELECT siren FROM company"))
    assert database.rows("SELECT 1 FROM event WHERE occurred_on > '2025-06-30'") == []


def test_reset_restores_data_under_an_open_connection(folder: Path, database: Database) -> None:
    before = dump(folder / DATABASE_NAME)
    database.change("DELETE FROM message")
    database.change("INSERT INTO session VALUES ('x', 1)")
    (folder / datadir.UPLOADS_NAME / "left").write_bytes(b"x")
    assert dump(folder / DATABASE_NAME) != before
    assert reset.main(["--data", str(folder)]) == 0
    assert dump(folder / DATABASE_NAME) == before
    assert database.rows("SELECT * FROM session") == []
    assert list((folder / datadir.UPLOADS_NAME).iterdir()) == []
    assert database.change("INSERT INTO company VALUES (61, '1', 'a', 'b', 'c', 1, 1)") == 61


def test_reset_of_another_folder_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reset.main(["--data", str(tmp_path)]) == 2
    assert capsys.readouterr().err == (
        f"{tmp_path}: this is no data folder of the portal. Start the portal with --data on it first.\n"
    )


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        datadir.prepare(tmp_path / "file")


def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    def fail_half_way() -> None:
        with database.transaction():
            database.change("DELETE FROM message")
            database.change("INSERT INTO session VALUES ('x', 999)")

    with pytest.raises(sqlite3.IntegrityError):
        fail_half_way()
    assert database.rows("SELECT 1 FROM message LIMIT 1") != []


@pytest.mark.parametrize("filters", [Filters(), Filters(status="refused"), Filters(company="du lac"), Filters("%")])
def test_the_careless_list_shows_the_same_rows_with_more_queries(database: Database, filters: Filters) -> None:
    fast, slow = QueryMeter(), QueryMeter()
    token = query_meter.set(fast)
    rows = [dict(row) for row in listing(database, ADVISER, filters, 1)]
    query_meter.reset(token)
    token = query_meter.set(slow)
    careless = listing_row_by_row(database, ADVISER, filters, 1)
    query_meter.reset(token)
    assert careless == rows
    assert fast.count == 1
    assert slow.count == 1 + 4 * len(rows)


def test_an_owner_sees_one_company(database: Database) -> None:
    owner = Account(2, "", "", 1)
    rows = listing(database, owner, Filters(), 1)
    assert rows
    assert {row["company_id"] for row in rows} == {1}
    assert count(database, owner, Filters()) == len(rows) < count(database, ADVISER, Filters()) == 400


def test_passwords() -> None:
    stored = hash_password("secret", b"0123456789abcdef")
    assert verify_password("secret", stored)
    assert not verify_password("Secret", stored)
    assert "secret" not in stored


def test_originals_are_real_png_files(tmp_path: Path) -> None:
    image = pytest.importorskip("PIL.Image", reason="Pillow decodes what we encode; it is a development dependency")
    pixels = np.random.default_rng(1).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    path = tmp_path / "x.png"
    path.write_bytes(encode_png(pixels))
    with image.open(path) as decoded:
        assert np.array_equal(np.asarray(decoded.convert("RGB")), pixels)
