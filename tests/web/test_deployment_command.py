# SPDX-License-Identifier: Apache-2.0
"""`lichen deployment record` in a real repository: into the store of the machine, and to a real server."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from click.testing import CliRunner
from sqlalchemy import select
from tests.web.access_support import World, world

from lichen.cli.app import root
from lichen.outputs.web.serving import listen
from lichen.store import open_store
from lichen.store.models import Application, Deployment


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one commit of Ada's and a tag."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "lichen.toml").write_text('[project]\nname = "app-ours"\n')
    git = ["git", "-C", str(folder), "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"], ["tag", "1.2.0"]):
        subprocess.run([*git, *words], check=True, capture_output=True)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("LICHEN_TOKEN", raising=False)
    return folder


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[World, str]]:
    """A server on a port of this machine."""
    with world(tmp_path) as here, listen("127.0.0.1", 0) as listener:
        server = uvicorn.Server(uvicorn.Config(here.app, log_level="error", lifespan="on"))
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        try:
            while not server.started:
                time.sleep(0.01)
            yield here, f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()


def test_the_store_of_the_machine_keeps_what_git_knows(repository: Path) -> None:
    with open_store(folder=repository) as store, store.session() as session:
        session.add(Application(code="app-ours", name="Ours"))
    words = ["deployment", "record", "--environment", "production", "--at", "2026-02-01T10:00:00Z"]
    first = CliRunner().invoke(root, [*words, "--json"])
    assert first.exit_code == 0, first.output
    told = json.loads(first.stdout)
    assert (told["version"], told["author"], told["is_new"], len(told["commit"])) == ("1.2.0", "Ada", True, 40)
    again = CliRunner().invoke(root, [*words, "--lang", "fr"])
    assert again.stdout == "app-ours 1.2.0 : déjà connu\n"
    with open_store(folder=repository) as store, store.reading() as session:
        (row,) = session.scalars(select(Deployment))
        assert (row.version, row.environment, row.author) == ("1.2.0", "production", "Ada")


def test_a_server_keeps_it(repository: Path, served: tuple[World, str], monkeypatch: pytest.MonkeyPatch) -> None:
    here, address = served
    words = ["deployment", "record", "--server", address, "--version", "1.3", "--at", "2026-02-01T10:00:00Z"]
    refused = CliRunner().invoke(root, words)
    assert refused.exit_code == 2
    assert "refuses the deployment" in refused.output
    monkeypatch.setenv("LICHEN_TOKEN", here.token("ingest", owner="editor", team="ours").text)
    assert [CliRunner().invoke(root, words).stdout for _ in range(2)] == [
        "app-ours 1.3: kept\n", "app-ours 1.3: known already\n",
    ]  # fmt: skip
    unknown = CliRunner().invoke(root, [*words, "--app", "nothing"])
    assert (unknown.exit_code, "does not exist" in unknown.output) == (2, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--at", "yesterday"], "--at is 'yesterday'"),
        (["--at", "2026-02-01T10:00:00"], "--at is '2026-02-01T10:00:00'"),
        (["--server", "http://127.0.0.1:1"], "does not answer"),
        ([], "There is no application 'app-ours'"),
    ],
)
def test_a_mistake_is_told_in_one_sentence(repository: Path, words: list[str], told: str) -> None:
    result = CliRunner().invoke(root, ["deployment", "record", *words])
    assert result.exit_code == 2
    assert told in result.output
