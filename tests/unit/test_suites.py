# SPDX-License-Identifier: Apache-2.0
"""Recognising suites, the book of cases, sharing out, and the pipes: all that needs no browser."""

from __future__ import annotations

import json
import os
import random
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from lichen.collect.browser.exchange import Exchange
from lichen.collect.browser.traffic import Traffic
from lichen.collect.counters import Edge, Reading
from lichen.collect.suites import Level, recognise
from lichen.collect.suites.cases import CaseBook
from lichen.collect.suites.channel import Channel
from lichen.collect.suites.command import resolve
from lichen.collect.suites.processes import as_browser
from lichen.collect.suites.reading import Blindness, SuiteReading, assemble

INJECT = Path(__file__).parents[2] / "src" / "lichen" / "collect" / "suites" / "inject"
SECOND = 1_000_000_000

# --- which program a command starts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "runner"),
    [
        ("npx playwright test", "Playwright Test"),
        ("npx --yes -p @playwright/test playwright test --project=a", "Playwright Test"),
        ("npm exec -- playwright test", "Playwright Test"),
        ("yarn playwright test", "Playwright Test"),
        ("yarn run playwright test", "Playwright Test"),
        ("pnpm exec playwright test", "Playwright Test"),
        ("./node_modules/.bin/playwright test", "Playwright Test"),
        ("node node_modules/@playwright/test/cli.js test", "Playwright Test"),
        ("CI=1 xvfb-run -a npx playwright test", "Playwright Test"),
        ("npm test", "Playwright Test"),
        ("npm run e2e -- --grep x", "Playwright Test"),
        ("yarn e2e", "Playwright Test"),
        ("npm run nested", "Playwright Test"),
        ("sh -c 'npx mocha spec'", "Mocha"),
        ("node -r ts-node/register node_modules/mocha/bin/mocha.js", "Mocha"),
        ("pytest -q", "pytest"),
        ("python3.11 -X dev -m pytest tests", "pytest"),
        ("python -W error .venv/bin/pytest", "pytest"),
        ("uv run --with x pytest", "pytest"),
        ("poetry run pytest", "pytest"),
        ("timeout -k 5 60 env -u X A=b nice -n 5 pytest", "pytest"),
        ("node tests/journey.js", "Node.js script"),
        ("node --test --test-reporter spec", "Node.js test runner"),
        ("node a.js --test", "Node.js script"),
        ("npx jest --ci", "Jest"),
        ("npx vitest", "Node.js script"),
        ("python tests/journey.py", "Python script"),
    ],
)
def test_suites_are_recognised_through_what_starts_them(command: str, runner: str, tmp_path: Path) -> None:
    scripts = {"test": "playwright test", "e2e": "CI=1 playwright test", "nested": "npm run e2e"}
    (tmp_path / "package.json").write_text(json.dumps({"scripts": scripts}))
    suite = recognise(shlex.split(command), {}, tmp_path)
    assert suite is not None
    assert suite.runner.name == runner


@pytest.mark.parametrize(
    "command",
    [
        "ls -l",
        "make e2e",
        "npx playwright install",
        "npm test",
        "npm run both",
        "npm run loop",
        "npm",
        "A=b",
        "",
        "python -c pass",
    ],
)
def test_what_cannot_be_told_is_left_to_the_process_tree(command: str, tmp_path: Path) -> None:
    scripts = {"both": "npm run build && playwright test", "loop": "npm run loop"}
    (tmp_path / "package.json").write_text(json.dumps({"scripts": scripts}))
    assert recognise(command.split(), {}, tmp_path) is None


@pytest.mark.parametrize("content", ["{", "[]", '{"scripts": {"test": 3}}', '{"scripts": 3}'])
def test_a_strange_package_file_is_nobodys_fault(content: str, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text(content)
    assert recognise(["npm", "test"], {}, tmp_path) is None


def test_arguments_of_a_package_script_follow_its_own(tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"scripts": {"test": "playwright test -x"}}')
    call = resolve(["npm", "test", "--", "a b.spec.js"], tmp_path)
    assert call is not None
    assert call.arguments == ("test", "-x", "a b.spec.js")


# --- preparation ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", [["npx", "playwright", "test"], ["mocha"], ["pytest"], ["node", "a.js"], ["python", "a.py"]]
)
def test_preparation_keeps_command_and_environment_and_adds_to_it(command: list[str], tmp_path: Path) -> None:
    env = {"NODE_OPTIONS": "--no-warnings", "PYTHONPATH": "/own", "PYTEST_ADDOPTS": "-x", "KEPT": "yes"}
    suite = recognise(command, env, tmp_path)
    assert suite is not None
    folder = tmp_path / "a folder"
    folder.mkdir()
    prepared = suite.prepare(folder)
    assert prepared.command == tuple(command)
    assert prepared.env["NODE_OPTIONS"].startswith("--no-warnings --require ")
    assert prepared.env["PYTHONPATH"].endswith("/own")
    assert prepared.env["PYTEST_ADDOPTS"].endswith("-x")
    assert prepared.env["KEPT"] == "yes"
    assert env["NODE_OPTIONS"] == "--no-warnings"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("test", "test --workers=1"),
        ("test --workers=4 a.spec.js", "test a.spec.js --workers=1"),
        ("test -j 4 a.spec.js", "test a.spec.js --workers=1"),
        ("test -j4 --workers 50% -- -j 2", "test --workers=1 -- -j 2"),
    ],
)
def test_playwrights_arguments_with_one_worker(given: str, expected: str) -> None:
    code = (
        "process.argv = ['node', 'x']; const { withOneWorker } = require(process.env.HOOK);"
        "console.log(JSON.stringify(withOneWorker(JSON.parse(process.env.GIVEN))))"
    )
    env = {**os.environ, "HOOK": str(INJECT / "playwright.cjs"), "GIVEN": json.dumps(given.split())}
    done = subprocess.run(["node", "-e", code], env=env, capture_output=True, check=True)
    assert json.loads(done.stdout) == expected.split()


# --- browsers by their command line -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "port"),
    [
        (["/usr/lib/chromium/chromium", "--remote-debugging-port=0", "--user-data-dir=/tmp/p"], "0"),
        (["/bin/sh", "/usr/bin/chromium", "--remote-debugging-port=9222"], "9222"),
        (["/opt/google/chrome/chrome", "--remote-debugging-pipe"], None),
        (["firefox-esr", "-juggler-pipe"], None),
    ],
)
def test_browsers_are_known_by_their_command_line(words: list[str], port: str | None) -> None:
    found = as_browser(7, words)
    assert found is not None
    assert (found.pid, found.port) == (7, port)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["chromium", "--type=renderer"],
        ["chromedriver", "--port=0"],
        ["node", "chromium.js"],
        ["firefox", "-contentproc"],
    ],
)
def test_helpers_and_others_are_no_browsers(words: list[str]) -> None:
    assert as_browser(7, words) is None


# --- the book ---------------------------------------------------------------------------------------------------------


def edge(at_s: float, runner_s: float, browser_s: float | None = None, peak: int = 0) -> Edge:
    def reading(cpu_s: float) -> Reading:
        return Reading(
            cpu_ns=int(cpu_s * SECOND), disk_bytes=0, memory_byte_seconds=cpu_s, memory_peak_bytes=peak, alive=1
        )

    parts = {"runner": reading(runner_s)}
    if browser_s is not None:
        parts["browser"] = reading(browser_s)
    return Edge(at_ns=int(at_s * SECOND), spread_ns=5, readings=parts)


def told(book: CaseBook, edges: list[Edge], **more: object) -> SuiteReading:
    book.close(edges[-1])
    defaults = {"runner": "x", "level": Level.INJECTED, "blind": (), "held_s": 0.0, "notes": ()}
    return assemble(book, edges, more.pop("traffics", ()), **{**defaults, **more})


def test_a_worker_gives_the_edges_and_the_reporter_the_name() -> None:
    book, a, b = CaseBook(), edge(1, 0), edge(2, 1)
    assert book.is_news("id", "worker")
    book.start("id", "worker", a)
    assert not book.is_news("id", "reporter")
    book.end("id", "worker", b, "passed")
    book.start("id", "reporter", None, name="shop › opens", file="a.spec.js")  # told late, when it is over
    assert not book.is_end("id", "reporter")
    (case,) = book.cases
    assert (case.name, case.file, case.status, case.start, case.end) == ("shop › opens", "a.spec.js", "passed", a, b)
    assert book.is_news("id", "worker")  # the second attempt


def test_rows_by_hand() -> None:
    """0 s start, 1-4 s the case with a browser starting from 2 to 3 s, 6 s the end."""
    edges = [
        edge(0, 0, peak=1),
        edge(1, 0.5, peak=2),
        edge(2, 0.6, peak=3),
        edge(3, 0.7, 0.4, peak=9),
        edge(4, 0.9, 1.4, peak=5),
        edge(6, 1.0, 1.5, peak=4),
    ]
    book = CaseBook()
    book.start("c", "", edges[1], name="case")
    book.launch(edges[2])
    book.launched(edges[3])
    book.end("c", "", edges[4], "passed")
    sent = [Exchange(url=f"http://a/{at}", method="GET", kind="document", sent_at_s=at) for at in (0.5, 2.5, 3.5)]
    for exchange, size in zip(sent, (100, 20, 3), strict=True):
        exchange.finished_at_s, exchange.whole_bytes = exchange.sent_at_s + 0.1, size
    reading = told(book, edges, traffics=[Traffic(tuple(sent), ("note",))])
    case = reading.cases[0].reading
    assert case is not None
    assert (case.observed_s, case.network_bytes, case.requests) == (2.0, 3, 1)
    assert case.readings["runner"].cpu_ns == pytest.approx(0.3 * SECOND)
    assert case.readings["browser"].cpu_ns == pytest.approx(1.0 * SECOND)
    assert case.readings["browser"].memory_peak_bytes == 5
    assert (reading.between.observed_s, reading.between.paced_s) == (4.0, 0.0)
    assert (reading.between.network_bytes, reading.between.requests) == (120, 2)
    assert reading.between.readings["runner"].memory_peak_bytes == 9
    assert [request.step for request in reading.requests] == ["", "", "case"]
    assert reading.notes == ("note",)


def test_rows_add_up_whatever_the_cases_do() -> None:
    rng = random.Random(7)
    for _ in range(200):
        times = sorted(rng.sample(range(1, 1000), 12))
        cpu = 0.0
        edges = [edge(0, 0)]
        book = CaseBook()
        running: list[str] = []
        for number, at in enumerate(times):
            cpu += rng.random()
            edges.append(edge(at, cpu, cpu / 2 if number > 3 else None))
            if running and rng.random() < 0.5:
                book.end(running.pop(), "s", edges[-1], "passed")
            else:
                running.append(str(number))
                book.start(str(number), "s", edges[-1], name="same")
        reading = told(book, edges)
        for part in ("runner", "browser"):
            total = sum(step.readings[part].cpu_ns or 0 for step in reading.steps)
            assert total == edges[-1].readings[part].cpu_ns
        assert sum(step.observed_s for step in reading.steps) == pytest.approx(times[-1])
        assert len({case.name for case in reading.cases}) == len(reading.cases)


def test_cases_at_the_same_time_have_no_figures_of_their_own() -> None:
    edges = [edge(at, at) for at in range(6)]
    book = CaseBook()
    book.start("a", "", edges[1])
    book.start("b", "", edges[2])
    book.end("a", "", edges[3], "passed")
    book.end("b", "", edges[4], "passed")
    reading = told(book, edges)
    assert [case.reading for case in reading.cases] == [None, None]
    assert reading.between.readings["runner"].cpu_ns == 5 * SECOND
    assert reading.notes == ("2 test cases ran side by side: what they consumed is not told apart.",)


def test_bytes_are_unknown_where_a_browser_was_not_attached_to() -> None:
    edges = [edge(at, at) for at in range(6)]
    book = CaseBook()
    for name, at in (("a", 1), ("b", 3)):
        book.start(name, "", edges[at], name=name)
        book.end(name, "", edges[at + 1], "passed")
    reading = told(book, edges, blind=[Blindness(int(3.5 * SECOND), int(3.6 * SECOND))])
    assert [case.reading.network_bytes for case in reading.cases if case.reading] == [0, None]
    assert reading.between.network_bytes == 0
    unattached = told(book, edges, level=Level.TREE)
    assert [step.network_bytes for step in unattached.steps] == [None, None, None]
    assert [step.requests for step in unattached.steps] == [None, None, None]


# --- the pipes --------------------------------------------------------------------------------------------------------


@pytest.fixture
def channel(tmp_path: Path) -> Iterator[Channel]:
    for file in ("lichen_events.py", "hook.cjs"):
        (tmp_path / file).write_bytes((INJECT / file).read_bytes())
    opened = Channel(tmp_path)
    yield opened
    opened.close()


def listening(channel: Channel, seen: list[dict], until: int) -> threading.Thread:
    def take() -> None:
        with os.fdopen(os.eventfd(0), "rb") as never:
            while len(seen) < until:
                channel.wait(never.fileno(), timeout_s=20.0)
                for event in channel.events():
                    seen.append(event)
                    channel.acknowledge(event)

    thread = threading.Thread(target=take, daemon=True)
    thread.start()
    return thread


PYTHON = "import lichen_events as e; [e.tell({'event': 'start', 'test': 'é' * n}) for n in (1, 9000)]; print('went on')"
NODE = (
    "const e = require('./hook.cjs'); for (const n of [1, 9000]) e.tell({event: 'start', test: 'é'.repeat(n)});"
    "console.log('went on')"
)


@pytest.mark.parametrize(("program", "code", "events"), [(sys.executable, PYTHON, 2), ("node", NODE, 3)])
def test_a_sender_waits_for_its_answer_and_long_names_are_cut(
    program: str, code: str, events: int, channel: Channel, tmp_path: Path
) -> None:
    seen: list[dict] = []
    flag = "-c" if program == sys.executable else "-e"
    process = subprocess.Popen([program, flag, code], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=1.0)  # nobody answers yet
    listening(channel, seen, events).join(20)
    assert process.communicate(timeout=20)[0] == "went on\n"
    starts = [event for event in seen if event["event"] == "start"]
    assert [event["pid"] for event in starts] == [process.pid] * 2
    assert starts[0]["test"] == "é"
    assert set(starts[1]["test"]) == {"é"}
    assert 100 < len(starts[1]["test"]) < 9000


@pytest.mark.parametrize(("program", "code"), [(sys.executable, PYTHON), ("node", NODE)])
def test_a_sender_goes_on_when_nobody_listens_any_more(
    program: str, code: str, channel: Channel, tmp_path: Path
) -> None:
    flag = "-c" if program == sys.executable else "-e"
    process = subprocess.Popen([program, flag, code], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
    with pytest.raises(subprocess.TimeoutExpired):
        process.communicate(timeout=1.0)
    channel.close()
    assert process.communicate(timeout=20)[0] == "went on\n"
    again = subprocess.run([program, flag, code], cwd=tmp_path, capture_output=True, text=True, timeout=20, check=True)
    assert again.stdout == "went on\n"


@pytest.mark.parametrize(("program", "code"), [(sys.executable, PYTHON), ("node", NODE)])
def test_a_sender_that_had_begun_to_tell_goes_on_when_lichen_was_killed(
    program: str, code: str, channel: Channel, tmp_path: Path
) -> None:
    events = os.open(tmp_path / "events", os.O_RDONLY | os.O_NONBLOCK)  # the sender has it open since before
    channel.close()
    flag = "-c" if program == sys.executable else "-e"
    done = subprocess.run([program, flag, code], cwd=tmp_path, capture_output=True, text=True, timeout=20, check=True)
    os.close(events)
    assert done.stdout == "went on\n"


def test_more_senders_than_pipes_that_wait_for_them(channel: Channel, tmp_path: Path) -> None:
    seen: list[dict] = []
    thread = listening(channel, seen, 40 * 2)
    for _ in range(4):
        batch = [
            subprocess.Popen([sys.executable, "-S", "-c", PYTHON], cwd=tmp_path, stdout=subprocess.PIPE)
            for _ in range(10)
        ]
        assert [process.communicate(timeout=30)[0] for process in batch] == [b"went on\n"] * 10
    thread.join(20)
    assert len({event["pid"] for event in seen}) == 40


def test_what_is_no_event_is_left_out(channel: Channel, tmp_path: Path) -> None:
    with (tmp_path / "events").open("wb", buffering=0) as pipe:
        pipe.write(b'nonsense\n[1]\n{"event": 3}\n\xff\n{"event": "end", "reply": "../x"}\n{"ev')
    (event,) = channel.events()
    channel.acknowledge(event)
    assert event["event"] == "end"
