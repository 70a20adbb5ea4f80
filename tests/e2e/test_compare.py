# SPDX-License-Identifier: Apache-2.0
"""`lichen compare` whole: real browsers, real servers, real Git references, as the shell sees it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from lichen.ledger import runfile

pytestmark = [pytest.mark.browser, pytest.mark.beside]

SERVER = """
import functools, http.server, os, sys
handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=sys.argv[1])
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), handler).serve_forever()
"""
PAGE = '<!doctype html><html lang="en"><title>Shop</title><link rel="icon" href="data:,"><h1>Shop</h1>{more}'
CONFIG = """
[project]
name = "shop"
[context]
zone = "FR"
[measure]
profile = "fast"
settle_max_s = 0.5
rest_s = 0.1
page_dwell_s = 0.4
action_timeout_s = 1.0
[compare]
max_pairs = 6
"""
BUY = """
def journey(page, step):
    with step("open", dwell=5):
        page.goto("/")
    with step("buy", dwell=5):
        page.get_by_role("button", name="Buy").wait_for()
"""


@dataclass(frozen=True)
class Ended:
    """How a call ended."""

    code: int
    out: str
    err: str

    def verdict(self) -> Any:
        return json.loads(self.out)


def lichen(folder: Path, *words: str) -> Ended:
    done = subprocess.run(
        [sys.executable, "-m", "lichen", "compare", *words], cwd=folder, capture_output=True, text=True, timeout=170,
        check=False,
    )  # fmt: skip
    return Ended(done.returncode, done.stdout, done.stderr)


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Two versions of a page, and what serves them."""
    (tmp_path / "serve.py").write_text(SERVER)
    (tmp_path / "lichen.toml").write_text(CONFIG)
    (tmp_path / "buy.py").write_text(BUY)
    for name, more in (
        ("old", '<img src="logo.png" alt="">'),
        ("new", '<img src="logo.png" alt=""><img src="hero.png" alt="">'),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text(PAGE.format(more=more))
        (tmp_path / name / "logo.png").write_bytes(b"\x89PNG" + bytes(2_000))
    (tmp_path / "new" / "hero.png").write_bytes(b"\x89PNG" + bytes(311_000))
    return tmp_path


def served(folder: str) -> str:
    return f"cmd:{sys.executable} serve.py {folder}"


def test_a_heavier_page_fails_with_its_cause_and_its_runs_can_be_compared_again(shop: Path) -> None:
    ended = lichen(shop, served("old"), served("new"), "--format", "json=verdict.json")

    assert ended.code == 1, ended.err
    assert ended.out.startswith("✗ fail  cmd:")
    assert "kB: hero.png is new (step 'open')" in ended.out.replace("\u00a0", " ")
    verdict = json.loads((shop / "verdict.json").read_text())
    (journey,) = verdict["journeys"]
    assert (verdict["schema_version"], journey["journey"], journey["outcome"]) == (1, "page", "fail")
    (cause, *_) = journey["causes"]
    assert (cause["name"], cause["change"]) == ("hero.png", "new")
    assert 311_000 < cause["bytes_delta"] < 313_000
    requests = next(effect for effect in journey["counters"] if effect["name"] == "requests")
    assert (requests["base"], requests["head"], requests["exact"], requests["pairs"]) == (2, 3, True, 6)
    assert not list((shop / "lichen-runs").glob("*.run.json.gz")), "runs of a comparison are no history"

    base, head = verdict["base"]["runs"][0], verdict["head"]["runs"][0]
    again = lichen(shop, f"run:{base}", f"run:{head}", "--json")
    assert again.code == 1, again.err
    recorded = again.verdict()
    assert recorded["journeys"][0]["causes"][0]["name"] == "hero.png"
    assert any("1 of the 5 recorded sessions" in warning for warning in recorded["warnings"])
    unsure = next(one for one in recorded["journeys"][0]["counters"] if one["name"] == "cpu_time")
    assert unsure["outcome"] == "inconclusive", "one session says nothing of another day"

    session = dict(runfile.read(Path(base)).content)
    days = [
        runfile.write(shop / "days", {**session, "started_at": f"2026-11-0{day}T08:00:00Z"}).path for day in range(1, 6)
    ]
    known = lichen(shop, f"run:{','.join(map(str, days))}", f"run:{base}", "--json")
    assert known.code == 0, known.err
    assert not any("recorded sessions" in warning for warning in known.verdict()["warnings"])
    assert known.verdict()["journeys"][0]["causes"] == []
    told = [effect for effect in known.verdict()["journeys"][0]["counters"] if not effect["fault"]]
    assert {"network_bytes", "requests", "cpu_time"} <= {effect["name"] for effect in told}
    assert all(effect["change"] == pytest.approx(0.0, abs=1e-9) for effect in told)

    content = dict(runfile.read(Path(head)).content)
    elsewhere = runfile.write(shop / "elsewhere", {**content, "host": {**content["host"], "cpu_model": "Another"}}).path
    refused = lichen(shop, f"run:{base}", f"run:{elsewhere}")
    assert (refused.code, refused.out) == (2, "")
    assert "the machines differ in cpu_model" in refused.err
    allowed = lichen(shop, f"run:{base}", f"run:{elsewhere}", "--allow-different-hosts", "--json")
    assert allowed.code == 0, "what is not comparable decides nothing"
    assert allowed.verdict()["outcome"] == "inconclusive"
    assert any(one.startswith("no decision: the machines differ") for one in allowed.verdict()["warnings"])
    assert lichen(shop, f"run:{base}", f"run:{elsewhere}", "--allow-different-hosts", "--strict", "--json").code == 6


def test_a_journey_that_fails_on_one_side_is_said_with_the_side(shop: Path) -> None:
    with (shop / "new" / "index.html").open("a") as page:
        page.write("<button>Buy</button>")
    ended = lichen(shop, served("new"), served("old"), "buy.py", "--json")

    assert ended.code == 4, ended.err
    (journey,) = ended.verdict()["journeys"]
    assert journey["outcome"] == "error"
    assert journey["primary"] is None
    assert journey["reason"].startswith("the journey fails on the head only: Journey 'buy', step 'buy'")


def test_too_little_time_decides_nothing(shop: Path) -> None:
    words = (served("old"), served("old"), "--max-minutes", "0.001", "--strict", "--lang", "fr")
    ended = lichen(shop, *words)
    assert ended.code == 6, ended.err
    said = ended.out.replace("\u00a0", " ")
    assert said.startswith("? non concluant")
    assert "le temps s’est écoulé après 1 des 6 paires que demande un premier regard" in said


def test_a_name_in_the_gate_that_is_nothing_is_refused_before_anything_starts(shop: Path) -> None:
    with (shop / "lichen.toml").open("a") as config:
        config.write('gate = ["energy", "speed"]\n')
    ended = lichen(shop, served("old"), served("new"))
    assert (ended.code, ended.out) == (2, "")
    assert "compare.gate names 'speed'" in ended.err


def test_a_server_that_does_not_listen_is_named_and_nothing_is_left_behind(shop: Path) -> None:
    before = {process.pid for process in psutil.Process().children(recursive=True)}
    ended = lichen(shop, served("old"), f"cmd:{sys.executable} -c 'print(1)'")
    assert ended.code == 5
    assert "On the head: The part 'server' has ended (exit code 0); it said last: 1" in ended.err
    assert {process.pid for process in psutil.Process().children(recursive=True)} == before


# --- Git references of the loan portal ----------------------------------------------------------

PORTAL = """
[project]
name = "portal"
[context]
zone = "FR"
[measure]
profile = "fast"
settle_max_s = 0.5
[compare]
max_pairs = 6
gate = ["energy", "network_bytes", "requests"]
[[part]]
name = "backoffice"
command = ["{python}", "-m", "lichen.demo.backoffice", "--port", "{port}", "--data", "{portal.data}"]
ready = "{url}/healthz"
[[part]]
name = "portal"
command = [
  "{python}", "-m", "lichen.demo.portal", "--port", "{port}", "--data", "{data}", "--backoffice", "{backoffice.url}",
  "--allow-reset"]
ready = "{url}/healthz"
ready_timeout_s = 90
reset = "{url}/__reset__"
[[journey]]
name = "home"
file = "home.py"
base_url = "{portal.url}"
"""
HOME = """
def journey(page, step):
    with step("home", dwell=10):
        page.goto("/?lang=en")
        page.get_by_role("heading", level=1).first.wait_for()
"""


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The portal on the branch main, and a branch for each regression; a build that leaves a mark, or breaks."""
    folder = tmp_path_factory.mktemp("repository")
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "lichen.toml").write_text(PORTAL)
    (folder / "home.py").write_text(HOME)
    (folder / ".gitignore").write_text("lichen-runs\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "portal")
    for variant in ("all", "images", "polling"):
        git(folder, "switch", "--quiet", "--create", variant, "main")
        heavy = PORTAL.replace('"--allow-reset"]', f'"--allow-reset", "--heavy={variant}"]')
        (folder / "lichen.toml").write_text(heavy)
        git(folder, "commit", "--quiet", "--all", "--message", variant)
    git(folder, "switch", "--quiet", "main")
    yield folder
    assert git(folder, "worktree", "list").count("\n") == 0, "the work trees of both sides are gone"


@pytest.mark.parametrize("_time", [1, 2, 3])
def test_the_portal_against_itself_never_fails(repository: Path, _time: int) -> None:
    ended = lichen(repository, "git:main", "git:HEAD", "--json")
    assert ended.code == 0, ended.out + ended.err
    verdict = ended.verdict()
    assert verdict["outcome"] in ("pass", "inconclusive")
    assert verdict["base"]["revision"] == verdict["head"]["revision"] == git(repository, "rev-parse", "main")
    counters = {effect["name"]: effect for effect in verdict["journeys"][0]["counters"]}
    assert counters["requests"]["outcome"] == "pass"


@pytest.mark.parametrize(
    ("variant", "cause"), [("all", "hero.png"), ("images", "hero.png"), ("polling", "/api/status")]
)
def test_a_heavy_portal_fails_and_the_right_cause_is_named_first(repository: Path, variant: str, cause: str) -> None:
    ended = lichen(repository, "git:main", f"git:{variant}", "--json")
    assert ended.code == 1, ended.out + ended.err
    (journey,) = ended.verdict()["journeys"]
    assert journey["outcome"] == "fail"
    assert journey["causes"][0]["name"] == cause
    assert (journey["causes"][0]["kind"], journey["causes"][0]["step"]) == ("request", "home")
    assert {part["name"] for part in journey["parts"]} == {"browser", "backoffice", "portal"}
    kept = runfile.read(Path(ended.verdict()["head"]["runs"][0])).content
    assert {row["entity"].split("/")[1] for row in kept["activities"]} == {"browser", "backoffice", "portal"}


def test_a_base_that_does_not_build_shows_its_last_lines(repository: Path) -> None:
    build = f'{sys.executable} -c \'import sys; print("compiling", flush=True); sys.exit("no rule to make portal")\''
    ended = subprocess.run(
        [sys.executable, "-m", "lichen", "compare", "git:main", "git:images"],
        cwd=repository, capture_output=True, text=True, timeout=60, check=False,
        env={"LICHEN_COMPARE_BUILD": build, "PATH": "/usr/bin:/bin", "HOME": str(repository)},
    )  # fmt: skip
    assert ended.returncode == 2
    assert "The base (" in ended.stderr
    assert "does not build" in ended.stderr
    assert "ended with code 1; it said last: compiling | no rule to make portal" in ended.stderr


def test_a_reference_that_is_not_there_is_named(repository: Path) -> None:
    ended = lichen(repository, "git:main", "git:--upload-pack=x")
    assert ended.code == 2
    assert "There is no commit '--upload-pack=x'" in ended.err
