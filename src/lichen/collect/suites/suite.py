# SPDX-License-Identifier: Apache-2.0
"""A suite: a command line whose runner is known, and what is put around it so that it can be measured unchanged."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import ClassVar, Final, Protocol

from lichen import plugins
from lichen.collect.counters import Meter
from lichen.collect.suites.attachment import Attachment
from lichen.collect.suites.command import Invocation, resolve

_INJECTED: Final = files("lichen.collect.suites") / "inject"
_GROUP: Final = "lichen.suite_runners"


ONE_WORKER: Final = "Tests run one after the other in one worker while they are measured, whatever the suite asks for."


@dataclass(slots=True)
class Draft:
    """A command line under preparation; runners change it in place.

    Attributes:
        command, env: as they will be started.
        folder: of this run, private; what is injected is copied there.
        notes: what a reader should know, one sentence each.
    """

    command: list[str]
    env: dict[str, str]
    folder: Path
    notes: list[str] = field(default_factory=list)

    def inject(self, name: str) -> Path:
        """Copies a file of the folder ``inject`` and gives its path. A stranger's runner writes its own file instead."""
        path = self.folder / name
        path.write_bytes((_INJECTED / name).read_bytes())
        return path

    def require_in_node(self, *names: str) -> None:
        """Loads ``hook.cjs`` and further files into every Node.js process, before any code of the suite."""
        required = [self.inject(name) for name in ("hook.cjs", *names)]
        options = " ".join(f'--require "{path}"' for path in required)
        self.env["NODE_OPTIONS"] = f"{self.env.get('NODE_OPTIONS', '')} {options}".strip()

    def customise_python(self) -> None:
        """Loads ``sitecustomize.py`` into every Python process: what Selenium starts is told. Tells events for further files."""
        for name in ("lichen_events.py", "lichen_selenium.py", "sitecustomize.py"):
            self.inject(name)
        self.prepend("PYTHONPATH", str(self.folder))

    def prepend(self, variable: str, value: str, separator: str = os.pathsep) -> None:
        """Puts ``value`` before what an environment variable holds."""
        self.env[variable] = separator.join(filter(None, [value, self.env.get(variable, "")]))


class Runner(Protocol):
    """A test runner. A plug-in of the group ``lichen.suite_runners``; the class is instantiated without arguments."""

    name: ClassVar[str]
    """Shown to users: ``Playwright Test``."""
    tells_cases: ClassVar[bool]
    """Whether what it injects tells test cases. Otherwise the whole command is one case."""

    def accepts(self, call: Invocation) -> bool:
        """Whether the command is one of this runner."""
        ...

    def prepare(self, call: Invocation, draft: Draft) -> None:
        """Puts into the draft what is to be injected. Files of the user's project stay as they are."""
        ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """What to start instead of the user's words."""

    command: tuple[str, ...]
    env: Mapping[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suite:
    """A recognised command."""

    runner: Runner
    call: Invocation
    command: tuple[str, ...]
    env: Mapping[str, str]

    @property
    def label(self) -> str:
        """Name of the one case of a suite that tells none: its script, else its program."""
        return Path(self.call.script or self.call.program).name

    def prepare(self, folder: Path) -> Prepared:
        """What to start.

        Args:
            folder: empty, private to this run, kept until `attach` was left. Its path must be free of ``"``.
        """
        draft = Draft(list(self.command), dict(self.env), folder)
        self.runner.prepare(self.call, draft)
        return Prepared(tuple(draft.command), draft.env, tuple(draft.notes))

    def attach(self, meter: Meter, folder: Path) -> AbstractContextManager[Attachment]:
        """Listens to the suite while it runs: enter before the command starts, leave after it has ended.

        Args:
            meter: running; the command's tree is added to it by the caller, as `RUNNER`, before its first instruction.
            folder: the one given to `prepare`.
        """
        return Attachment(meter, folder, runner=self.runner.name, whole=None if self.runner.tells_cases else self.label)


def runners() -> tuple[Runner, ...]:
    """Every registered runner, the narrowest first: an interpreter's own runner accepts any script."""
    loaded: list[Callable[[], Runner]] = [plugins.load(_GROUP, name) for name in plugins.names(_GROUP)]
    return tuple(sorted((make() for make in loaded), key=lambda runner: not runner.tells_cases))


def recognise(command: Sequence[str], env: Mapping[str, str], cwd: Path) -> Suite | None:
    """Which suite a command line starts.

    Args:
        command: as the user wrote it.
        env: environment it will get.
        cwd: folder it will run in; ``package.json`` is looked up there.

    Returns:
        None when no known runner is behind it: then the process tree alone is measured.
    """
    call = resolve(command, cwd)
    if call is None:
        return None
    for runner in runners():
        if runner.accepts(call):
            return Suite(runner, call, tuple(command), dict(env))
    return None
