# SPDX-License-Identifier: Apache-2.0
"""`lichen comment` against real servers on this machine that answer as GitHub and GitLab document: pages, rights, errors."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from click.testing import CliRunner, Result
from tests.fixtures import gating as fixture

from lichen.cli.app import root as cli
from lichen.errors import StorageError, UsageError
from lichen.outputs.ci.markdown import marker
from lichen.outputs.ci.posting import Discussion, on_github, on_gitlab, post
from lichen.service.gating.outcome import gate_document

TOKEN = "canary-7731-token"
PATHS = {
    "github": re.compile(r"/api/v3/repos/team/shop/issues/(?:(?P<of>7)/comments|comments/(?P<id>\d+))"),
    "gitlab": re.compile(r"/api/v4/projects/42/merge_requests/7/notes(?:/(?P<id>\d+))?"),
}


@dataclass
class Forge:
    """The comments of one merge request, and how the server answers."""

    kind: str
    notes: list[dict[str, Any]] = field(default_factory=list)
    seen: list[tuple[str, str]] = field(default_factory=list)
    fails: list[int] = field(default_factory=list)
    may_write: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    port: int = 0

    @property
    def env(self) -> dict[str, str]:
        address = f"http://127.0.0.1:{self.port}"
        if self.kind == "github":
            return {
                "GITHUB_API_URL": f"{address}/api/v3", "GITHUB_REPOSITORY": "team/shop", "GITHUB_TOKEN": TOKEN,
                "GITHUB_REF": "refs/pull/7/merge",
            }  # fmt: skip
        return {
            "CI_API_V4_URL": f"{address}/api/v4", "CI_PROJECT_ID": "42", "CI_MERGE_REQUEST_IID": "7", "GITLAB_TOKEN": TOKEN,
        }  # fmt: skip

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, Any]:
        parts = urlsplit(path)
        self.seen.append((method, parts.path))
        if self.fails:
            return self.fails.pop(0), {"message": "later"}
        found = PATHS[self.kind].fullmatch(parts.path)
        if found is None:
            return 404, {"message": "Not Found"}
        if TOKEN not in (headers.get("Authorization", "").removeprefix("Bearer "), headers.get("PRIVATE-TOKEN")):
            return 401, {"message": "Bad credentials"}
        if method == "GET":
            query = parse_qs(parts.query)
            page, size = int(query["page"][0]), int(query["per_page"][0])
            return 200, self.notes[(page - 1) * size : page * size]
        if not self.may_write:
            return 403, {"message": "Resource not accessible by integration"}
        text = json.loads(body)["body"]
        if method == "POST" and found["id"] is None:
            self.notes.append({"id": len(self.notes) + 1, "body": text})
            return 201, self.notes[-1]
        if method == {"github": "PATCH", "gitlab": "PUT"}[self.kind] and found["id"]:
            self.notes[int(found["id"]) - 1]["body"] = text
            return 200, self.notes[int(found["id"]) - 1]
        return 405, {"message": "Method Not Allowed"}


@pytest.fixture(params=["github", "gitlab"])
def forge(request: pytest.FixtureRequest) -> Iterator[Forge]:
    state = Forge(request.param)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            status, content = state.answer(self.command, self.path, dict(self.headers), body)
            raw = json.dumps(content).encode()
            self.send_response(status)
            for name, value in {"Content-Length": str(len(raw)), **state.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PATCH = do_PUT = handle_any  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        state.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield state
        server.shutdown()
        thread.join()


@pytest.fixture
def document(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("GITHUB_STEP_SUMMARY", "GITHUB_EVENT_PATH", "CI"):
        monkeypatch.delenv(name, raising=False)
    file = tmp_path / "gate.json"
    file.write_text(json.dumps(gate_document(fixture.mixed_gate())), encoding="utf-8")
    return file


def comment(forge: Forge, file: Path, *words: str, **env: str) -> Result:
    return CliRunner().invoke(cli, ["comment", str(file), f"--{forge.kind}", *words], env={**forge.env, **env})


def test_the_comment_is_made_once_and_then_brought_up_to_date(forge: Forge, document: Path) -> None:
    forge.notes = [{"id": 1, "body": "Looks good to me."}]
    first = comment(forge, document)
    assert (first.exit_code, first.stdout) == (0, "The comment was made.\n")
    again = comment(forge, document, "--lang", "fr")
    assert (again.exit_code, again.stdout) == (0, "Le commentaire a été mis à jour.\n")
    assert len(forge.notes) == 2
    assert forge.notes[0]["body"] == "Looks good to me."
    assert forge.notes[1]["body"].startswith(f"{marker('loans')}\n## ✘ Lichen")
    assert "DÉPASSEMENT" in forge.notes[1]["body"]


def test_it_is_found_on_a_later_page(forge: Forge, document: Path) -> None:
    forge.notes = [{"id": number, "body": f"note {number}"} for number in range(1, 251)]
    forge.notes[230]["body"] = f"{marker('loans')}\nold"
    assert comment(forge, document).exit_code == 0
    assert len(forge.notes) == 250
    assert "FAIL" in forge.notes[230]["body"]
    assert [method for method, _ in forge.seen].count("GET") == 3


def test_a_quotation_of_the_comment_and_that_of_another_application_are_left_alone(
    forge: Forge, document: Path
) -> None:
    forge.notes = [
        {"id": 1, "body": f"> {marker('loans')}\nwhat is this?"},
        {"id": 2, "body": f"{marker('other')}\nof another application"},
    ]
    assert comment(forge, document).exit_code == 0
    assert [note["body"].splitlines()[0] for note in forge.notes] == [
        f"> {marker('loans')}", marker("other"), marker("loans"),
    ]  # fmt: skip


def test_a_token_that_may_not_write_leaves_the_summary(forge: Forge, document: Path, tmp_path: Path) -> None:
    """As for a merge request from a fork."""
    forge.may_write = False
    done = comment(forge, document, GITHUB_STEP_SUMMARY=str(tmp_path / "summary"))
    assert done.exit_code == 0
    assert "may not comment" in done.stdout
    assert forge.notes == []
    assert (tmp_path / "summary").read_text(encoding="utf-8").startswith("## ✘ Lichen")


def test_nothing_is_sent_in_a_dry_run(forge: Forge, document: Path) -> None:
    done = comment(forge, document, "--dry-run")
    assert done.exit_code == 0
    assert done.stdout.startswith(marker("loans"))
    assert forge.seen == []


def _place(forge: Forge) -> Discussion:
    return (on_github if forge.kind == "github" else on_gitlab)(forge.env)


def test_what_fails_for_the_moment_is_tried_again(forge: Forge) -> None:
    forge.fails = [502, 503, 429]
    pauses: list[float] = []
    assert post(_place(forge), "mark\nbody", "mark", wait=pauses.append) == "created"
    assert pauses == [1.0, 2.0, 4.0]
    assert len(forge.notes) == 1


def test_how_long_to_wait_is_what_the_server_says_within_bounds(forge: Forge) -> None:
    forge.fails, forge.headers = [503, 503], {"Retry-After": "3600"}
    pauses: list[float] = []
    post(_place(forge), "mark", "mark", wait=pauses.append)
    assert pauses == [10.0, 10.0]


def test_what_keeps_failing_is_one_sentence(forge: Forge) -> None:
    forge.fails = [500] * 9
    with pytest.raises(StorageError, match=r"answered 500\.") as refusal:
        post(_place(forge), "mark", "mark", wait=lambda _: None)
    assert refusal.value.repair
    assert forge.notes == []


def test_a_wrong_token_is_named_and_not_shown(forge: Forge, document: Path) -> None:
    variable = "GITHUB_TOKEN" if forge.kind == "github" else "GITLAB_TOKEN"
    done = comment(forge, document, **{variable: "canary-0000-wrong"})
    assert done.exit_code == 2
    assert "does not take the token" in done.stderr
    assert "canary" not in done.output


def test_a_server_that_is_away_is_one_sentence(forge: Forge) -> None:
    place = _place(forge)
    away = Discussion(
        base="http://127.0.0.1:9",
        headers=place.headers,
        listing=place.listing,
        single=place.single,
        update=place.update,
    )
    with pytest.raises(StorageError, match="does not answer"):
        post(away, "mark", "mark")


def test_a_redirect_is_not_followed_with_the_token(forge: Forge) -> None:
    forge.fails, forge.headers = [302], {"Location": "http://127.0.0.1:9/steal"}
    with pytest.raises(StorageError, match="answered 302"):
        post(_place(forge), "mark", "mark")


@pytest.mark.parametrize(
    ("read", "env", "sentence"),
    [
        (on_github, {}, "GITHUB_API_URL is not set"),
        (on_github, {"GITHUB_API_URL": "x", "GITHUB_REPOSITORY": "a/b"}, "GITHUB_TOKEN is not set"),
        (
            on_github,
            {"GITHUB_API_URL": "x", "GITHUB_REPOSITORY": "a/b", "GITHUB_TOKEN": "t", "GITHUB_REF": "refs/heads/main"},
            "of no pull request",
        ),
        (on_gitlab, {"CI": "true"}, "of no merge request"),
        (
            on_gitlab,
            {"CI_API_V4_URL": "x", "CI_PROJECT_ID": "1", "CI_MERGE_REQUEST_IID": "2"},
            "GITLAB_TOKEN is not set",
        ),
    ],
)
def test_what_the_pipeline_does_not_say_is_named(read: Any, env: dict[str, str], sentence: str) -> None:
    with pytest.raises(UsageError, match=sentence) as refusal:
        read(env)
    assert refusal.value.repair


def test_the_number_is_also_in_the_event(tmp_path: Path) -> None:
    """As for a workflow that another one starts."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 31}}), encoding="utf-8")
    env = {
        "GITHUB_API_URL": "http://x",
        "GITHUB_REPOSITORY": "a/b",
        "GITHUB_TOKEN": "t",
        "GITHUB_EVENT_PATH": str(event),
    }
    assert on_github(env).listing == "/repos/a/b/issues/31/comments"


@pytest.mark.parametrize(
    ("words", "sentence"),
    [((), "Say where the comment goes"), (("--github", "--gitlab"), "Say where the comment goes")],
)
def test_where_it_goes_is_asked_for(document: Path, words: tuple[str, ...], sentence: str) -> None:
    done = CliRunner().invoke(cli, ["comment", str(document), *words])
    assert done.exit_code == 2
    assert sentence in done.stderr


def test_a_verdict_is_taken_too(document: Path, tmp_path: Path) -> None:
    from lichen.service.verdict import verdict_document

    file = tmp_path / "verdict.json"
    file.write_text(json.dumps(verdict_document(fixture.verdict(fixture.heavier()))), encoding="utf-8")
    done = CliRunner().invoke(cli, ["comment", str(file), "--github", "--dry-run"])
    assert done.exit_code == 0
    assert "hero" in done.stdout
