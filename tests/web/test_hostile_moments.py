# SPDX-License-Identifier: Apache-2.0
"""Moments at the edges of the calendar: with a time zone some of them have no equal in UTC."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from starlette.testclient import TestClient
from tests.web.access_support import World, world

from lichen.cli.app import root
from lichen.outputs.web.api.answers import cursor_of

EDGES = ("9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00")
SECRET = "s3cret"


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world(tmp_path_factory.mktemp("moments"), server={"webhook_secret_env": "LICHEN_TEST_HOOK"}) as made:
        yield made


@pytest.fixture(scope="module")
def program(here: World) -> TestClient:
    return here.program(here.token("ingest", "read").text)


@pytest.mark.parametrize("at", EDGES)
@pytest.mark.parametrize("path", ["deployments", "marks"])
def test_what_happened_then_is_refused(program: TestClient, path: str, at: str) -> None:
    told = {"version": "1"} if path == "deployments" else {"kind": "other", "text": "x"}
    answer = program.post(f"/api/v1/{path}", json={"application": "app-ours", "at": at, **told})
    assert (answer.status_code, answer.json()["culprit"]) == (422, "at")


@pytest.mark.parametrize("at", EDGES)
def test_a_signed_webhook_of_then_is_refused(here: World, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    monkeypatch.setenv("LICHEN_TEST_HOOK", SECRET)
    body = json.dumps({"application": "app-ours", "version": "1", "at": at}).encode()
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    fields = {"X-Hub-Signature-256": f"sha256={digest}"}
    answer = here.program().post("/api/v1/deployments/signed", content=body, headers=fields)
    assert (answer.status_code, answer.json()["culprit"]) == (422, "at")


@pytest.mark.parametrize("at", EDGES)
@pytest.mark.parametrize("path", ["runs", "deployments", "alerts", "activities?application=app-ours"])
def test_no_list_goes_on_from_then(program: TestClient, path: str, at: str) -> None:
    join = "&" if "?" in path else "?"
    answer = program.get(f"/api/v1/{path}{join}cursor={cursor_of(at, 'x')}")
    assert (answer.status_code, answer.json()["culprit"]) == (422, "cursor")


@pytest.mark.parametrize("at", EDGES)
def test_the_command_line_refuses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: str) -> None:
    monkeypatch.chdir(tmp_path)
    answer = CliRunner().invoke(
        root, ["deployment", "record", "--app", "loans", "--version", "1", "--at", at], prog_name="lichen"
    )
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert answer.stderr.startswith(f"error: --at is '{at}'.")
