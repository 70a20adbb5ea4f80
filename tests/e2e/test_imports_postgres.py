# SPDX-License-Identifier: Apache-2.0
"""Imports into a real PostgreSQL: the same rows as into SQLite, and two imports at once that double nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import create_engine, inspect, select
from tests.postgres_support import Server, postgres_server

from lichen.config import load_settings
from lichen.service.importing_inventory import import_inventory
from lichen.service.importing_money import TableOrder, import_costs, import_values
from lichen.service.importing_tables import opened
from lichen.service.importing_traffic import TrafficOrder, import_traffic
from lichen.service.workspace import Workspace
from lichen.store.models import Application, Base, Cost, Equipment, Journey, Traffic, Value

pytestmark = [pytest.mark.slow, pytest.mark.beside]

TABLES: Final = {
    "traffic": "day,journey,visits,page_views\n2026-10-01,,10,30\n2026-10-01,apply,4,9\n2026-10-02,,7,\n",
    "cost": "month,application,amount,currency\n"
    "2026-09,shop,10.123456,EUR\n2026-10,shop,999999999999.999999,EUR\n2026-10,,5,USD\n",
    "value": "month,application,amount,currency,low,high,confidence\n2026-10,shop,500,EUR,400,700,0.8\n",
    "inventory": "model,count,power_w,bought_on\nR640,3,300,2021-05-01\nR740,1,,\n",
}
MODELS: Final[tuple[type[Base], ...]] = (Application, Cost, Equipment, Journey, Traffic, Value)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres_server() as running:
        yield running


def project(folder: Path, store: str | None) -> Workspace:
    folder.mkdir()
    (folder / "lichen.toml").write_text("" if store is None else f'[server]\nstore = "{store}"\n')
    for kind, text in TABLES.items():
        (folder / f"{kind}.csv").write_text(text)
    return Workspace(load_settings(folder / "lichen.toml"))


def run_all(workspace: Workspace) -> list[tuple[int, int]]:
    """Added and removed rows of each import."""
    folder, day = workspace.settings.folder, date(2026, 11, 22)
    found = [
        import_traffic(workspace, TrafficOrder(paths=[folder / "traffic.csv"], application="shop", create=True)),
        import_costs(workspace, TableOrder(path=folder / "cost.csv"), on=day),
        import_values(workspace, TableOrder(path=folder / "value.csv"), on=day),
        import_inventory(workspace, TableOrder(path=folder / "inventory.csv"), on=day),
    ]
    return [(one.written.added, one.written.removed) for one in found if one.written is not None]


def content(workspace: Workspace) -> dict[str, list[Any]]:
    """Every row without its random identifiers and its moment."""
    found: dict[str, list[Any]] = {}
    with opened(workspace) as store, store.reading() as session:
        for model in MODELS:
            names = [c.name for c in model.__table__.columns if not c.name.endswith("id") and c.name != "created_at"]
            rows = [tuple(getattr(row, name) for name in names) for row in session.scalars(select(model))]
            found[model.__tablename__] = sorted(rows, key=repr)
    return found


def test_both_engines_keep_the_same(server: Server, tmp_path: Path) -> None:
    here, there = project(tmp_path / "sqlite", None), project(tmp_path / "postgres", server.url())
    assert run_all(here) == run_all(there) == [(3, 0), (3, 0), (1, 0), (2, 0)]
    first = content(there)
    assert content(here) == first
    assert run_all(there) == [(3, 3), (3, 3), (1, 1), (2, 2)]
    assert content(there) == first


def test_two_imports_at_once_double_nothing(server: Server, tmp_path: Path) -> None:
    """Each is whole, or refused with a sentence because the other one was there."""
    workspace = project(tmp_path / "p", server.url())
    run_all(workspace)
    folder = workspace.settings.folder
    command = [
        sys.executable,
        "-m",
        "lichen",
        "import",
        "traffic",
        str(folder / "traffic.csv"),
        "--application",
        "shop",
    ]
    running = [
        subprocess.Popen(
            command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
        )
        for _ in range(3)
    ]
    answers = [(process.communicate(timeout=60)[1], process.returncode) for process in running]
    assert 0 in [code for _, code in answers]
    assert all(code == 0 or (code == 2 and said.startswith("error: ")) for said, code in answers), answers
    assert len(content(workspace)["traffic"]) == 3


def test_a_trial_makes_no_table(server: Server, tmp_path: Path) -> None:
    url = server.url()
    workspace = project(tmp_path / "project", url)
    order = TableOrder(path=tmp_path / "project" / "cost.csv", create=True, dry_run=True)
    assert import_costs(workspace, order, on=date(2026, 11, 22)).rows == 3
    engine = create_engine(url.replace("postgresql:", "postgresql+psycopg:"))
    assert inspect(engine).get_table_names() == []
    engine.dispose()
