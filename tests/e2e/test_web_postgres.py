# SPDX-License-Identifier: Apache-2.0
"""On PostgreSQL, nobody sees more than on SQLite, and figures are the same to the last digit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import select
from tests import board_support as support
from tests.postgres_support import Server, postgres_server
from tests.web.access_support import world
from tests.web.test_access_matrix import CANARY, ROUTES, Matrix, allowed, check, rule_of

from lichen.config import load_settings
from lichen.service.board import figures
from lichen.service.board.portfolio import portfolio
from lichen.service.board.queries import PortfolioQuery
from lichen.service.context import ServiceContext, open_context
from lichen.service.workspace import Workspace
from lichen.store.models import Application, Figure, Journey, Team

pytestmark = [pytest.mark.slow, pytest.mark.beside]
ASKED: Final = ("their viewer", "their read token")
"""Who has a right, and none here: those whose answers could show what is ours."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with postgres_server() as found:
        yield found


def test_strangers_get_nothing_of_ours(server: Server, tmp_path: Path) -> None:
    """Every route; of the callers that are asked on SQLite, two."""
    with world(tmp_path, canary=CANARY, server={"store": server.url(), "metrics": True}) as made:
        matrix = Matrix(made)
        asked = 0
        for method, path in ROUTES:
            rule = rule_of(matrix, method, path)
            if rule is None or path == "/sign-out" or method == "HEAD":
                continue
            for known, unknown in matrix.addresses(path):
                for caller in ASKED:
                    if method == "GET" or not allowed(rule, caller):
                        check(matrix, caller, method, known, unknown, rule)
                        asked += 1
        assert asked > 100


def filled(folder: Path, store: str | None) -> ServiceContext:
    """Two applications with runs in two months, and traffic of one of them."""
    folder.mkdir()
    (folder / "lichen.toml").touch()
    overrides = {} if store is None else {"server.store": store}
    found = open_context(Workspace(load_settings(folder / "lichen.toml", overrides=overrides, env={})))
    context = ServiceContext(
        store=found.store, ledger=found.ledger, workspace=support.workspace(), clock=lambda: support.NOW
    )
    team = support.add_team(context, "shop")
    for code, screen_s in (("cart", 10.0), ("pay", 1 / 3)):
        application, journeys = support.add_application(context, code, team, ("buy", "look"))
        for day in (date(2026, 9, 15), date(2026, 11, 3)):
            support.add_run(
                context, application, support.content(code, day, screen_s=screen_s, journeys=("buy", "look"))
            )
        if code == "cart":
            days = {date(2026, 11, 1) + timedelta(days=number): 100.0 + number for number in range(20)}
            support.add_traffic(context, application, journeys["buy"], days)
    figures.refresh(context)
    return context


def cache(context: ServiceContext) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    """Every figure by what identifies it, with codes in the place of random ids."""
    with context.store.reading() as session:
        names = {id_: ("team", code) for id_, code in session.execute(select(Team.id, Team.code))}
        codes = {row.id: row.code for row in session.execute(select(Application.id, Application.code))}
        names |= {id_: ("application", code) for id_, code in codes.items()}
        for id_, application, code in session.execute(select(Journey.id, Journey.application_id, Journey.code)):
            names[id_] = ("journey", f"{codes[application]}/{code}")
        found = {}
        for row in session.scalars(select(Figure)):
            identity = [getattr(row, column.key) for column in Figure.__table__.primary_key if column.key != "ref"]
            key = (names.get(row.ref, row.ref), *identity)
            assert key not in found
            found[key] = tuple(
                getattr(row, column.key) for column in Figure.__table__.columns if not column.primary_key
            )
        return found


def test_the_figures_of_both_engines_are_the_same(server: Server, tmp_path: Path) -> None:
    here, there = filled(tmp_path / "sqlite", None), filled(tmp_path / "postgresql", server.url())
    with here.store, there.store:
        first = cache(here)
        assert first
        assert {key[1] for key in first} >= {"application", "journey"}
        assert cache(there) == first
        views = [portfolio(context, PortfolioQuery()) for context in (here, there)]
        rows = [[(row.application.code, row.measures) for row in view.rows] for view in views]
        assert [code for code, _ in rows[0]] == [code for code, _ in rows[1]]
        for (_, one), (_, other) in zip(*rows, strict=True):
            assert (one.impact.value, one.impact.low, one.impact.high) == (
                other.impact.value, other.impact.low, other.impact.high,
            )  # fmt: skip
        figures.refresh(there)
        assert cache(there) == first, "once more changes nothing"
