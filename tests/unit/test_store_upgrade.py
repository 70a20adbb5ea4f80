# SPDX-License-Identifier: Apache-2.0
"""Stores of earlier releases open with their content, and a migration that is killed leaves the store as it was."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest
from alembic.script import ScriptDirectory
from sqlalchemy import func, inspect, select, text
from tests.store_support import AT, full_rows

from lichen import __version__
from lichen.store import models as m
from lichen.store import open_store, schema

FIXTURES: Final = sorted((Path(__file__).parent.parent / "fixtures" / "stores").glob("*.sqlite.sql"))

NEXT: Final = """
import os, signal
import sqlalchemy as sa
from alembic import op
revision = "9998"
down_revision = "{newest}"

def upgrade():
    op.add_column("team", sa.Column("colour", sa.String()))
    op.execute("UPDATE team SET colour = 'green'")
    with op.batch_alter_table("application") as batch:
        batch.alter_column("domain", new_column_name="area")
    if os.environ.get("DIE") == "1":
        os.kill(os.getpid(), signal.SIGKILL)
"""
"""A migration as a later release may bring: a new column, its values, and a table that is written anew."""

MIGRATE: Final = """
import pathlib, sys
from lichen.store import open_store, schema
ours = schema._folders()
schema._folders = lambda: (*ours, pathlib.Path(sys.argv[2]))
open_store(folder=pathlib.Path(sys.argv[1])).close()
"""


def migrate(folder: Path, later: Path, **env: str) -> int:
    command = [sys.executable, "-c", MIGRATE, str(folder), str(later)]
    return subprocess.run(command, env=env, timeout=60, check=False).returncode


@pytest.fixture
def later(tmp_path: Path) -> Path:
    folder = tmp_path / "later"
    folder.mkdir()
    (folder / "r9998_later.py").write_text(NEXT.format(newest=schema.newest()))
    return folder


def restore(fixture: Path, folder: Path) -> None:
    (folder / ".lichen").mkdir()
    with sqlite3.connect(folder / ".lichen" / "lichen.db") as connection:
        connection.executescript(fixture.read_text(encoding="utf-8"))
    connection.close()


def test_migrations_are_one_line_in_the_order_of_the_names_of_their_files() -> None:
    scripts = ScriptDirectory.from_config(schema._config()).walk_revisions()
    assert [script.revision for script in scripts] == sorted(schema._known(), reverse=True)


def test_a_store_that_is_up_to_date_opens_without_alembic(tmp_path: Path) -> None:
    open_store(folder=tmp_path).close()
    script = (
        "import pathlib, sys\n"
        "from lichen.store import open_store\n"
        "open_store(folder=pathlib.Path(sys.argv[1])).close()\n"
        "sys.exit('alembic' in sys.modules)\n"
    )
    assert subprocess.run([sys.executable, "-c", script, str(tmp_path)], timeout=60, check=False).returncode == 0


def test_this_release_has_a_fixture() -> None:
    assert f"{__version__}.sqlite.sql" in [path.name for path in FIXTURES], "python -m tests.fixtures.stores.make"


@pytest.mark.parametrize("fixture", FIXTURES, ids=lambda path: path.name)
def test_a_store_of_each_release_opens_with_its_content(fixture: Path, tmp_path: Path) -> None:
    restore(fixture, tmp_path)
    with sqlite3.connect(tmp_path / ".lichen" / "lichen.db") as raw:
        tables = [
            row[0]
            for row in raw.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
        ]
        counts = {name: raw.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in tables}
    raw.close()
    assert all(counts.values()), "every table of a fixture has a row"
    with open_store(folder=tmp_path) as store:
        with store.engine.connect() as connection:
            assert schema.is_current(connection)
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        with store.reading() as session:
            for name, table in m.Base.metadata.tables.items():
                if name in counts:
                    assert session.scalar(select(func.count()).select_from(table)) == counts[name], name
            team = session.scalars(select(m.Team)).one()
            assert (team.code, team.name) == ("pay", "<b>Pay</b>")
            assert session.scalars(select(m.AuditEvent.at)).all() == [AT]
        with store.session() as session:
            session.add(m.Application(code="new", name="New"))
            session.add(
                m.AuditEvent(actor="me", action="application.add", subject_kind="application", subject_id="new")
            )
        with pytest.raises(Exception, match="only added to"), store.session() as session:
            session.execute(text("DELETE FROM audit_event"))


def test_the_fixture_of_this_release_holds_every_value(tmp_path: Path) -> None:
    restore(FIXTURES[0].with_name(f"{__version__}.sqlite.sql"), tmp_path)
    with open_store(folder=tmp_path) as store, store.reading() as session:
        for written in full_rows():
            read = session.get_one(type(written), tuple(inspect(type(written)).primary_key_from_instance(written)))
            for column in written.__table__.columns:
                assert getattr(read, column.key) == getattr(written, column.key), column


def test_a_migration_killed_half_way_changes_nothing_and_is_done_again(tmp_path: Path, later: Path) -> None:
    restore(FIXTURES[-1], tmp_path)
    file = tmp_path / ".lichen" / "lichen.db"
    open_store(folder=tmp_path).close()

    assert migrate(tmp_path, later, DIE="1") == -signal.SIGKILL
    with sqlite3.connect(file) as raw:
        assert raw.execute(f"SELECT version_num FROM {schema.VERSION_TABLE}").fetchall() == [(schema.newest(),)]
        assert "colour" not in [row[1] for row in raw.execute("PRAGMA table_info(team)")]
        assert "domain" in [row[1] for row in raw.execute("PRAGMA table_info(application)")]
        assert not raw.execute("SELECT name FROM sqlite_master WHERE name LIKE '_alembic_tmp%'").fetchall()
    raw.close()
    with open_store(folder=tmp_path) as store, store.reading() as session:  # the older version still works on it
        assert session.scalars(select(m.Team.code)).all() == ["pay"]

    assert migrate(tmp_path, later) == 0
    with sqlite3.connect(file) as raw:
        assert raw.execute("SELECT code, colour FROM team").fetchall() == [("pay", "green")]
        assert raw.execute("SELECT code, area FROM application").fetchall() == [("portal", "loans")]
        assert raw.execute("PRAGMA foreign_key_check").fetchall() == []
        assert raw.execute("SELECT count(*) FROM traffic").fetchone() == (2,), "rows that refer to it are kept"
    raw.close()


def test_the_first_migration_killed_leaves_an_empty_file_that_is_used(tmp_path: Path) -> None:
    script = (
        "import os, pathlib, signal, sys\n"
        "from lichen.store import engine, schema\n"
        "url = engine.read_url('sqlite:///lichen.db', pathlib.Path(sys.argv[1]))\n"
        "schema._check_references = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "schema.prepare(engine.make_engine(url), 'x')\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL
    with open_store("sqlite:///lichen.db", folder=tmp_path) as store, store.session() as session:
        session.add(m.Team(code="a", name="A"))
