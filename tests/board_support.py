# SPDX-License-Identifier: Apache-2.0
"""Stores for tests of the board: small ones whose figures are known by hand, and the sample portfolio."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from lichen.config import load_settings
from lichen.ledger import runfile
from lichen.service import sample
from lichen.service.context import ServiceContext, open_context
from lichen.service.workspace import Workspace
from lichen.store.models import Application, IngestJournal, Journey, Run, Team, Traffic

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@cache
def workspace() -> Workspace:
    """Of no project; factors are read once for all tests."""
    return Workspace(load_settings(None, overrides={"server.metrics": True}))


@contextmanager
def board(folder: Path) -> Iterator[ServiceContext]:
    """An empty store and ledger in a folder, on 22 November 2026."""
    found = open_context(_of(folder))
    context = ServiceContext(store=found.store, ledger=found.ledger, workspace=workspace(), clock=lambda: NOW)
    with context.store:
        yield context


def _of(folder: Path) -> Workspace:
    toml = folder / "lichen.toml"
    toml.touch()
    return Workspace(load_settings(toml, env={}))


@cache
def _sample() -> Path:
    folder = Path(mkdtemp(prefix="lichen-sample-"))
    with board(folder) as context:
        sample.load(context)
        context.store.close()
    return folder


@contextmanager
def sample_board(folder: Path) -> Iterator[ServiceContext]:
    """The sample portfolio, which is made once for all tests."""
    shutil.copytree(_sample(), folder, dirs_exist_ok=True)
    with board(folder) as context:
        yield context


def content(code: str, day: date, *, screen_s: float, journeys: tuple[str, ...] = ("buy",)) -> dict[str, Any]:
    """A run file whose journeys light a laptop's screen for some seconds, and compute a little on a server."""
    started = datetime(day.year, day.month, day.day, 9, tzinfo=UTC).isoformat().replace("+00:00", "Z")
    rows = [
        row
        for journey in journeys
        for row in (
            _row(f"{code}/browser/{journey}/open", "screen_time", screen_s, "s", "device"),
            _row(f"{code}/browser/{journey}/open", "network_bytes", 1e6, "B", "device"),
            _row(f"{code}/api/{journey}/open", "cpu_time", 0.5, "s", "server"),
        )
    ]
    return {
        "schema": "lichen-run/1", "lichen_version": "0.1.0", "project": code, "started_at": started, "ended_at": started,
        "host": {"host_id": "h"}, "browser": {"version": "1"}, "settings": {},
        "method": {"id": "lichen-1", "version": "1.0.0"},
        "context": {"parts": 2, "zone": "FR", "device": "laptop", "network": "fixed", "functional_unit": "visit"},
        "journeys": [_journey(journey) for journey in journeys], "activities": rows,
    }  # fmt: skip


def _row(entity: str, quantity: str, value: float, unit: str, tier: str) -> dict[str, Any]:
    place = {"device": "laptop", "network": "fixed"} if tier == "device" else {}
    return {
        "entity": entity, "quantity": quantity, "value": value, "unit": unit, "method": "measured", "samples": [value],
        "tier": tier, "zone": "FR", "basis": "per_unit", "functional_unit": "visit", **place,
    }  # fmt: skip


def _journey(name: str) -> dict[str, Any]:
    return {
        "name": name, "source": "test", "functional_unit": "visit", "requests": [], "notes": [], "agent_cpu_s": 0.0,
        "driver_cpu_s": 0.0,
        "sampling": {
            "taken": 1, "discarded": 0, "primary_s": [0.5], "kept": [0], "precision": None, "target": None, "cv": None,
            "status": "single",
        },
    }  # fmt: skip


def add_team(context: ServiceContext, code: str) -> str:
    """A team; its id."""
    team = Team(code=code, name=code.title())
    with context.store.session() as session:
        session.add(team)
    return team.id


def add_application(
    context: ServiceContext, code: str, team_id: str | None, journeys: tuple[str, ...] = ("buy",), **columns: Any
) -> tuple[str, dict[str, str]]:
    """An application with journeys; its id and theirs."""
    application = Application(code=code, name=columns.pop("name", code.title()), team_id=team_id, **columns)
    with context.store.session() as session:
        session.add(application)
        session.flush()
        made = [Journey(application_id=application.id, code=one, name=one.title()) for one in journeys]
        session.add_all(made)
    return application.id, {one.code: one.id for one in made}


def add_run(context: ServiceContext, application_id: str, document: Mapping[str, Any]) -> str:
    """A run that was taken in; its id."""
    run_id = runfile.run_id(document)
    body = gzip.compress(json.dumps(document).encode(), mtime=0)
    measured_at = datetime.fromisoformat(document["started_at"])
    with context.store.session() as session:
        session.add(
            IngestJournal(
                key=run_id, body_sha256=hashlib.sha256(body).hexdigest(), run_id=run_id,
                application_code=document["project"], body=body, token_id=None, landed_at=None, received_at=measured_at,
            )
        )  # fmt: skip
        session.add(
            Run(
                run_id=run_id, application_id=application_id, journeys=[one["name"] for one in document["journeys"]],
                measured_at=measured_at, received_at=measured_at, samples=1, host="h", browser="1",
                lichen_version="0.1.0", evidence=None,
            )
        )  # fmt: skip
    return run_id


def add_traffic(
    context: ServiceContext,
    application_id: str,
    journey_id: str | None,
    visits: Mapping[date, float],
    source: str = "csv",
) -> None:
    """Visits by day."""
    with context.store.session() as session:
        session.add_all(
            Traffic(
                application_id=application_id, journey_id=journey_id, day=day, visits=count, page_views=None, users=None,
                source=source,
            )
            for day, count in visits.items()
        )  # fmt: skip
