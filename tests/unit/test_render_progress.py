# SPDX-License-Identifier: Apache-2.0
"""Progress: lines in a log, a bar on a terminal, nothing when quiet."""

from __future__ import annotations

import io
import itertools
import threading

import pytest
from rich.console import Console

from lichen.render.progress import Lines, LiveBar, make_progress, time_left_s
from lichen.service.progress import Progress


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _run(listener: Progress) -> None:
    listener.phase("simulate [red]\x1b[2J")
    for taken in (1, 2, 3):
        listener.sample("simulate", taken, 3, None if taken < 3 else 0.021)
    listener.done("simulate [red]\x1b[2J")


def test_lines_say_when_a_journey_begins_and_ends() -> None:
    stream = io.StringIO()
    seconds = itertools.count(100.0, 12.5)
    _run(Lines(Console(file=stream, width=200, markup=False), "en", lambda: next(seconds)))
    assert stream.getvalue().splitlines() == [
        "simulate [red][2J ...",
        "simulate [red][2J: done in 12\u00a0s, 3 samples, ±\u00a02.1%",
    ]


def test_phases_that_are_no_journeys_are_said_in_the_language() -> None:
    stream = io.StringIO()
    lines = Lines(Console(file=stream, width=200, markup=False), "fr")
    for phase in ("starting portal, back office", "apply: recording its third parties", "apply"):
        lines.phase(phase)
    assert stream.getvalue().splitlines() == [
        "démarrage\u00a0: portal, back office ...",
        "apply\u00a0: enregistrement de ses tiers ...",
        "apply ...",
    ]


def test_a_bar_shows_what_is_done_and_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = _Terminal()
    seconds = itertools.count(0.0, 10.0)
    bar = LiveBar(Console(file=stream, width=80, force_terminal=True), "fr", lambda: next(seconds))
    bar.phase("simulate")
    bar.sample("simulate", 1, 4, None)
    bar.done("simulate")
    assert "encore 30\u202fs environ" in stream.getvalue()
    assert "terminé en 20\u202fs, 1 échantillon" in stream.getvalue()


def test_a_bar_is_drawn_only_when_it_is_told_something(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    before = threading.active_count()
    bar = LiveBar(Console(file=_Terminal(), width=80, force_terminal=True), "en")
    bar.phase("simulate")
    assert threading.active_count() == before
    bar.close()


def test_closing_takes_the_bar_away_and_shows_the_cursor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = _Terminal()
    bar = LiveBar(Console(file=stream, width=80, force_terminal=True), "en")
    bar.phase("simulate")
    assert stream.getvalue().rfind("\x1b[?25l") > stream.getvalue().rfind("\x1b[?25h")
    bar.close()
    bar.close()
    assert stream.getvalue().rfind("\x1b[?25h") > stream.getvalue().rfind("\x1b[?25l")


def test_a_bar_that_was_interrupted_while_it_started_closes_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = _Terminal()
    console = Console(file=stream, width=80, force_terminal=True)
    bar = LiveBar(console, "en")

    def interrupted(_hook: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(console, "push_render_hook", interrupted)
    with pytest.raises(KeyboardInterrupt):
        bar.phase("simulate")
    bar.close()
    assert stream.getvalue().rfind("\x1b[?25h") > stream.getvalue().rfind("\x1b[?25l")


def test_quiet_says_nothing() -> None:
    stream = _Terminal()
    _run(make_progress(quiet=True, stream=stream, lang="en"))
    assert stream.getvalue() == ""


def test_the_stream_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("TTY_COMPATIBLE", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert type(make_progress(quiet=False, stream=io.StringIO(), lang="en")) is Lines
    assert type(make_progress(quiet=False, stream=_Terminal(), lang="en")) is LiveBar


@pytest.mark.parametrize(("elapsed", "done", "total", "left"), [(30, 3, 7, 40), (30, 0, 7, None), (30, 9, 7, 0)])
def test_time_left(elapsed: float, done: int, total: int, left: float | None) -> None:
    assert time_left_s(elapsed, done, total) == left
