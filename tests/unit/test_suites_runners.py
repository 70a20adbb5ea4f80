# SPDX-License-Identifier: Apache-2.0
"""What Robot Framework, pabot, Cypress and pytest are given, and what Cypress' proxy tells."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import pytest

from lichen.collect.browser.spans import Span, share_out
from lichen.collect.suites import recognise
from lichen.collect.suites.processes import as_browser
from lichen.collect.suites.proxied import exchange_told
from lichen.collect.suites.suite import Prepared


def prepare(command: str, tmp_path: Path, **env: str) -> tuple[Prepared, Path]:
    """The prepared suite, and the private folder with what is injected."""
    (tmp_path / "package.json").write_text('{"scripts": {"e2e": "cypress run -r dot"}}')
    suite = recognise(shlex.split(command), env, tmp_path)
    assert suite is not None
    folder = tmp_path / "private"
    folder.mkdir()
    return suite.prepare(folder), folder


@pytest.mark.parametrize(
    ("command", "env", "changed", "asked"),
    [
        ("npx cypress run", {}, "npx cypress run", None),
        ("npx cypress run", {"CYPRESS_REPORTER": "junit"}, "npx cypress run", "junit"),
        ("npx cypress run --reporter dot --spec a", {}, "npx cypress run --reporter OURS --spec a", "dot"),
        ("yarn cypress run --reporter=./own.js", {}, "yarn cypress run --reporter=OURS", "./own.js"),
        ("npx -y cypress run -r list", {"CYPRESS_REPORTER": "junit"}, "npx -y cypress run -r OURS", "list"),
    ],
)
def test_cypress_hands_on_to_the_reporter_that_was_asked_for(
    command: str, env: dict[str, str], changed: str, asked: str | None, tmp_path: Path
) -> None:
    prepared, folder = prepare(command, tmp_path, **env)
    ours = str(folder / "cypress_reporter.cjs")
    assert Path(ours).is_file()
    assert list(prepared.command) == [word.replace("OURS", ours) for word in changed.split()]
    assert prepared.env["CYPRESS_REPORTER"] == ours
    kept = folder / "cypress_reporter_asked.json"
    assert (json.loads(kept.read_text())["reporter"] if kept.exists() else None) == asked


def test_a_reporter_inside_a_script_stays(tmp_path: Path) -> None:
    prepared, _ = prepare("npm run e2e", tmp_path)
    assert list(prepared.command) == ["npm", "run", "e2e"]
    assert "CYPRESS_REPORTER" not in prepared.env
    assert any("inside a script" in note for note in prepared.notes)


@pytest.mark.parametrize("command", ["npx cypress open", "npx cypress verify", "cypress"])
def test_only_cypress_run_is_a_suite(command: str, tmp_path: Path) -> None:
    assert recognise(command.split(), {}, tmp_path) is None


@pytest.mark.parametrize(
    ("command", "changed"),
    [
        ("robot tests", "robot tests"),
        ("python -m robot --include smoke tests", "python -m robot --include smoke tests"),
        ("pabot tests", "pabot --processes 1 tests"),
        ("pabot --verbose --processes 4 tests", "pabot --processes 1 --verbose tests"),
        ("uv run pabot --processes 4 tests", "uv run pabot --processes 1 tests"),
    ],
)
def test_robot_keeps_the_command_but_for_the_processes_of_pabot(command: str, changed: str, tmp_path: Path) -> None:
    prepared, folder = prepare(command, tmp_path, ROBOT_OPTIONS="--name Own")
    assert list(prepared.command) == changed.split()
    words = shlex.split(prepared.env["ROBOT_OPTIONS"])
    assert words == ["--listener", str(folder / "lichen_robot.py"), "--name", "Own"]
    assert any("one worker" in note for note in prepared.notes) == command.startswith(("pabot", "uv"))


@pytest.mark.parametrize(
    ("command", "injected"),
    [
        ("python -m pytest -E x", True),
        ("python -B -m pytest", True),
        ("python -I -m pytest", False),
        ("python3 -sE -m pytest", False),
        ("pytest -n 2", True),
    ],
)
def test_pytest_gets_a_plug_in_only_where_it_can_be_found(command: str, injected: bool, tmp_path: Path) -> None:
    prepared, folder = prepare(command, tmp_path)
    assert ("-p lichen_pytest" in prepared.env.get("PYTEST_ADDOPTS", "")) == injected
    assert (prepared.env.get("PYTHONPATH") == str(folder)) == injected
    assert prepared.command == tuple(command.split())


@pytest.mark.parametrize(
    "words",
    [
        ["npm exec cypress run --browser /usr/bin/chromium"],
        ["/usr/bin/chromium --type=renderer --user-data-dir=/tmp/chromium"],
        ["/usr/bin/chromium", "--version"],
    ],
)
def test_titles_and_questions_are_no_browsers(words: list[str]) -> None:
    assert as_browser(1, words) is None


EVENT = {
    "event": "exchange",
    "method": "POST",
    "url": "https://ada:lovelace@shop.example/list?n=1",
    "kind": "fetch",
    "status": 201,
    "sent_at_s": 10.5,
    "finished_at_s": 12.0,
    "received_bytes": 300,
    "sent_bytes": 40,
}


def test_an_exchange_of_the_proxy_is_booked_where_it_was_sent() -> None:
    exchange = exchange_told(EVENT)
    shares = share_out([exchange], [Span("a", 10, 11), Span("b", 11, 13)], (9, 14))
    assert (shares.bytes, shares.counts) == ({"": 0, "a": 340, "b": 0}, {"": 0, "a": 1, "b": 0})
    (request,) = shares.requests
    assert (request.step, request.status, request.received_bytes, request.sent_bytes) == ("a", 201, 300, 40)
    assert "lovelace" not in request.url


def test_a_websocket_of_the_proxy_has_its_answer_where_it_ended() -> None:
    exchange = exchange_told({**EVENT, "kind": "websocket"})
    shares = share_out([exchange], [Span("a", 10, 11), Span("b", 11, 13)], (9, 14))
    assert shares.bytes == {"": 0, "a": 40, "b": 300}


def test_an_unanswered_request_has_no_status() -> None:
    assert exchange_told({**EVENT, "status": None, "received_bytes": 0}).status is None


@pytest.mark.parametrize("broken", [{"sent_at_s": "soon"}, {"received_bytes": None}, {"url": None, "status": "ok"}])
def test_what_is_no_exchange_is_refused(broken: dict[str, object]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        exchange_told({**EVENT, **broken})
