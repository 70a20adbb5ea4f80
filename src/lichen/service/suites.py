# SPDX-License-Identifier: Apache-2.0
"""Existing test suites behind `lichen run`: recognised, prepared for each repetition, looked into case by case."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from lichen.collect.counters import Meter
from lichen.collect.machine.processes.command import CommandLine, CommandRun, Observer
from lichen.collect.machine.processes.launch import own_environment
from lichen.collect.suites import RUNNER, Attachment, Suite, SuiteReading, recognise

Attach = Literal["auto", "always", "never"]
"""Whether to look into a command: ``auto`` into test suites, and into scripts whose text names a browser driver."""

_DRIVERS: Final = re.compile(rb"playwright|puppeteer|selenium|webdriver|pyppeteer", re.IGNORECASE)
_SCRIPT_MAX_BYTES: Final = 1_000_000
_FAILED: Final = ("failed", "timedOut", "interrupted")
_SKIPPED: Final = ("skipped", "pending")
_NAMED: Final = 5
"""Cases that a note names."""


def suite_of(words: Sequence[str], attach: Attach, cwd: Path) -> Suite | None:
    """The suite behind a command line; None when it is to be measured as a plain command."""
    if attach == "never":
        return None
    env = {os.fsdecode(name): os.fsdecode(value) for name, value in own_environment().items()}
    suite = recognise(words, env, cwd)
    if suite is None or suite.runner.tells_cases or attach == "always":
        return suite
    return suite if _drives_a_browser(suite.call.script, cwd) else None


def _drives_a_browser(script: str | None, cwd: Path) -> bool:
    """Whether a script names a browser driver: any other one is spared the search for browsers."""
    if script is None:
        return False
    try:
        with (cwd / script).open("rb") as file:
            return _DRIVERS.search(file.read(_SCRIPT_MAX_BYTES)) is not None
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class SuiteObserver:
    """Looks into one repetition of a suite."""

    suite: Suite
    folder: Path

    @property
    def tree(self) -> str:
        """Name of the command's process tree, less the browsers and servers that it starts."""
        return RUNNER

    def attach(self, meter: Meter) -> AbstractContextManager[Attachment]:
        """Listens to the suite while it runs."""
        return self.suite.attach(meter, self.folder)


@contextlib.contextmanager
def prepared(suite: Suite, line: CommandLine) -> Iterator[tuple[CommandLine, Observer[SuiteReading], tuple[str, ...]]]:
    """A suite's command line with what is injected, its observer, and what a reader should know of it.

    The folder of what is injected lasts as long as the context.
    """
    with tempfile.TemporaryDirectory(prefix="lichen-suite-") as folder:
        ready = suite.prepare(Path(folder))
        told = replace(line, words=ready.command, env=ready.env)
        yield told, SuiteObserver(suite, Path(folder)), ready.notes


def notes_of_cases(observed: SuiteReading) -> tuple[str, ...]:
    """Which rows are no full test: cases that failed, with what they used until then, and cases that were skipped."""
    notes = []
    for what, statuses in (("failed or were interrupted", _FAILED), ("were skipped", _SKIPPED)):
        names = [f"'{case.name}'" for case in observed.cases if case.status in statuses]
        if names:
            more = ["..."] if len(names) > _NAMED else []
            notes.append(f"test cases that {what}: {', '.join([*names[:_NAMED], *more])}")
    return tuple(notes)


def record_of_suite(run: CommandRun[SuiteReading]) -> dict[str, Any]:
    """What the record of a suite has beside a command's: its runner, the level reached, and how each case ended."""
    observed = run.observed
    if observed is None:
        return {}
    cases = [{"name": case.name, "file": case.file, "status": case.status} for case in observed.cases]
    return {
        "suite": {"runner": observed.runner, "level": int(observed.level), "held_s": observed.held_s, "cases": cases}
    }
