# SPDX-License-Identifier: Apache-2.0
"""A meter that shows one growing number: in a file, or at an address as text or in JSON. Read every second."""

from __future__ import annotations

import json
import math
import os
import re
import stat
import threading
import time
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Protocol

from lichen.collect.machine.endpoint import Address, Endpoint
from lichen.collect.machine.meters.base import JOULES_PER_UNIT
from lichen.collect.machine.prometheus.series import Series, curve
from lichen.collect.machine.series_counter import Collected
from lichen.errors import ConfigError, LichenError, NothingMeasured

_LOOK_S: Final = 1.0
_LAST_ANSWER_S: Final = 15.0
_SILENT_NS: Final = 5 * 10**9
"""A meter that was not read for twice this long around an edge is not known there."""
_QUANTITY: Final = "energy_joules"
_FILE_BYTES: Final = 2**20
"""Longest file that is read each second."""
_ANEW: Final = 0.1
"""Share of what it showed that a number may show when it began again from zero since the last look. One that fell to more did not
begin anew: it is no counter, or its reader is wrong."""
_NUMBER: Final = re.compile(r"([+-]?\d+(?:[.,]\d+)?(?:[eE][+-]?\d+)?)(?:\s*[^\W\d_][\w·]*)?")
"""A number and its unit, and nothing else: ``1,234,567`` and ``1 234`` are read as nothing rather than as 1.234 and 1."""
_MOST_W: Final = 1e8
"""More than what a visit or a command runs on can draw: that is the power of a large data centre."""
_COARSE: Final = 0.05
"""Share of the window's energy that one step of the meter may be without a word."""


class Display(Protocol):
    """Where a meter shows its number."""

    def read(self) -> str:
        """What it shows now.

        Raises:
            LichenError, OSError: it cannot be read.
        """
        ...

    def close(self) -> None:
        """Ends the reading."""
        ...


def number_in(text: str, path: str = "") -> float | None:
    """The number that a meter shows; None when there is none, or none that is finite.

    Args:
        text: a number that may be followed by its unit, or JSON when ``path`` is given.
        path: keys and positions in the JSON, joined by dots, such as ``emeters.0.total``.
    """
    if path:
        return _at_path(text, path)
    found = _NUMBER.fullmatch(text.strip())
    if found is None:
        return None
    value = float(found[1].replace(",", "."))
    return value if math.isfinite(value) else None


def _at_path(text: str, path: str) -> float | None:
    try:
        value: Any = json.loads(text)
        for key in path.split("."):
            value = value[int(key)] if isinstance(value, list) else value[key]
        if isinstance(value, str):
            return number_in(value)
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            return None
        return float(value)
    except (ValueError, KeyError, IndexError, TypeError, OverflowError, RecursionError):
        return None


def _complaint(error: OSError) -> str:
    """What the system says, with the file where it knows one."""
    said = error.strerror or str(error)
    return f"{error.filename}: {said}" if error.filename else said


class FileDisplay:
    """A file that something else keeps up to date."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> str:
        """The file's content. What would be waited for, as a pipe is, is not opened."""
        with os.fdopen(os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise self._strange("is no plain file")
            content = file.read(_FILE_BYTES + 1)
        if len(content) > _FILE_BYTES:
            raise self._strange(f"holds more than {_FILE_BYTES // 2**20} MiB")
        return content.decode("utf-8", errors="replace")

    def _strange(self, why: str) -> NothingMeasured:
        return NothingMeasured(
            f"The meter's file {self._path} {why}.",
            repair="Name a file that holds the number alone, or JSON.",
            culprit=str(self._path),
        )

    def close(self) -> None:
        """Nothing is kept open."""


class HttpDisplay:
    """An address that answers with the number.

    Raises:
        ConfigError: the address cannot be used.
    """

    def __init__(self, what: str, address: Address) -> None:
        self._endpoint = Endpoint(what, address, setting="url of the meter")

    def read(self) -> str:
        """The body of its answer."""
        answer = self._endpoint.ask("")
        self._endpoint.accept(answer)
        return answer.text

    def close(self) -> None:
        """Ends the connection."""
        self._endpoint.close()


class PlainSource:
    """Reads such a meter every second. A source of `series_counter.SeriesCounter`.

    Args:
        what: the meter, as sentences call it.
        display: where it shows its number.
        unit: J, Wh or kWh.
        path: where the number is in JSON; empty for plain text.
    """

    def __init__(self, what: str, display: Display, *, unit: str, path: str = "") -> None:
        if unit not in JOULES_PER_UNIT:
            raise ConfigError(f"'{unit}' is no unit of energy.", repair="Give J, Wh or kWh.", culprit=what)
        self._what = what
        self._display = display
        self._factor = JOULES_PER_UNIT[unit]
        self._path = path
        self._samples: list[tuple[int, float]] = []
        self._closed = threading.Event()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._failure = ""

    def start(self) -> None:
        """Reads it once, then every second.

        Raises:
            NothingMeasured: it cannot be read, or shows no number.
        """
        try:
            shown = self._display.read()
        except OSError as error:
            raise NothingMeasured(
                f"{self._what} cannot be read: {_complaint(error)}.",
                repair="Correct its path or address, let this user read it, or take the meter out.",
                culprit=self._what,
            ) from error
        value = number_in(shown, self._path)
        if value is None:
            where = f" at {self._path}" if self._path else ""
            raise NothingMeasured(
                f"{self._what} shows no number{where}: {' '.join(shown.split())[:80]!r}.",
                repair="Give the path of the number in the JSON (json), or another address.",
                culprit=self._what,
            )
        self._samples.append((time.time_ns(), value * self._factor))
        self._thread = threading.Thread(target=self._follow, name="lichen-energy", daemon=True)
        self._thread.start()

    def _follow(self) -> None:
        while not self._closed.is_set():
            self._look()
            self._wake.wait(_LOOK_S)
            self._wake.clear()

    def _look(self) -> None:
        asked_ns = time.time_ns()
        try:
            value = number_in(self._display.read(), self._path)
        except (LichenError, OSError) as error:
            self._failure = error.problem if isinstance(error, LichenError) else f"{error.strerror or error}."
            return
        if value is not None:
            self._samples.append(((asked_ns + time.time_ns()) // 2, value * self._factor))

    def collect(self, first_ns: int, last_ns: int) -> Collected:
        """The readings around a window; waits for one later than its last edge."""
        deadline = time.monotonic() + _LAST_ANSWER_S
        self._wake.set()
        while self._samples[-1][0] <= last_ns and time.monotonic() < deadline:
            time.sleep(0.02)
        samples = Series.of((), list(self._samples))
        seen = curve(samples, "counter", first_ns=first_ns, interval=_SILENT_NS, ended=False)
        if seen.at(first_ns).value is None or seen.at(last_ns).value is None:
            return self._unknown(f"it gave no reading close to an edge of the window. {self._failure}")
        for before, after in pairwise(samples.values):
            if after < before and not 0 <= after <= _ANEW * before:
                return self._unknown(f"it fell from {before:.6g} J to {after:.6g} J, as no counter does")
        moved = Series.of((), moves(samples))
        found = curve(moved, "counter", first_ns=first_ns, interval=last_ns, ended=False)
        used = (found.at(last_ns).value or 0.0) - (found.at(first_ns).value or 0.0)
        steps = [b - a for a, b in pairwise(moved.values) if b > a]
        if not steps or used <= 0:
            return self._unknown("it did not move: the window used less than its smallest step, or it stands still")
        if used > _MOST_W * (last_ns - first_ns) / 1e9:
            return self._unknown(
                f"it jumped: it tells {used:.3g} J of the window, more than the largest data centres use"
            )
        notes = []
        stood_still = any(a == b for a, b in pairwise(samples.values))
        if stood_still and min(steps) > _COARSE * used:
            notes.append(
                f"{self._what} counts in steps of {min(steps):.3g} J: the {used:.3g} J of the window are known to that."
            )
        return Collected(curves={_QUANTITY: (found,)}, interval_ns=None, notes=tuple(notes))

    def _unknown(self, why: str) -> Collected:
        said = f"{self._what} does not tell the energy: {why.strip().rstrip('.')}."
        return Collected(curves={}, interval_ns=None, notes=(said,))

    def close(self) -> None:
        """Ends the readings and the connection."""
        self._closed.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join()
        self._display.close()


def moves(samples: Series) -> list[tuple[int, float]]:
    """The first sample, the last one, and those at which the number moved: between two moves a coarse meter stands still, while
    what it counts goes on."""
    pairs = list(zip(samples.times_ns, samples.values, strict=True))
    return [*pairs[:1], *(b for a, b in pairwise(pairs) if b[1] != a[1]), *pairs[-1:]]
