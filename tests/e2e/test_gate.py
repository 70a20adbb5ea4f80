# SPDX-License-Identifier: Apache-2.0
"""`lichen gate` as people call it: real runs, real Git, a real server, a real browser; exit codes and sentences."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.board_support import sample_board
from tests.fixtures import gating as fixture
from tests.fixtures.gating import write_run
from tests.web.load_support import Server

from lichen.cli.app import root as cli
from lichen.config import load_settings
from lichen.errors import StorageError, UsageError
from lichen.service.board.next import measure_next
from lichen.service.gating.choosing import changed_journeys, next_journeys
from lichen.service.gating.gate import Order, gate
from lichen.service.gating.remote import fetch_baseline
from lichen.service.spool import Spool, push
from lichen.service.verdict import verdict_document
from lichen.service.workspace import Workspace

BUDGETS = """
[project]
name = "loans"

[[budget]]
code = "LB001"
what = "network_bytes"
max = "{limit}"
reason = "people on mobile networks"
"""


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    return lambda *words: CliRunner().invoke(cli, ["gate", *words])


def declare(limit: str, more: str = "") -> None:
    Path("lichen.toml").write_text(BUDGETS.format(limit=limit) + more, encoding="utf-8")


def recorded() -> str:
    return str(write_run(Path("runs"), "apply", "follow").path)


@pytest.mark.parametrize(
    ("limit", "code", "first"), [("1 MB", 0, "✔ PASS: 2 bounds hold"), ("1 kB", 1, "✘ FAIL: 2 bounds are broken")]
)
def test_the_verdict_comes_first(call: Callable[..., Result], limit: str, code: int, first: str) -> None:
    declare(limit)
    done = call("--run", recorded())
    assert (done.exit_code, done.stdout.splitlines()[0]) == (code, first)


def test_a_recorded_journey_need_not_be_declared(call: Callable[..., Result]) -> None:
    budget = '[[budget]]\ncode = "LB1"\njourney = "{}"\nwhat = "network_bytes"\nmax = "1 GB"\n'
    run = recorded()
    Path("lichen.toml").write_text(budget.format("apply"), encoding="utf-8")
    assert call("--run", run).exit_code == 0
    Path("lichen.toml").write_text(budget.format("billing"), encoding="utf-8")
    done = call("--run", run)
    assert done.exit_code == 2
    assert "Journeys: apply, follow." in done.stderr
    assert "Journeys: none." in call().stderr


def test_json_is_the_whole_result(call: Callable[..., Result]) -> None:
    declare("1 kB")
    done = call("--run", recorded(), "--json", "--github")
    document = json.loads(done.stdout)
    assert (document["outcome"], document["exit_code"], done.exit_code) == ("fail", 1, 1)
    assert [check["anchor"] for check in document["checks"]] == ["docs/gate.md#upper-bound"] * 2
    assert "::error file=lichen.toml" in done.stderr


def test_french(call: Callable[..., Result]) -> None:
    declare("1 kB")
    done = call("--run", recorded(), "--lang", "fr")
    assert done.stdout.startswith("✘ DÉPASSEMENT\u00a0: 2 limites dépassées\n")


def test_files_are_refused_before_anything_is_done(call: Callable[..., Result]) -> None:
    declare("1 kB")
    for words in (
        ("--junit", "nowhere/j.xml"),
        ("--format", "html=x.html"),
        ("--junit", "a", "--sarif", "a"),
        ("--summary", "lichen.toml"),
    ):
        done = call("--run", recorded(), *words)
        assert done.exit_code == 2, words
        assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("--run", "x", "--changed-paths", "main"), "--run and --changed-paths exclude each other."),
        (("--verdict", "x", "--base", "git:main"), "--verdict and --base exclude each other."),
        (("--changed-paths", "main", "--measure-next", "2"), "--changed-paths and --measure-next exclude each other."),
        (("apply", "--measure-next", "2"), "a journey and --measure-next exclude each other."),
        (("--head", "git:HEAD"), "--head has nothing to be compared with."),
        (("--base", "url:http://127.0.0.1:1"), "is compared with nothing."),
        (("--run", "none.run.json.gz"), "cannot be read"),
        (("--verdict", "lichen.toml"), "is not JSON"),
        (("--measure-next", "0"), "0 is not in the range"),
        (("--measure-next", "2"), "No server is named."),
    ],
)
def test_words_that_make_no_sense_are_one_sentence(
    call: Callable[..., Result], words: tuple[str, ...], sentence: str
) -> None:
    declare("1 kB")
    done = call(*words)
    assert done.exit_code == 2
    assert sentence in done.stderr
    assert "Traceback" not in done.output


def test_a_verdict_of_a_newer_version_is_refused(call: Callable[..., Result]) -> None:
    declare("1 kB")
    document = verdict_document(fixture.verdict(fixture.heavier())) | {"schema_version": 9}
    Path("verdict.json").write_text(json.dumps(document), encoding="utf-8")
    done = call("--verdict", "verdict.json")
    assert done.exit_code == 2
    assert "schema_version 9" in done.stderr


def test_a_comparison_names_its_cause(call: Callable[..., Result]) -> None:
    declare("1 MB")
    document = verdict_document(fixture.verdict(fixture.heavier()))
    Path("verdict.json").write_text(json.dumps(document), encoding="utf-8")
    done = call("--verdict", "verdict.json")
    assert done.exit_code == 1
    assert "What moved in apply:" in done.stdout
    assert "hero" in done.stdout


def test_a_breach_of_a_step_and_an_expired_acceptance_are_told(call: Callable[..., Result]) -> None:
    declare("1 kB")
    Path("lichen-accept.toml").write_text(
        '[[accept]]\ncode = "LB001"\njourney = "apply"\nreason = "hero picture"\nowner = "Ann"\nuntil = 2020-01-31\n',
        encoding="utf-8",
    )
    done = call("apply", "--run", recorded())
    assert done.exit_code == 1
    assert "the acceptance by Ann ended on 2020-01-31 (hero picture)" in done.stdout


# Which journeys


def git(*words: str) -> None:
    identity = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *words], check=True, capture_output=True)


JOURNEYS = """
[[journey]]
name = "apply"
file = "journeys/apply.py"
base_url = "http://127.0.0.1:1"
paths = ["src/apply/**", "../shared/*.css"]

[[journey]]
name = "follow"
url = "http://127.0.0.1:1/"
paths = ["src/follow/**"]

[[journey]]
name = "home"
url = "http://127.0.0.1:1/"
"""


@pytest.mark.parametrize(
    ("changed", "journeys"),
    [
        ("shop/src/apply/form.py", ["apply", "home"]),
        ("shop/src/follow/deep/list.py", ["follow", "home"]),
        ("shared/site.css", ["apply", "home"]),
        ("shared/deep/site.css", ["home"]),
        ("shop/journeys/apply.py", ["apply", "home"]),
        ("shop/lichen.toml", ["apply", "follow", "home"]),
        ("README.md", ["home"]),
        ("shop/src/apply/é\n space.py", ["apply", "home"]),
    ],
)
def test_journeys_whose_files_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changed: str, journeys: list[str]
) -> None:
    """A project in a folder of its repository; what the main branch changed meanwhile does not count."""
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    Path("shop").mkdir()
    Path("shop/lichen.toml").write_text(JOURNEYS, encoding="utf-8")
    git("add", ".")
    git("commit", "-qm", "base")
    git("checkout", "-qb", "branch")
    file = Path(changed)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(file.read_text(encoding="utf-8") + "\n" if file.exists() else "x", encoding="utf-8")
    git("add", ".")
    git("commit", "-qm", "change")
    git("checkout", "-q", "main")
    Path("shop/src/follow").mkdir(parents=True)
    Path("shop/src/follow/meanwhile.py").write_text("x", encoding="utf-8")
    git("add", ".")
    git("commit", "-qm", "meanwhile")
    git("checkout", "-q", "branch")
    assert list(changed_journeys(load_settings(Path("shop/lichen.toml")), "main")) == journeys


@pytest.mark.parametrize("reference", ["nowhere", "--output=pwned", "a b*", ""])
def test_a_reference_that_does_not_exist_is_one_sentence(call: Callable[..., Result], reference: str) -> None:
    declare("1 kB", JOURNEYS)
    git("init", "-q")
    git("commit", "-q", "--allow-empty", "-m", "base")
    done = call(f"--changed-paths={reference}")
    assert done.exit_code == 2
    assert "Git cannot tell what changed" in done.stderr
    assert not Path("pwned").exists()


def test_nothing_changed_passes_and_says_so(call: Callable[..., Result]) -> None:
    declare("1 kB", JOURNEYS.partition('\n[[journey]]\nname = "home"')[0])
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "base")
    done = call("--changed-paths", "HEAD", "--junit", "junit.xml")
    assert done.exit_code == 0
    assert "No changed file belongs to a journey" in done.stdout
    assert Path("junit.xml").read_text(encoding="utf-8").count("<testsuite ") == 0


@pytest.mark.slow
@pytest.mark.beside
def test_the_journeys_that_are_worth_it_most_come_from_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sample portfolio behind `lichen serve`; the order is that of its list."""
    with sample_board(tmp_path) as context:
        listed = [
            (row.application.code, row.journey.code)
            for page in range(1, 5)
            for row in measure_next(context, page=page).rows
            if row.journey is not None
        ]
    counts = {application: sum(one == application for one, _ in listed) for application, _ in listed}
    application = max(counts, key=lambda one: counts[one])
    ours = [journey for one, journey in listed if one == application]
    assert len(ours) > 1
    server = Server(tmp_path)
    token = server.token()
    server.start()
    try:
        project = tmp_path / "project.toml"
        declared = "".join(f'[[journey]]\nname = "{name}"\nurl = "http://127.0.0.1:1/"\n' for name in ours)
        project.write_text(
            f'[project]\nname = "{application}"\n[output]\nserver = "{server.address}"\n{declared}', encoding="utf-8"
        )
        settings = load_settings(project)
        monkeypatch.setenv("LICHEN_TOKEN", token)
        assert list(next_journeys(settings, 1)) == ours[:1]
        assert list(next_journeys(settings, 99)) == ours
        monkeypatch.setenv("LICHEN_TOKEN", "wrong")
        with pytest.raises(UsageError, match="refuses to be read"):
            next_journeys(settings, 1)
    finally:
        server.end()
    with pytest.raises(StorageError, match="does not answer"):
        next_journeys(settings, 1)


@pytest.mark.slow
@pytest.mark.beside
def test_the_baseline_comes_from_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Six runs that `lichen serve` has landed are fetched once; the seventh is held against them."""
    monkeypatch.chdir(tmp_path)
    Path("server").mkdir()
    server = Server(tmp_path / "server")
    monkeypatch.setenv("LICHEN_TOKEN", server.token())
    level = (1.0, 1.02, 0.98, 1.01, 0.99, 1.0, 1.01)
    spool = Spool(tmp_path / "spool")
    for day in range(1, 7):
        spool.put(write_run(Path("elsewhere"), noise=[one * (1 + 0.01 * (-1) ** day) for one in level], day=day).path)
    head = write_run(Path("runs"), noise=[1.4 * one for one in level], day=20)
    server.start()
    try:
        more = f'[output]\nserver = "{server.address}"\n[gate]\nbaseline_from_server = true\n'
        budget = '[[budget]]\ncode = "LB002"\nwhat = "cpu_time"\nmax_increase = "5 %"\n'
        declare("1 MB", more + budget)
        workspace = Workspace(load_settings(Path("lichen.toml")))
        order = Order(today=fixture.TODAY, runs=[head.path])
        assert [check.reason for check in gate(workspace, order).checks] == [
            "within",
            "no_history",
        ]  # not known there yet
        assert push(server.address, spool).sent == 6
        until = time.monotonic() + 90
        while len(list(Path(".lichen/baseline").glob("*"))) < 6 and time.monotonic() < until:
            time.sleep(1)
            with contextlib.suppress(StorageError):  # a run is acknowledged before its file can be fetched
                fetch_baseline(workspace.settings)
        _, increase = gate(workspace, order).checks
        assert (increase.outcome, increase.counted) == ("fail", 6)
        assert increase.change == pytest.approx(0.4, abs=0.01)
    finally:
        server.end()


# A browser


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "site"
    folder.mkdir()
    (folder / "index.html").write_text(
        "<!doctype html><title>Shop</title><link rel=icon href=data:,><h1>Shop</h1>", encoding="utf-8"
    )
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing."""


def _gate(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "lichen", "gate", *words], capture_output=True, text=True, check=False)


@pytest.mark.browser
@pytest.mark.beside
def test_it_measures_and_a_journey_that_fails_is_4(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: str) -> None:
    """One request holds exactly; the journey that fails is told beside the one that does not."""
    journeys = f"""
[measure]
samples = 2
profile = "fast"
discard = 0
page_dwell_s = 0

[[budget]]
code = "LB002"
what = "requests"
max = 1

[[journey]]
name = "shop"
url = "{site}/"

[[journey]]
name = "away"
url = "http://127.0.0.1:9999/"
"""
    monkeypatch.chdir(tmp_path)
    declare("1 MB", journeys)
    done = _gate("shop", "--junit", "junit.xml")
    assert done.returncode == 0, done.stderr
    assert "✔ PASS: 2 bounds hold" in done.stdout
    assert "Requests 1, at most 1" in done.stdout
    both = _gate("--format", "json=gate.json")
    assert both.returncode == 4
    assert "away failed: " in both.stdout
    document = json.loads(Path("gate.json").read_text(encoding="utf-8"))
    assert (document["outcome"], list(document["failed"])) == ("error", ["away"])
    assert {check["outcome"] for check in document["checks"]} == {"pass"}


@pytest.mark.browser
@pytest.mark.beside
def test_it_compares_first_where_it_is_asked_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two versions of a page, served by commands: the newer one has a picture of 20 kB, which is named."""
    monkeypatch.chdir(tmp_path)
    for version in ("old", "new"):
        Path(version).mkdir()
        page = "<!doctype html><title>Shop</title><link rel=icon href=data:,><h1>Shop</h1>"
        picture = "<img src=hero.png alt=''>" if version == "new" else ""
        Path(version, "index.html").write_text(page + picture, encoding="utf-8")
    Path("new/hero.png").write_bytes(bytes(20_000))
    more = """max_increase = "10 %"

[measure]
profile = "fast"
discard = 0
page_dwell_s = 0

[compare]
max_pairs = 6

[[journey]]
name = "shop"
url = "{url}/"
"""
    declare("5 kB", more)
    command = f"cmd:{sys.executable} -m http.server {{port}} --bind 127.0.0.1 -d"
    done = _gate("--base", f"{command} old", "--head", f"{command} new", "--format", "json=gate.json")
    assert done.returncode == 1, done.stderr
    checks = json.loads(Path("gate.json").read_text(encoding="utf-8"))["checks"]
    assert [(one["code"], one["rule"]) for one in checks] == [
        ("regression", "regression"), ("LB001", "max"), ("LB001", "increase"),
    ]  # fmt: skip
    assert checks[0]["outcome"] == "fail"
    assert "hero.png is new" in done.stdout
