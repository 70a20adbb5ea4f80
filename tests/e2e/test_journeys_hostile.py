# SPDX-License-Identifier: Apache-2.0
"""Journeys that misbehave: they exit, never end, close what is not theirs. Each ends in one sentence."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import psutil
import pytest

from lichen.collect.base import Sample
from lichen.collect.journeys import BrowserSettings, Journey, driver_session, find_browser, run_sample
from lichen.collect.machine import MachineMeter
from lichen.errors import ConfigError, JourneyFailed

pytestmark = pytest.mark.browser

QUICK = BrowserSettings(rest_s=0, settle_s=0, timeout_s=2.0, journey_timeout_s=30.0)
IMPATIENT = BrowserSettings(rest_s=0, settle_s=0, timeout_s=2.0, journey_timeout_s=2.0)


@pytest.fixture(autouse=True)
def _signals_and_threads_are_as_before() -> Iterator[None]:
    before = signal.getsignal(signal.SIGALRM), threading.excepthook, sys.gettrace()
    yield
    assert (signal.getsignal(signal.SIGALRM), threading.excepthook, sys.gettrace()) == before


@pytest.fixture(scope="module", autouse=True)
def _one_driver() -> Iterator[None]:
    with driver_session():
        yield


def attempt(
    run: Callable[[Any, Any], object],
    *,
    settings: BrowserSettings = QUICK,
    prepare: Callable[[Any], Any] | None = None,
) -> Sample:
    return run_sample(
        Journey("shop", "shop.py", "", None, run, prepare),  # type: ignore[arg-type]  # what is wrong is the point
        browser=find_browser("fast"),
        settings=settings,
        meter_factory=MachineMeter,
        parts={},
        index=0,
        artefacts=None,
    )


class Own(BaseException):
    """A journey's own exception that no ``except Exception`` catches."""


class Mute(Exception):
    """An exception that cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (SystemExit(0), "it raised SystemExit: 0, which ends a program"),
        (Own("done"), "it raised Own: done, which"),
        (asyncio.CancelledError(), "it raised CancelledError, which"),
        (GeneratorExit(), "it raised GeneratorExit, which"),
        (StopIteration(), "StopIteration"),
        (Mute(), r"Mute: its text cannot be had \(RuntimeError\)"),
    ],
)
def test_whatever_a_step_raises_is_a_failed_journey(raised: BaseException, words: str) -> None:
    def run(page: Any, step: Any) -> None:
        with step("pay"):
            raise raised

    with pytest.raises(JourneyFailed, match=f"Journey 'shop', step 'pay': {words}"):
        attempt(run)


def test_an_exit_in_prepare() -> None:
    with pytest.raises(JourneyFailed, match="Journey 'shop': it raised SystemExit: 0, which ends a program"):
        attempt(lambda page, step: None, prepare=lambda page: sys.exit(0))


def test_an_interrupt_stays_one() -> None:
    def run(page: Any, step: Any) -> None:
        with step("pay"):
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        attempt(run)


def _spin(page: Any) -> None:
    while True:
        pass


def _sleep(page: Any) -> None:
    time.sleep(1000)


def _try_again(page: Any) -> None:
    while True:
        with contextlib.suppress(Exception):
            page.click("#never")


def _swallow(page: Any) -> None:
    while True:
        try:  # noqa: SIM105 - a plain loop is what is tested
            time.sleep(1000)
        except BaseException:  # noqa: BLE001 - the worst that a journey can do
            pass


@pytest.mark.parametrize("loop", [_spin, _sleep, _try_again, _swallow])
def test_python_that_never_ends_is_ended(loop: Callable[[Any], None]) -> None:
    def run(page: Any, step: Any) -> None:
        with step("wait"):
            loop(page)

    with pytest.raises(JourneyFailed, match="did not end within 2 s and stopped in the step 'wait'"):
        attempt(run, settings=IMPATIENT)


def test_an_overdue_journey_leaves_no_driver_that_it_may_have_broken() -> None:
    """It was interrupted wherever it stood, in the driver's own loop perhaps: what comes after gets another one."""

    def run(page: Any, step: Any) -> None:
        with step("wait"):
            _try_again(page)

    with driver_session() as driver:
        attempt(lambda page, step: page.title())
        broken = driver.pid
        assert psutil.pid_exists(broken)
        with pytest.raises(JourneyFailed, match="did not end within 2 s"):
            attempt(run, settings=IMPATIENT)
        assert not psutil.pid_exists(broken)
        attempt(lambda page, step: page.title())
        assert driver.pid != broken


def test_the_time_limit_holds_in_another_thread_and_in_prepare() -> None:
    done = subprocess.run([sys.executable, "-c", ELSEWHERE], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("Journey 'shop' did not end within 2 s.\n", "")


ELSEWHERE = """
import threading
from lichen.collect.journeys import BrowserSettings, Journey, find_browser, run_sample
from lichen.collect.machine import MachineMeter
from lichen.errors import JourneyFailed

def prepare(page):
    while True:
        pass

def measure():
    try:
        run_sample(Journey("shop", "", "", None, print, prepare), browser=find_browser("fast"), parts={}, index=0,
                   settings=BrowserSettings(journey_timeout_s=2), meter_factory=MachineMeter, artefacts=None)
    except JourneyFailed as error:
        print(error.problem)

thread = threading.Thread(target=measure)
thread.start()
thread.join()
"""


def _generator(page: Any, step: Any) -> Iterator[None]:
    yield


async def _asynchronous(page: Any, step: Any) -> None:
    pass


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (lambda page, step: _generator(page, step), "is a generator: it contains yield, so nothing of it would run"),
        (lambda page, step: _asynchronous(page, step), "is asynchronous, so nothing of it would run"),
        (lambda page, step: step("a") and None, r"hostile\.py:\d+: the step 'a' is called without 'with'"),
        (lambda page, step: step("(between)"), "stands for the time between steps"),
        (lambda page, step: step("a\nb"), r"the step name 'a\\nb' contains a control character"),
        (lambda page, step: step("a\udc80"), r"the step name 'a\\udc80' contains half of a surrogate pair"),
        (lambda page, step: step("a", dwell=float("nan")), "the dwell of the step 'a' is nan"),
        (lambda page, step: step("a", dwell="8"), "the dwell of the step 'a' is '8'"),
        (lambda page, step: step("a", dwell=True), "the dwell of the step 'a' is True"),
        (lambda page, step: step("a", dwell=86_401), "the dwell of the step 'a' is 86401"),
    ],
)
def test_what_a_journey_may_not_say(run: Callable[[Any, Any], object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        attempt(run)


def test_a_refused_step_that_the_journey_ignores_is_still_refused() -> None:
    def run(page: Any, step: Any) -> None:
        with contextlib.suppress(Exception):
            step("a/b")

    with pytest.raises(ConfigError, match="contains '/'"):
        attempt(run)


def test_a_step_whose_exception_is_caught_is_booked_and_the_next_one_works() -> None:
    def run(page: Any, step: Any) -> None:
        with contextlib.suppress(KeyError), step("first", dwell=3):
            raise KeyError("caught")
        with step("second"):
            page.goto("about:blank")

    sample = attempt(run)
    assert [reading.name for reading in sample.steps if reading.name] == ["first", "second"]


def test_the_failing_step_is_named_after_an_earlier_one_was_caught() -> None:
    def run(page: Any, step: Any) -> None:
        with contextlib.suppress(KeyError), step("first"):
            raise KeyError("caught")
        with step("second"):
            raise ValueError("not caught")

    with pytest.raises(JourneyFailed, match="step 'second': ValueError: not caught"):
        attempt(run)


def test_standard_output_is_kept_whatever_a_journey_does_with_it(capfd: pytest.CaptureFixture[str]) -> None:
    def run(page: Any, step: Any) -> None:
        print("by the back door", file=sys.__stdout__)
        os.write(1, b"by the number\n")
        subprocess.run(["echo", "by a program"], check=True)
        os.close(1)

    attempt(run)
    os.write(1, b"the result\n")
    captured = capfd.readouterr()
    assert captured.out == "the result\n"
    for words in ("by the number", "by a program"):
        assert words in captured.err


def test_the_page_in_a_thread_of_the_journeys_own(capfd: pytest.CaptureFixture[str]) -> None:
    def run(page: Any, step: Any) -> None:
        with step("look"):
            thread = threading.Thread(target=lambda: page.title())
            thread.start()
            thread.join(5)
            page.wait_for_timeout(50)

    with pytest.raises(JourneyFailed, match="the page was used from another thread"):
        attempt(run)
    assert "greenlet" not in capfd.readouterr().err
