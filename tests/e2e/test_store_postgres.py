# SPDX-License-Identifier: Apache-2.0
"""The store on a real PostgreSQL: what SQLite's tests promise, and what only a server can do."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import func, inspect, select, text
from tests.postgres_support import Server, postgres_server
from tests.store_support import fill, full_rows

from lichen import __version__, nomenclature
from lichen.errors import StorageError, StoreBusy, StoreConflict
from lichen.service.accounts import By
from lichen.service.portfolio_files import export_portfolio, import_portfolio
from lichen.store import Store, engine, open_store, schema
from lichen.store import models as m
from lichen.store.journal import Entry, JournalWriter
from lichen.store.lease import Lease

pytestmark = [pytest.mark.slow, pytest.mark.beside]

FIXTURES: Final = sorted((Path(__file__).parent.parent / "fixtures" / "stores").glob("*.postgresql.sql"))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres_server() as running:
        yield running


@pytest.fixture
def store(server: Server) -> Iterator[Store]:
    with open_store(server.url()) as opened:
        yield opened


def entry(key: str, sha: str = "aa", body: bytes = b"body") -> Entry:
    return Entry(key=key, body_sha256=sha, run_id=f"run-{key}", application_code="portal", body=body)


def keys(store: Store) -> set[str]:
    with store.reading() as session:
        return set(session.scalars(select(m.IngestJournal.key)))


def test_the_migrations_make_what_the_models_say(store: Store) -> None:
    with store.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": schema.VERSION_TABLE, "compare_type": True}
        )
        assert compare_metadata(context, m.Base.metadata) == []


def test_every_column_comes_back_as_it_was_written(store: Store) -> None:
    for row in full_rows():
        with store.session() as session:
            session.add(row)
    for written in full_rows():
        with store.reading() as session:
            read = session.get_one(type(written), tuple(inspect(type(written)).primary_key_from_instance(written)))
            for column in written.__table__.columns:
                assert getattr(read, column.key) == getattr(written, column.key), column
    with store.reading() as session:
        assert session.scalar(select(func.sum(m.Cost.amount))) == Decimal("123456789.012345")


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.name)
def test_a_store_of_each_release_opens_with_its_content(fixture: Path, server: Server) -> None:
    url = server.url()
    dump = fixture.read_text(encoding="utf-8")
    server.run("psql", "--quiet", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", dump)
    with open_store(url) as store, store.reading() as session:
        assert schema.is_current(session.connection())
        for table in {type(row) for row in full_rows()}:
            name = table.__tablename__
            was_there = f"CREATE TABLE public.{name} (" in dump or f'CREATE TABLE public."{name}" (' in dump
            assert (session.scalars(select(table)).first() is not None) == was_there, table


def test_this_release_has_a_fixture() -> None:
    assert f"{__version__}.postgresql.sql" in [path.name for path in FIXTURES], "python -m tests.fixtures.stores.make"


def test_a_newer_store_and_another_programs_are_refused(server: Server) -> None:
    url = server.url()
    with open_store(url) as store, store.session() as session:
        session.execute(text(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(StorageError, match=r"newer Lichen: its schema is 9999"):
        open_store(url)
    url = server.url()
    server.run("psql", "-d", url, "-c", "CREATE TABLE notes (id int)")
    with pytest.raises(StorageError, match=r"another program \(notes\)"):
        open_store(url)


def test_a_migration_that_is_killed_leaves_nothing(server: Server) -> None:
    url = server.url()
    script = (
        "import os, pathlib, signal, sys\n"
        "from lichen.store import engine, schema\n"
        "schema._check_references = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "schema.prepare(engine.make_engine(engine.read_url(sys.argv[1], pathlib.Path())), 'x')\n"
    )
    done = subprocess.run([sys.executable, "-c", script, url], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    with open_store(url) as store, store.session() as session:
        session.add(m.Team(code="a", name="A"))


def test_those_who_start_together_make_one_store(server: Server) -> None:
    url = server.url()
    failures: list[BaseException] = []

    def start(code: str) -> None:
        try:
            with open_store(url) as store, store.session() as session:
                session.add(m.Team(code=code, name=code))
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=start, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    with open_store(url) as store, store.reading() as session:
        assert session.scalar(select(func.count()).select_from(m.Team)) == 4


def test_the_journal(store: Store) -> None:
    with JournalWriter(store) as writer:
        assert writer.put(entry("a")).result(10).is_new
        assert not writer.put(entry("a")).result(10).is_new
        with pytest.raises(StoreConflict):
            writer.put_all([entry("b"), entry("a", sha="bb")]).result(10)
        # A text that PostgreSQL cannot take: the others of its batch are written.
        answers = [writer.put(entry(key)) for key in ("good", "n\0ul", "also good")]
        assert [answer.exception(10) is None for answer in answers] == [True, False, True]
    assert keys(store) == {"a", "good", "also good"}


def test_two_servers_write_one_journal(store: Store) -> None:
    with open_store(store.url.render_as_string(hide_password=False)) as second:
        writers = [JournalWriter(store), JournalWriter(second)]
        answers = []
        for number in range(300):
            for side, writer in enumerate(writers):
                answers.append(writer.put(entry(f"shared-{number}", sha="same")))
                answers.append(writer.put(entry(f"contested-{number}", sha=f"{side}")))
        for writer in writers:
            writer.close()
    outcomes = [answer.exception() for answer in answers]
    assert all(error is None or isinstance(error, StoreConflict) for error in outcomes)
    assert sum(error is not None for error in outcomes) == 300
    new = [answer.result() for answer in answers if answer.exception() is None and answer.result().is_new]
    assert len(new) == len({receipt.key for receipt in new}) == 600
    assert len(keys(store)) == 600


def test_a_server_that_stops_is_told_and_what_was_acknowledged_is_there_when_it_is_back(server: Server) -> None:
    store = open_store(server.url())
    with store, JournalWriter(store) as writer:
        receipts = [writer.put(entry(f"k{number}")) for number in range(200)]
        for receipt in receipts:
            receipt.result(10)
        server.stop()
        try:
            with pytest.raises(StorageError) as refusal:
                writer.put(entry("late")).result(30)
            assert store.shown in refusal.value.problem
            with pytest.raises(StorageError, match="does not answer"):
                open_store(store.url.render_as_string(hide_password=False))
        finally:
            server.start()
        assert writer.put(entry("after")).result(30).is_new
        assert keys(store) == {f"k{number}" for number in range(200)} | {"after"}


def test_one_holds_a_lease(store: Store) -> None:
    leases = [Lease(store, "landing", ttl_s=30) for _ in range(6)]
    won: list[bool] = []
    start = threading.Barrier(6)

    def ask(lease: Lease) -> None:
        start.wait(10)
        won.append(lease.acquire())

    threads = [threading.Thread(target=ask, args=(lease,)) for lease in leases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(won) == [False] * 5 + [True]
    for lease in leases:
        lease.release()
    assert leases[0].acquire()


def test_the_audit_log_cannot_be_changed(store: Store) -> None:
    with store.session() as session:
        session.add(m.AuditEvent(actor="me", action="x", subject_kind="y", subject_id="z"))
    for change in ("UPDATE audit_event SET actor = 'you'", "DELETE FROM audit_event", "TRUNCATE audit_event"):
        with pytest.raises(StorageError, match="the audit log is only added to"), store.session() as session:
            session.execute(text(change))


def test_reading_cannot_write(store: Store) -> None:
    with pytest.raises(StorageError, match="read-only"), store.reading() as session:
        session.execute(text("DELETE FROM team"))


def test_reading_sees_one_state(store: Store) -> None:
    with store.reading() as reader:
        assert reader.scalars(select(m.Team.code)).all() == []
        with store.session() as writer:
            writer.add(m.Team(code="a", name="A"))
        assert reader.scalars(select(m.Team.code)).all() == []


def test_a_row_that_another_holds_is_told_after_the_wait(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "BUSY_TIMEOUT_S", 0.2)
    with open_store(server.url()) as store:
        with store.session() as session:
            session.add(m.Setting(key="x", value=1))
        with store.session() as holder:
            holder.execute(text("UPDATE setting SET value = '2'"))
            with pytest.raises(StoreBusy, match="is busy"), store.session() as other:
                other.execute(text("UPDATE setting SET value = '3'"))
        with store.reading() as session:
            assert session.get_one(m.Setting, "x").value == 2
            assert session.scalar(text("SHOW synchronous_commit")) == "on"


def test_the_portfolio_goes_through_files(server: Server, tmp_path: Path) -> None:
    by = By(actor="command:test", at=datetime.now(UTC))
    known = nomenclature.load([])
    with open_store(server.url()) as one, open_store(server.url()) as two:
        with one.session() as session:
            fill(session)
        for place in ("out.toml", "out"):
            export_portfolio(one, tmp_path / place)
            assert import_portfolio(one, [tmp_path / place], nomenclature=known, by=by).changes == []
        import_portfolio(two, [tmp_path / "out"], nomenclature=known, by=by)
        export_portfolio(two, tmp_path / "again.toml")
    assert (tmp_path / "again.toml").read_text(encoding="utf-8") == (tmp_path / "out.toml").read_text(encoding="utf-8")


def test_a_wrong_password_or_host_is_a_sentence_without_it() -> None:
    with pytest.raises(StorageError) as refusal:
        open_store("postgresql://me:hunter22@127.0.0.1:1/none")
    assert "does not answer" in refusal.value.problem
    assert "hunter22" not in refusal.value.sentence()
