# SPDX-License-Identifier: Apache-2.0
"""Progress of a measurement: a bar with the time left on a terminal, one line per journey elsewhere, nothing when quiet.

Every class here is a listener of `lichen.service.progress`.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from typing import Final, TextIO

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar
from rich.text import Text

from lichen.render.figures import plain, shorten
from lichen.render.i18n import catalogue
from lichen.render.numbers import Numbers
from lichen.render.sentences import told
from lichen.service.progress import Progress, Silent

Clock = Callable[[], float]
_LABEL_WIDTH: Final = 40


def time_left_s(elapsed_s: float, done: int, total: int) -> float | None:
    """Seconds that the rest takes if it goes on as so far; None before the first unit is done.

    >>> time_left_s(30.0, 3, 7)
    40.0
    """
    return elapsed_s / done * max(0, total - done) if done > 0 else None


class Lines:
    """One line when a phase begins and one when it is done, for logs and pipes.

    Args:
        console: usually on stderr.
        lang: ``en`` or ``fr``.
        clock: seconds that only go forward.
    """

    def __init__(self, console: Console, lang: str, clock: Clock = time.monotonic) -> None:
        self._console = console
        self._words = catalogue(lang)
        self._numbers = Numbers(lang)
        self._clock = clock
        self._since_s = 0.0
        self._taken = 0
        self._precision: float | None = None

    def phase(self, text: str) -> None:
        """A line: it begins."""
        self._begin()
        self._write(self._words.say("progress.started", phase=self._named(text)))

    def sample(self, journey: str, taken: int, expected: int, precision: float | None) -> None:  # noqa: ARG002 - the protocol's
        """Remembered for the line at the end."""
        self._taken, self._precision = taken, precision

    def done(self, text: str) -> None:
        """A line: how long it took, how many samples, how precise."""
        took = self._numbers.amount(self._clock() - self._since_s, "s").text
        line = self._words.say("progress.done", phase=plain(text), time=took)
        if self._taken:
            line += self._words.count("progress.samples", self._taken)
        if self._precision is not None:
            line += self._words.say("progress.precision", precision=self._numbers.percent(self._precision))
        self._write(line)

    def close(self) -> None:
        """Nothing: a line needs no end."""

    def _named(self, phase: str) -> str:
        """A phase in the language: the name of a journey stands for itself."""
        return plain(told(phase, self._words, family="doing"))

    def _begin(self) -> None:
        self._since_s, self._taken, self._precision = self._clock(), 0, None

    def _write(self, line: str) -> None:
        self._console.print(Text(line), soft_wrap=True)


class LiveBar(Lines):
    """A bar with the samples of the present journey and the time left; the line at the end of a phase stays.

    It is drawn only when it is told something: a thread that redraws would spend CPU time inside the measured window.
    """

    def __init__(self, console: Console, lang: str, clock: Clock = time.monotonic) -> None:
        super().__init__(console, lang, clock)
        self._bar = self._new_bar()

    def phase(self, text: str) -> None:
        """An empty bar, until it is known how many samples there will be."""
        self.close()
        self._begin()
        self._bar = self._new_bar()
        self._bar.add_task("", total=1, label=shorten(self._named(text), _LABEL_WIDTH), left="")
        self._bar.start()

    def sample(self, journey: str, taken: int, expected: int, precision: float | None) -> None:
        """The bar moves on; its length follows the expected number of samples."""
        super().sample(journey, taken, expected, precision)
        left_s = time_left_s(self._clock() - self._since_s, taken, expected)
        left = self._words.say("progress.left", time=self._numbers.amount(round(left_s), "s").text) if left_s else ""
        for task in self._bar.tasks:
            self._bar.update(task.id, total=expected, completed=taken, left=left, refresh=True)

    def done(self, text: str) -> None:
        """The bar gives way to a line."""
        self.close()
        super().done(text)

    def close(self) -> None:
        """Takes the bar away and gives the terminal its cursor back; may be called twice."""
        # Interrupted in the very moment in which the bar starts, rich takes away a hook that it had not set yet.
        with contextlib.suppress(IndexError):
            self._bar.stop()
        self._console.show_cursor()

    def _new_bar(self) -> Bar:
        return Bar(
            TextColumn("{task.fields[label]}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[left]}", style="dim", markup=False),
            console=self._console,
            transient=True,
            expand=True,
            auto_refresh=False,
        )


def make_progress(*, quiet: bool, stream: TextIO, lang: str) -> Progress:
    """The listener that suits a stream.

    Args:
        quiet: ``--quiet`` was asked for.
        stream: usually ``sys.stderr``.
        lang: ``en`` or ``fr``.
    """
    if quiet:
        return Silent()
    console = Console(file=stream, markup=False, highlight=False, emoji=False)
    return LiveBar(console, lang) if console.is_terminal else Lines(console, lang)
