# SPDX-License-Identifier: Apache-2.0
"""The store on SQLite: made, opened again, read beside a writer, and every way in which a file can be no store."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as some
from sqlalchemy import Connection, func, inspect, select, text
from tests.store_support import AT, full_rows

from lichen.cli.app import root
from lichen.errors import StorageError, StoreBusy, StoreConflict
from lichen.store import Store, engine, open_store, schema
from lichen.store import models as m


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(folder=tmp_path) as opened:
        yield opened


def application(code: str = "portal") -> m.Application:
    return m.Application(code=code, name=code.title())


def differences(connection: Connection) -> list[object]:
    context = MigrationContext.configure(connection, opts={"version_table": schema.VERSION_TABLE})
    found: list[object] = compare_metadata(context, m.Base.metadata)
    return found


# --- making and opening


def test_a_store_is_made_in_the_folder_and_opened_again(tmp_path: Path) -> None:
    with open_store(folder=tmp_path) as store, store.session() as session:
        session.add(application())
    assert (tmp_path / ".lichen" / "lichen.db").is_file()
    with open_store(folder=tmp_path) as store, store.reading() as session:
        assert session.scalars(select(m.Application.code)).all() == ["portal"]


@pytest.mark.filterwarnings("ignore:.*expression-based index:sqlalchemy.exc.SAWarning")
@pytest.mark.filterwarnings("ignore:autogenerate skipping metadata-specified expression-based index:UserWarning")
def test_the_migrations_make_what_the_models_say(store: Store) -> None:
    with store.engine.connect() as connection:
        assert differences(connection) == []
        made = {index["name"] for index in inspect(connection).get_indexes("cost")}
        assert made == {index.name for index in m.Cost.__table__.indexes}  # type: ignore[attr-defined]
        sql = connection.execute(text("SELECT sql FROM sqlite_master WHERE name = 'uq_traffic_slot'")).scalar_one()
        assert sql == (
            "CREATE UNIQUE INDEX uq_traffic_slot ON traffic (application_id, coalesce(journey_id, ''), day, source)"
        )
        checks = {name for name in m.Base.metadata.tables for _ in inspect(connection).get_check_constraints(name)}
        assert "application" in checks
        for name, table in m.Base.metadata.tables.items():
            there = {check["name"] for check in inspect(connection).get_check_constraints(name)}
            assert there == {str(check.name) for check in table.constraints if str(check.name).startswith("ck_")}, name


def test_sqlite_is_set_for_durability(store: Store) -> None:
    with store.engine.connect() as connection:
        told = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert told == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_every_column_comes_back_as_it_was_written(store: Store) -> None:
    for row in full_rows():
        with store.session() as session:
            session.add(row)
    for written in full_rows():
        with store.reading() as session:
            key = inspect(type(written)).primary_key_from_instance(written)
            read = session.get_one(type(written), tuple(key))
            for column in written.__table__.columns:
                assert getattr(read, column.key) == getattr(written, column.key), column


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://host/db", "'mysql://host/db' is no address of a store."),
        ("lichen.db", "'lichen.db' is no address of a store."),
        ("sqlite://host/lichen.db", "is no address of a store."),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
    ],
)
def test_addresses_of_no_store_are_refused(url: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="store") as refusal:
        open_store(url, folder=tmp_path)
    assert said in refusal.value.problem
    assert refusal.value.repair == "Write sqlite:///FILE or postgresql://HOST/DATABASE."


def test_no_password_is_shown(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as refusal:
        open_store("mysql://me:hunter22@host/db", folder=tmp_path)
    assert "hunter22" not in refusal.value.sentence() + refusal.value.culprit


def test_a_relative_file_starts_from_the_folder_and_odd_names_are_files(tmp_path: Path) -> None:
    folder = tmp_path / "a b%c?d#é"
    folder.mkdir()
    open_store("sqlite:///own.db", folder=folder).close()
    open_store(folder=folder).close()
    assert sorted(path.name for path in folder.iterdir()) == [".lichen", "own.db"]


def test_the_owner_alone_reads_it_and_git_leaves_it_alone(tmp_path: Path) -> None:
    open_store(folder=tmp_path).close()
    made = tmp_path / ".lichen"
    assert {path.name: path.stat().st_mode & 0o777 for path in (made, made / "lichen.db")} == {
        ".lichen": 0o700,
        "lichen.db": 0o600,
    }
    assert (made / ".gitignore").read_text() == "*\n"
    with open_store(folder=tmp_path) as store, store.session() as session:
        session.add(application())
        assert (made / "lichen.db-wal").stat().st_mode & 0o777 == 0o600


# --- files that are no store


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"These are the notes of Tuesday." * 200)
    with pytest.raises(StorageError) as refusal:
        open_store("sqlite:///x.db", folder=tmp_path)
    assert refusal.value.problem == f"The file {tmp_path / 'x.db'} is no database."
    assert (tmp_path / "x.db").read_bytes().startswith(b"These are")


def test_the_database_of_another_program(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "x.db") as other:
        other.execute("CREATE TABLE notes (id INTEGER)")
    other.close()
    with pytest.raises(StorageError, match=r"has tables of another program \(notes\)"):
        open_store("sqlite:///x.db", folder=tmp_path)
    with sqlite3.connect(tmp_path / "x.db") as other:
        assert [row[0] for row in other.execute("SELECT name FROM sqlite_master")] == ["notes"]
    other.close()


def test_a_damaged_file(tmp_path: Path) -> None:
    with open_store("sqlite:///x.db", folder=tmp_path) as store, store.session() as session:
        session.add_all([application(f"a{number}") for number in range(500)])
    file = tmp_path / "x.db"
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    file.write_bytes(content)
    with (
        pytest.raises(StorageError) as refusal,
        open_store("sqlite:///x.db", folder=tmp_path) as store,
        store.reading() as session,
    ):
        session.scalars(select(m.Application.code)).all()
    assert refusal.value.problem == f"The store {file} is damaged."


def test_a_folder_where_the_file_should_be(tmp_path: Path) -> None:
    (tmp_path / "x.db").mkdir()
    with pytest.raises(StorageError, match="cannot be opened"):
        open_store("sqlite:///x.db", folder=tmp_path)


def test_a_file_where_the_folder_should_be(tmp_path: Path) -> None:
    (tmp_path / ".lichen").write_text("")
    with pytest.raises(StorageError, match=r"folder .* of the store cannot be made"):
        open_store(folder=tmp_path)


def test_a_newer_store_is_refused_and_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with open_store(folder=tmp_path) as store, store.session() as session:
        session.execute(text(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(StorageError) as refusal:
        open_store(folder=tmp_path)
    assert "was written by a newer Lichen: its schema is 9999, this version knows up to " in refusal.value.problem
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(root, ["--json", "token", "list"], prog_name="lichen")
    assert answer.exit_code == 2
    assert json.loads(answer.stderr)["error"]["problem"] == refusal.value.problem
    with sqlite3.connect(tmp_path / ".lichen" / "lichen.db") as raw:
        assert raw.execute(f"SELECT version_num FROM {schema.VERSION_TABLE}").fetchall() == [("9999",)]
    raw.close()


def test_a_full_disk_keeps_nothing_of_the_change(store: Store) -> None:
    # SQLite says of its page limit what it says of a disk: SQLITE_FULL.
    with pytest.raises(StorageError) as refusal, store.session() as session:  # noqa: PT012
        pages = session.execute(text("PRAGMA page_count")).scalar_one()
        session.execute(text(f"PRAGMA max_page_count = {pages}"))
        session.add(application())
        session.add_all([m.Setting(key=str(number), value="x" * 4000) for number in range(50)])
    assert refusal.value.problem == f"There is no space left for the store {store.shown}."
    with store.reading() as session:
        assert session.scalar(select(func.count()).select_from(m.Application)) == 0


# --- transactions


def test_what_raises_is_rolled_back(store: Store) -> None:
    with pytest.raises(RuntimeError), store.session() as session:  # noqa: PT012
        session.add(application())
        session.flush()
        raise RuntimeError
    with store.reading() as session:
        assert session.scalars(select(m.Application)).all() == []


def test_what_must_be_unique_is_a_conflict(store: Store) -> None:
    with store.session() as session:
        session.add(application())
    with (
        pytest.raises(StoreConflict, match=r"refused a row: UNIQUE constraint failed: application\.code"),
        store.session() as session,
    ):
        session.add(application())


def test_a_locked_store_is_told_after_the_wait(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.2)
    with open_store(folder=tmp_path) as store:
        other = sqlite3.connect(tmp_path / ".lichen" / "lichen.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy) as refusal, store.session() as session:
            session.add(application())
        assert "is busy: another process has been writing" in refusal.value.problem
        with store.reading() as session:  # readers do not wait
            assert session.scalars(select(m.Application)).all() == []
        other.execute("COMMIT")
        other.close()
        with store.session() as session:
            session.add(application())


def test_reading_sees_one_state_beside_a_writer_and_writes_nothing(store: Store) -> None:
    with store.reading() as reader:
        assert reader.scalars(select(m.Application.code)).all() == []
        with store.session() as writer:
            writer.add(application())
        assert reader.scalars(select(m.Application.code)).all() == []
    with store.reading() as reader:
        found = reader.scalars(select(m.Application)).one()
        found.name = "changed"
    with store.reading() as reader:
        assert reader.scalars(select(m.Application.name)).one() == "Portal"
    with pytest.raises(StorageError, match="cannot be written"), store.reading() as reader:
        reader.execute(text("DELETE FROM application"))
    with store.session() as writer:
        writer.execute(text("DELETE FROM application"))


def test_sessions_that_read_first_and_write_later_do_not_fail_each_other(store: Store) -> None:
    # A deferred transaction would be refused at once ("database is locked") when another wrote after its first read.
    with store.session() as session:
        session.add(m.Setting(key="count", value=0))

    def raise_by(times: int) -> None:
        for _ in range(times):
            with store.session() as session:
                row = session.get_one(m.Setting, "count")
                row.value = row.value + 1

    threads = [threading.Thread(target=raise_by, args=(25,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with store.reading() as session:
        assert session.get_one(m.Setting, "count").value == 100


OPEN_AND_ADD = """
import pathlib, sys, time
from lichen.store import open_store
from lichen.store.models import Application
folder, code = pathlib.Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
while not (folder / "go").exists():
    time.sleep(0.001)
with open_store(folder=folder) as store, store.session() as session:
    session.add(Application(code=code, name=code))
"""


def test_processes_that_start_together_make_one_store(tmp_path: Path) -> None:
    codes = ["a0", "a1", "a2", "a3"]
    started = [
        subprocess.Popen([sys.executable, "-c", OPEN_AND_ADD, str(tmp_path), code], stdout=subprocess.PIPE)
        for code in codes
    ]
    for process in started:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
    (tmp_path / "go").touch()
    assert [process.wait(60) for process in started] == [0, 0, 0, 0]
    for process in started:
        process.stdout.close()  # type: ignore[union-attr]
    with open_store(folder=tmp_path) as store, store.reading() as session:
        assert session.scalars(select(m.Application.code).order_by(m.Application.code)).all() == codes


# --- columns


@given(some.decimals(min_value=Decimal(-999999999999), max_value=Decimal(999999999999), places=6))
def test_money_is_exact_and_so_is_its_sum(money_store: Store, amount: Decimal) -> None:
    with money_store.session() as session:
        session.execute(m.Cost.__table__.delete())  # type: ignore[attr-defined]
        for part in (amount, Decimal("0.000001")):
            session.add(m.Cost(period=date(2026, 1, 1), amount=part, currency="EUR", kind="cloud", source="x"))
        session.flush()
        assert session.scalar(select(func.sum(m.Cost.amount))) == amount + Decimal("0.000001")
        session.expire_all()
        assert session.scalars(select(m.Cost.amount).order_by(m.Cost.amount.desc())).first() in (
            amount,
            Decimal("0.000001"),
        )


@pytest.fixture(scope="module")
def money_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(folder=tmp_path_factory.mktemp("money")) as opened:
        yield opened


@pytest.mark.parametrize("amount", [Decimal("NaN"), Decimal("Infinity"), Decimal(10) ** 12])
def test_what_is_no_amount_is_refused(store: Store, amount: Decimal) -> None:
    with pytest.raises(StorageError, match="refused a value"), store.session() as session:
        session.add(m.Cost(period=date(2026, 1, 1), amount=amount, currency="EUR", kind="cloud", source="x"))


def test_moments_are_utc_whatever_zone_they_came_in_and_naive_ones_are_refused(store: Store) -> None:
    paris = AT.astimezone(timezone(timedelta(hours=1)))
    with store.session() as session:
        session.add(m.Lease(name="x", holder="me", until=paris))
    with store.reading() as session:
        read = session.get_one(m.Lease, "x").until
        assert read == AT
        assert read.tzinfo is UTC
        assert session.scalar(select(func.max(m.Lease.until))) == AT
    with pytest.raises(StorageError, match="has no time zone"), store.session() as session:
        session.add(m.Lease(name="y", holder="me", until=datetime(2026, 1, 1)))  # noqa: DTZ001


@pytest.mark.parametrize(
    "row",
    [
        m.Application(code="x", name="X", criticality=5),
        m.Application(code="x", name="X", complexity=0),
        m.Target(
            scope="team", scope_id=None, indicator="gwp100", base_year=2025, horizon_year=2030, reduction=0.3,
            valid_from=date(2026, 1, 1),
        ),
        m.Target(
            scope="organisation", indicator="gwp100", base_year=2025, horizon_year=2025, reduction=0.3,
            valid_from=date(2026, 1, 1),
        ),
        m.Part(application_id="none", code="x", name="X"),
    ],
    ids=["criticality", "complexity", "a target of nobody", "a horizon that is past", "a part of nothing"],
)  # fmt: skip
def test_the_database_itself_refuses(store: Store, row: m.Base) -> None:
    with pytest.raises(StoreConflict), store.session() as session:
        session.add(row)


def test_the_audit_log_cannot_be_changed(store: Store) -> None:
    with store.session() as session:
        session.add(m.AuditEvent(actor="me", action="team.add", subject_kind="team", subject_id="x"))
    for change in ("UPDATE audit_event SET actor = 'you'", "DELETE FROM audit_event"):
        with pytest.raises(StorageError, match="the audit log is only added to"), store.session() as session:
            session.execute(text(change))
    with store.reading() as session:
        assert session.scalars(select(m.AuditEvent.actor)).all() == ["me"]


# --- traffic


@pytest.mark.parametrize("journey", ["j", None])
def test_a_source_tells_a_slot_of_traffic_once(store: Store, journey: str | None) -> None:
    def row(source: str = "matomo") -> m.Traffic:
        return m.Traffic(application_id="a", journey_id=journey, day=date(2026, 1, 1), visits=10.0, source=source)

    with store.session() as session:
        session.add(m.Application(id="a", code="a", name="A"))
        session.flush()
        session.add(m.Journey(id="j", application_id="a", code="j", name="J"))
        session.flush()
        session.add_all([row(), row("nginx")])
    with pytest.raises(StoreConflict), store.session() as session:
        session.add(row())
