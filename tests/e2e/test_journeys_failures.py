# SPDX-License-Identifier: Apache-2.0
"""Journeys that fail: each in one sentence that names journey, step and cause, and no process left behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from lichen.collect.journeys import (
    BrowserInfo,
    BrowserSettings,
    Journey,
    driver_session,
    find_browser,
    load_journey,
    run_sample,
)
from lichen.collect.machine import MachineMeter
from lichen.errors import BrowserMissing, ConfigError, JourneyFailed

sys.path.insert(0, str(Path(__file__).parent / "sites"))
from wire import WireServer

pytestmark = [pytest.mark.browser, pytest.mark.beside]

QUICK = BrowserSettings(rest_s=0.1, timeout_s=2.0, journey_timeout_s=30.0)


@pytest.fixture(scope="module", autouse=True)
def _one_driver() -> Iterator[None]:
    with driver_session():
        yield


@pytest.fixture(scope="module")
def server() -> Iterator[WireServer]:
    with WireServer() as running:
        yield running


@pytest.fixture(autouse=True)
def _nothing_is_left(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # A folder of its own, as other browsers may run; a short name, as sockets lie in it.
    with tempfile.TemporaryDirectory(prefix="lt-") as own:
        monkeypatch.setattr(tempfile, "tempdir", own)
        yield
        mine = psutil.Process().children(recursive=True)
        assert not [child.pid for child in mine if "chrom" in child.name()]
        assert list(Path(own).glob("lichen-browser-*")) == []


def attempt(
    run: Callable[[Any, Any], None] | Journey,
    folder: Path | None,
    settings: BrowserSettings = QUICK,
    base_url: str | None = None,
    browser: BrowserInfo | None = None,
) -> None:
    journey = run if isinstance(run, Journey) else Journey("shop", "shop.py", "", base_url, run)
    run_sample(
        journey,
        browser=browser or find_browser("fast"),
        settings=settings,
        meter_factory=MachineMeter,
        parts={},
        index=3,
        artefacts=folder,
    )


def test_a_selector_that_never_comes(server: WireServer, tmp_path: Path) -> None:
    def run(page: Any, step: Any) -> None:
        with step("open"):
            page.goto("/many.html")
        with step("pay"):
            page.click("#buy-now")

    with pytest.raises(JourneyFailed) as failure:
        attempt(run, tmp_path, base_url=server.url)
    sentence = failure.value.sentence()
    assert sentence.startswith("Journey 'shop', step 'pay': waited 2 s in vain for locator(\"#buy-now\").")
    picture = tmp_path / "shop-3-pay.png"
    assert str(picture) in sentence
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert failure.value.culprit == "shop/pay"


def test_no_screenshot_where_none_is_wanted(
    server: WireServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(page: Any, step: Any) -> None:
        with step("pay"):
            page.goto("/many.html")
            page.click("#buy-now")

    monkeypatch.chdir(tmp_path)
    with pytest.raises(JourneyFailed) as failure:
        attempt(run, None, base_url=server.url)
    assert failure.value.repair.endswith("Screenshot: not kept (output.keep_screenshots).")
    assert list(tmp_path.iterdir()) == []


def test_the_line_of_a_journey_file_is_named(server: WireServer, tmp_path: Path) -> None:
    file = tmp_path / "buy.py"
    file.write_text(
        "def journey(page, step):\n    page.goto('/many.html')\n    with step('look'):\n        page.click('#none')\n"
    )
    with pytest.raises(JourneyFailed, match=rf"Journey 'buy', step 'look' \({file}:4\)"):
        attempt(load_journey(str(file), base_url=server.url), tmp_path)


def test_a_site_that_is_down(tmp_path: Path) -> None:
    with WireServer() as gone:
        url = gone.url
    with pytest.raises(JourneyFailed, match=rf"nothing answers at {url}/: the connection is refused"):
        attempt(load_journey(url), tmp_path)


def test_a_host_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(JourneyFailed, match=r"nothing answers at http://nowhere\.invalid/: the host name is unknown"):
        attempt(load_journey("http://nowhere.invalid/"), tmp_path)


def test_an_address_that_is_no_page(server: WireServer, tmp_path: Path) -> None:
    with pytest.raises(JourneyFailed, match=r"/no-such-page answers with status 404"):
        attempt(load_journey(f"{server.url}/no-such-page"), tmp_path)


def test_refused_credentials(server: WireServer, tmp_path: Path) -> None:
    url = server.url.replace("//", "//ada:wrong@") + "/secret"
    with pytest.raises(JourneyFailed, match="refuses the user and password") as failure:
        attempt(load_journey(url), tmp_path)
    assert "wrong" not in failure.value.sentence()


def test_a_server_that_never_answers(server: WireServer, tmp_path: Path) -> None:
    with pytest.raises(JourneyFailed, match=r"step 'open': http://127.0.0.1:\d+/hang was not loaded after 2 s"):
        attempt(load_journey(f"{server.url}/hang"), tmp_path)


def test_a_renderer_that_is_killed_between_two_actions(server: WireServer, tmp_path: Path) -> None:
    def run(page: Any, step: Any) -> None:
        with step("open"):
            page.goto("/many.html")
        with step("grow"):
            for child in psutil.Process().children(recursive=True):
                if "--type=renderer" in " ".join(_command(child)):
                    child.kill()
            page.click("#grow")

    with pytest.raises(JourneyFailed, match="step 'grow': the page crashed"):
        attempt(run, tmp_path, base_url=server.url)


def test_a_script_that_never_ends(server: WireServer, tmp_path: Path) -> None:
    def run(page: Any, step: Any) -> None:
        with step("open"):
            page.goto("/many.html")
            page.evaluate("while (true);")

    impatient = BrowserSettings(rest_s=0.1, timeout_s=2.0, journey_timeout_s=4.0)
    with pytest.raises(JourneyFailed, match="did not end within 4 s and stopped in the step 'open'"):
        attempt(run, tmp_path, impatient, base_url=server.url)


def test_an_error_of_the_journeys_own(server: WireServer, tmp_path: Path) -> None:
    def run(page: Any, step: Any) -> None:
        with step("check"):
            raise KeyError("price")

    with pytest.raises(JourneyFailed, match="step 'check': KeyError: 'price'"):
        attempt(run, tmp_path)


@pytest.mark.parametrize(
    ("names", "problem"),
    [(["a", "a"], "the step 'a' runs twice"), (["a/b"], "contains '/'"), ([" "], "a step has no name")],
)
def test_step_names_that_are_only_known_when_they_run(names: list[str], problem: str, tmp_path: Path) -> None:
    def run(page: Any, step: Any) -> None:
        for name in names:
            with step(name):
                pass

    with pytest.raises(ConfigError, match=rf"test_journeys_failures\.py:\d+: .*{problem}"):
        attempt(run, tmp_path)


def test_a_step_inside_a_step(tmp_path: Path) -> None:
    def run(page: Any, step: Any) -> None:
        with step("outer"), step("inner"):
            pass

    with pytest.raises(ConfigError, match="'inner' begins inside the step 'outer'"):
        attempt(run, tmp_path)


def test_a_browser_that_does_not_start(tmp_path: Path) -> None:
    broken = tmp_path / "browser"
    broken.write_text("#!/bin/sh\necho 'it hurts' >&2\nexit 3\n")
    broken.chmod(0o755)
    with pytest.raises(BrowserMissing, match=r"does not start: it ended at once \(exit 3\); its last words: it hurts"):
        attempt(lambda page, step: None, tmp_path, browser=BrowserInfo(str(broken), "1", "fast"))


def test_prints_of_a_journey_go_to_standard_error(server: WireServer, tmp_path: Path, capsys: Any) -> None:
    def run(page: Any, step: Any) -> None:
        print("hello from the journey")  # noqa: T201 - the journey's own print is what is tested

    attempt(run, tmp_path)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "hello from the journey" in captured.err


RUNNER = """
import os
import sys
from pathlib import Path
from lichen.collect.journeys import BrowserSettings, Journey, driver_session, find_browser, run_sample
from lichen.collect.machine import MachineMeter

def run(page, step):
    with step("open"):
        page.goto(sys.argv[1])
        page.evaluate("setInterval(() => fetch('/blob?n=5'), 20)")

def tell(phase, detail):
    print(phase, flush=True, file=outside)  # standard output itself leads elsewhere while the journey runs

outside = os.fdopen(os.dup(1), "w")
with driver_session():
    while True:
        run_sample(Journey("kill", "", "", None, run), browser=find_browser(sys.argv[2]), settings=BrowserSettings(rest_s=0.2),
                   meter_factory=MachineMeter, parts={}, index=0, artefacts=Path("."), on_event=tell)
"""


def _descendants(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def _wait_gone(processes: list[psutil.Process], within_s: float = 10.0) -> list[psutil.Process]:
    return psutil.wait_procs(processes, timeout=within_s)[1]


@pytest.mark.parametrize("ending", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("phase", ["launch", "context", "settle", "window", "step", "close"])
def test_the_browser_dies_with_the_agent(
    ending: signal.Signals, phase: str, server: WireServer, tmp_path: Path
) -> None:
    profile = "fidelity" if ending == signal.SIGKILL else "fast"
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    agent = subprocess.Popen(
        [sys.executable, "-c", RUNNER, f"{server.url}/many.html", profile],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=environment,
        cwd=tmp_path,
    )
    try:
        assert agent.stdout is not None
        for line in agent.stdout:
            if line.strip() == phase:
                break
        time.sleep(0.03)  # somewhere inside the phase
        left = _descendants(agent.pid)
        agent.send_signal(ending)
        agent.wait(20)
        left += [p for p in psutil.process_iter() if str(tmp_path) in " ".join(_command(p))]
        assert _wait_gone(left) == []
        deadline_s = time.monotonic() + 10
        while list(tmp_path.glob("lichen-browser-*")) and time.monotonic() < deadline_s:
            time.sleep(0.05)
        assert list(tmp_path.glob("lichen-browser-*")) == []
    finally:
        if agent.poll() is None:
            agent.kill()
        agent.wait()
        if agent.stdout is not None:
            agent.stdout.close()


def _command(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def test_a_word_that_step_does_not_know(tmp_path: Path) -> None:
    def run(page: Any, step: Any) -> None:
        del page
        words = {"dwel": 5}
        with step("open", **words):
            pass

    with pytest.raises(JourneyFailed) as failure:
        attempt(run, tmp_path)
    assert failure.value.problem == "Journey 'shop': step() got an unexpected keyword argument 'dwel'."
    assert failure.value.repair == 'Write: with step("name", dwell=seconds): ...'
    assert list(tmp_path.iterdir()) == []  # a picture of a blank page would say nothing
