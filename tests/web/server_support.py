# SPDX-License-Identifier: Apache-2.0
"""A server in the test's own process, its store and ledger in a folder, and runs to send to it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from starlette.testclient import TestClient
from tests.fixtures import run as fixture

from lichen.config import load_settings
from lichen.outputs.web.app import create_app
from lichen.outputs.web.context import WebContext
from lichen.service import accounts
from lichen.service.accounts import By, TokenRequest
from lichen.service.context import open_context
from lichen.service.workspace import Workspace

HOST = "http://127.0.0.1:8000"


@contextmanager
def context(folder: Path, **server: str) -> Iterator[WebContext]:
    """Store and ledger in ``folder``; ``server`` sets keys of [server]."""
    overrides = {f"server.{key}": value for key, value in server.items()}
    toml = folder / "lichen.toml"
    toml.touch()
    found = open_context(Workspace(load_settings(toml, overrides=overrides, env={})))
    with found.store:
        yield WebContext(store=found.store, ledger=found.ledger, workspace=found.workspace, base_url=HOST)


def token(found: WebContext, *scopes: str, **narrow: str) -> str:
    """A new token."""
    request = TokenRequest(name="test", scopes=frozenset(scopes), **narrow)  # type: ignore[arg-type]
    with found.store.session() as session:
        return accounts.mint_token(session, request, by=By(actor="command:test", at=datetime.now(UTC))).text


@contextmanager
def client(found: WebContext, text: str | None = None) -> Iterator[TestClient]:
    """A client of the server, with a token of all ingest."""
    bearer = token(found, "ingest", "read") if text is None else text
    with TestClient(create_app(found), base_url=HOST, headers={"authorization": f"Bearer {bearer}"}) as made:
        yield made


@cache
def _content() -> dict[str, Any]:
    with TemporaryDirectory() as folder:
        return dict(fixture.write(Path(folder), "apply").content)


def run(number: int = 0, project: str = "loans") -> dict[str, Any]:
    """The content of a run; another one for each number and project."""
    content = copy.deepcopy(_content())
    content["host"]["number"] = number
    if project != "loans":
        text = json.dumps(content).replace('"loans/', f"{json.dumps(project)[:-1]}/")
        content = json.loads(text)
        content["project"] = project
    return content
