# SPDX-License-Identifier: Apache-2.0
"""Two teams with an application each, people of each, a clock that the test moves, and browsers."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient
from tests.web.server_support import run

from lichen.config import load_settings
from lichen.outputs.web.app import create_app
from lichen.outputs.web.context import WebContext
from lichen.service import accounts, landing
from lichen.service.accounts import By, Minted, Role, Scope, TokenRequest
from lichen.service.board import figures
from lichen.service.context import open_context
from lichen.service.workspace import Workspace
from lichen.store.models import Application, Cost, Journey, Team, Traffic, Value, Weight

PASSWORD = "a lichen on a stone"
HOST = "http://127.0.0.1:8000"
SECURE_HOST = "https://lichen.example"


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 2, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The present moment."""
        return self.now

    def move(self, **amount: float) -> None:
        """Moves it by a `timedelta`."""
        self.now += timedelta(**amount)


@dataclass
class World:
    """A server and who may use it.

    Attributes:
        users: id by name: ``admin``, and ``viewer``, ``editor``, ``lead`` of the team ours, ``stranger`` (a viewer) and
            ``chief`` (an administrator) of the team theirs.
        teams, applications: id by code, ``ours`` and ``theirs`` each.
    """

    context: WebContext
    app: FastAPI
    clock: Clock
    users: dict[str, str] = field(default_factory=dict)
    teams: dict[str, str] = field(default_factory=dict)
    applications: dict[str, str] = field(default_factory=dict)

    @property
    def by(self) -> By:
        """The command line, now."""
        return By(actor="command:test", at=self.clock())

    def browser(self, user: str | None = None, *, host: str = "127.0.0.1") -> TestClient:
        """A browser, signed in or not; it says where its requests come from, as browsers do."""
        client = TestClient(
            self.app, base_url=self.context.base_url, client=(host, 50_000), follow_redirects=False,
            headers={"sec-fetch-site": "same-origin", "accept": "text/html,application/xhtml+xml,*/*;q=0.8"},
        )  # fmt: skip
        if user is not None:
            answer = client.post("/sign-in", data={"email": f"{user}@example.org", "password": PASSWORD})
            assert answer.status_code == 303, answer.text
        return client

    def program(self, text: str | None = None, *, host: str = "127.0.0.1") -> TestClient:
        """A program, with a token or not."""
        headers = {} if text is None else {"authorization": f"Bearer {text}"}
        return TestClient(
            self.app, base_url=self.context.base_url, client=(host, 50_000), follow_redirects=False, headers=headers
        )

    def token(
        self, *scopes: Scope, owner: str | None = None, team: str | None = None, application: str | None = None,
        days: int | None = 30,
    ) -> Minted:  # fmt: skip
        """A new token of somebody, or of the command line."""
        request = TokenRequest(
            name="test", scopes=frozenset(scopes), days=days, team_id=None if team is None else self.teams[team],
            application_id=None if application is None else self.applications[application],
        )  # fmt: skip
        with self.context.store.session() as session:
            person = owner and accounts.person_of(session, accounts.get_user(session, self.users[owner]))
            return accounts.mint_token(session, request, by=self.by, owner=person or None)


@contextmanager
def world(
    folder: Path, *, secure: bool = False, canary: str = "ours", oidc: Mapping[str, Any] | None = None,
    server: Mapping[str, Any] | None = None,
) -> Iterator[World]:  # fmt: skip
    """Two teams, two applications, six people.

    Args:
        folder: of the store and the ledger.
        secure: people reach the server over TLS.
        canary: word in the names of what our team owns.
        oidc, server: keys of these sections of lichen.toml.
    """
    clock = Clock()
    toml = folder / "lichen.toml"
    toml.touch()
    overrides = {f"oidc.{key}": value for key, value in (oidc or {}).items()}
    overrides |= {f"server.{key}": value for key, value in (server or {}).items()}
    found = open_context(Workspace(load_settings(toml, overrides=overrides, env={})))
    with found.store:
        placed = WebContext(
            store=found.store, ledger=found.ledger, workspace=found.workspace, clock=clock,
            base_url=SECURE_HOST if secure else HOST,
        )  # fmt: skip
        made = World(context=placed, app=create_app(placed), clock=clock)
        _fill(made, canary)
        yield made


def _fill(made: World, canary: str) -> None:
    with made.context.store.session() as session:
        for code in ("ours", "theirs"):
            word = canary if code == "ours" else code
            team = Team(code=code, name=f"Team {word}")
            session.add(team)
            session.flush()
            application = Application(code=f"app-{code}", name=f"Application {word}", team_id=team.id)
            session.add(application)
            session.flush()
            made.teams[code], made.applications[code] = team.id, application.id
        roles: dict[str, tuple[str, Role] | None] = {
            "admin": None, "viewer": ("ours", "viewer"), "editor": ("ours", "editor"), "lead": ("ours", "admin"),
            "stranger": ("theirs", "viewer"), "chief": ("theirs", "admin"),
        }  # fmt: skip
        stored = accounts.hash_password(PASSWORD)  # once: it takes its time
        for name, role in roles.items():
            user = accounts.add_user(session, email=f"{name}@example.org", by=made.by, is_admin=name == "admin")
            user.password_hash = stored
            made.users[name] = user.id
            if role is not None:
                accounts.set_role(session, user.id, made.teams[role[0]], role[1], by=made.by)


def measure(made: World, *codes: str) -> dict[str, str]:
    """Sends a run of the applications of teams, and lands them; the answer is the run of each team."""
    sent: dict[str, str] = {}
    for number, code in enumerate(codes):
        answer = made.program(made.token("ingest").text).post("/api/v1/runs", json=run(number, f"app-{code}"))
        assert answer.status_code == 201, answer.text
        sent[code] = answer.json()["run_id"]
    landing.land_all(made.context)
    return sent


def declare(here: World, team: str, amount: int) -> None:
    """Traffic, cost, value and weight of a team's application in a month."""
    month, application_id = date(2026, 10, 1), here.applications[team]
    with here.context.store.session() as session:
        journey = session.query(Journey).filter_by(application_id=application_id).first()
        assert journey is not None
        of = {"application_id": application_id, "source": "test"}
        session.add_all(
            [
                Traffic(journey_id=journey.id, day=month, visits=amount, page_views=2 * amount, **of),
                Cost(period=month, amount=Decimal(amount), currency="EUR", kind="cloud", **of),
                Value(period=month, amount=Decimal(amount), currency="EUR", kind="sales", **of),
                Weight(application_id=application_id, weight=9.0, reason="test", valid_from=month),
            ]
        )
    figures.refresh(here.context)


@contextmanager
def listening(here: World) -> Iterator[str]:
    """A server on this machine; its address."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(here.app, log_level="warning", access_log=False, ws="none"))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()
