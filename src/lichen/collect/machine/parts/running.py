# SPDX-License-Identifier: Apache-2.0
"""Server parts of a window: started or found, made ready, reset before each sample, watched, and always stopped."""

from __future__ import annotations

import difflib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final, Self

from lichen.collect.counters import Counter
from lichen.collect.machine.parts.part import Part
from lichen.collect.machine.parts.ports import command_line, find_listener, free_port
from lichen.collect.machine.parts.ready import post, wait_ready
from lichen.collect.machine.parts.supervised import Supervised
from lichen.collect.machine.processes.proc import read_stat
from lichen.errors import ConfigError, NothingMeasured, PartFailed, StorageError

_PLACEHOLDER: Final = re.compile(r"\{([a-z][\w-]*)(?:\.([a-z]+))?\}", re.IGNORECASE)
_KEYS: Final = ("port", "url", "data")
_PYTHON: Final = "python"


@dataclass(slots=True)
class _Running:
    """A part that runs: started here (``process``), found by its process (``root``), or known by its counter alone."""

    part: Part
    root: int | None = None
    start_ticks: int = 0
    process: Supervised | None = None
    command: str = ""
    left_by_resets: list[Supervised] = field(default_factory=list)


class Parts:
    """Runs the parts of a window. Use it as a context manager, so that they are stopped whatever happens.

    Args:
        parts: in the order in which they are started; stopped in the reverse order.
        folder: takes one log file a part, ``<name>.log``, and their private folders.
        grace_s: time given to end after SIGTERM, before SIGKILL.

    Raises:
        ConfigError: two parts with one name, or a placeholder that stands for nothing.
    """

    def __init__(self, parts: Sequence[Part], *, folder: Path, grace_s: float = 5.0) -> None:
        self._parts = tuple(parts)
        self._folder = folder
        self._grace_s = grace_s
        self._running: list[_Running] = []
        self._data: dict[str, Path] = {}
        self._ports: dict[str, int] = {}
        names = [part.name for part in parts]
        for name in names:
            if names.count(name) > 1:
                raise ConfigError(f"Two parts are called '{name}'.", repair="Rename one of them.", culprit=name)
        taken: set[int] = set()
        for part in self._parts:
            port = part.port if part.port is not None or not part.command else free_port(taken)
            if port is not None:
                self._ports[part.name] = port
                taken.add(port)

    @property
    def names(self) -> tuple[str, ...]:
        """The running parts, in the order in which they were started."""
        return tuple(running.part.name for running in self._running)

    @property
    def roots(self) -> Mapping[str, int | Counter]:
        """What is added to a meter under each running part's name: its root process, or a counter that is new each time."""
        found: dict[str, int | Counter] = {}
        for running in self._running:
            if running.part.counter is not None:
                found[running.part.name] = running.part.counter()
            elif running.root is not None:
                found[running.part.name] = running.root
        return found

    @property
    def notes(self) -> tuple[str, ...]:
        """Which process each found part is: a port says nothing about who listens there, so a reader must see it."""
        return tuple(
            f"Part {running.part.name} is the running process {running.root} ({running.command})."
            for running in self._running
            if running.process is None and running.root is not None
        )

    def url(self, name: str) -> str:
        """``http://127.0.0.1:PORT`` of a part; ConfigError when it has no port."""
        return self._value(name, "url", f"{{{name}.url}}")

    def log(self, name: str) -> Path:
        """Where the output of a started part goes."""
        return self._folder / f"{name}.log"

    def start(self) -> None:
        """Starts or finds every part, and waits until each is ready.

        Raises:
            PartFailed: a part cannot be started, dies, does not get ready, or finds its port taken.
            StorageError: the folder of the logs cannot be made.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StorageError(
                f"The folder {self._folder} for the logs of the parts cannot be made: {error.strerror}.",
                repair="Choose another one.",
                culprit=str(self._folder),
            ) from error
        for part in self._parts:
            running = self._launch(part) if part.command else self._attach(part)
            self._running.append(running)
            target = self._fill(part, part.ready)
            if not target and part.pid is None and (part.port is not None or self._uses_port(part)):
                target = f"tcp://127.0.0.1:{self._ports[part.name]}"
            if target:
                log = self.log(part.name) if part.command else None
                wait_ready(part.name, target, part.timeout_s, partial(self._check_one, running), log=log)
            else:
                self._check_one(running)

    def check(self) -> None:
        """Raises PartFailed when a part has died since it was ready."""
        for running in self._running:
            self._check_one(running)

    def reset(self) -> None:
        """Runs the reset of every part that has one, in order; PartFailed when one does not succeed."""
        for running in self._running:
            part = running.part
            if isinstance(part.reset, str):
                if part.reset:
                    post(part.name, self._fill(part, part.reset), part.timeout_s)
            elif part.reset:
                self._run_reset(running, [self._fill(part, word) for word in part.reset])

    def stop(self) -> None:
        """Stops the parts that were started here; found ones go on. Private folders are removed."""
        while self._running:
            running = self._running.pop()
            for process in (running.process, *running.left_by_resets):
                if process is not None:
                    process.stop(self._grace_s)
        for folder in self._data.values():
            shutil.rmtree(folder, ignore_errors=True)
        self._data.clear()

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exc: object) -> None:
        self.stop()

    def _launch(self, part: Part) -> _Running:
        port = self._ports.get(part.name)
        holder = find_listener(port) if port is not None else None
        if holder is not None:
            raise PartFailed(
                f"The part '{part.name}' needs port {port}, which {holder} already uses.",
                repair="Stop that process, or write {port} in the command instead of a fixed port to get a free one."
                if part.port is not None
                else "Try again.",
                culprit=part.name,
            )
        cwd = part.cwd
        if cwd is not None and not cwd.is_dir():
            raise PartFailed(
                f"The folder of the part '{part.name}', {cwd}, does not exist.",
                repair="Correct its cwd.",
                culprit=part.name,
            )
        process = Supervised(
            part.name,
            [self._fill(part, word) for word in part.command],
            log=self.log(part.name).resolve(),
            cwd=cwd,
            env=self._environment(part),
            grace_s=self._grace_s,
            own_group=True,
        )
        stat = read_stat(process.pid)
        return _Running(part, process.pid, stat.start_ticks if stat else 0, process)

    def _attach(self, part: Part) -> _Running:
        if part.counter is not None:
            return _Running(part)
        pid = part.pid
        if pid is None:
            holder = find_listener(self._ports[part.name])
            if holder is None:
                raise PartFailed(
                    f"Nothing listens on port {part.port}, where the part '{part.name}' should be.",
                    repair="Start it first, or give its command so that it is started.",
                    culprit=part.name,
                )
            if holder.pid is None:
                raise PartFailed(
                    f"Port {part.port} of the part '{part.name}' belongs to {holder}, which hides its processes from you.",
                    repair="Give the pid of the server itself instead of its port (of a container, its main pid): CPU can be "
                    "read without any right. Or run as that user.",
                    culprit=part.name,
                )
            if holder.relays:
                raise PartFailed(
                    f"Port {part.port} of the part '{part.name}' belongs to {holder}, which listens for another process.",
                    repair="Give the pid of the server itself instead of its port; for a container, give the main pid of the "
                    "container.",
                    culprit=part.name,
                )
            pid = holder.pid
        stat = read_stat(pid)
        if stat is None or stat.dead:
            raise PartFailed(
                f"The part '{part.name}' should be process {pid}, which does not run.",
                repair="Correct its pid, or give the port it listens on.",
                culprit=part.name,
            )
        return _Running(part, pid, stat.start_ticks, command=command_line(pid))

    def _check_one(self, running: _Running) -> None:
        if running.process is not None:
            running.process.check()
            return
        if running.root is None:
            self._check_counter(running.part)
            return
        stat = read_stat(running.root)
        if stat is None or stat.dead or stat.start_ticks != running.start_ticks:
            raise PartFailed(
                f"The part '{running.part.name}' (process {running.root}) has ended during the run.",
                repair="See why in its own log, start it again and measure again.",
                culprit=running.part.name,
            )

    def _check_counter(self, part: Part) -> None:
        """A counter that starts has found its part."""
        if part.counter is None:
            return
        counter = part.counter()
        try:
            counter.start()
        except NothingMeasured as error:
            raise PartFailed(
                f"The part '{part.name}' is not there: {error.problem}", repair=error.repair, culprit=part.name
            ) from error
        finally:
            counter.close()

    def _run_reset(self, running: _Running, command: list[str]) -> None:
        part = running.part
        try:
            process = Supervised(
                part.name,
                command,
                log=(self._folder / f"{part.name}-reset.log").resolve(),
                cwd=part.cwd,
                env=self._environment(part),
                grace_s=self._grace_s,
            )
        except PartFailed as error:
            raise PartFailed(
                f"The reset of the part '{part.name}', '{command[0]}', cannot be started: {error.problem.rpartition(': ')[2]}",
                repair="Repair it.",
                culprit=part.name,
            ) from error
        running.left_by_resets.append(process)
        code = process.wait(part.timeout_s)
        if code == 0 and process.has_children():
            return
        running.left_by_resets.remove(process)
        process.stop(self._grace_s)
        if code == 0:
            return
        last = process.last_lines()[-1:]
        why = (
            f"did not end within {part.timeout_s:g} s"
            if code is None
            else f"ended with code {code}{f': {last[0]}' if last else ''}"
        )
        raise PartFailed(
            f"The reset of the part '{part.name}', '{command[0]}', {why}.", repair="Repair it.", culprit=part.name
        )

    def _environment(self, part: Part) -> dict[str, str]:
        own = {key: self._fill(part, value) for key, value in part.env.items()}
        return {**os.environ, **own}

    @staticmethod
    def _uses_port(part: Part) -> bool:
        words = (*part.command, *part.env.values())
        return any(mark in word for word in words for mark in ("{port}", "{url}"))

    def _fill(self, part: Part, text: str) -> str:
        """``text`` with its placeholders replaced; other words in braces are the command's own."""

        def replace(match: re.Match[str]) -> str:
            word, key = match.groups()
            if key is not None:
                return self._value(word, key, match[0], at=part.name)
            if word == _PYTHON:
                return sys.executable
            if word in _KEYS:
                return self._value(part.name, word, match[0], at=part.name)
            close = difflib.get_close_matches(word, _KEYS, n=1)
            if close:
                raise ConfigError(
                    f"The part '{part.name}' has a placeholder {match[0]} that stands for nothing.",
                    repair=f"Did you mean {{{close[0]}}}?",
                    culprit=part.name,
                )
            return match[0]

        return _PLACEHOLDER.sub(replace, text)

    def _value(self, name: str, key: str, text: str, *, at: str = "") -> str:
        known = {part.name for part in self._parts}
        if name in known and key == "data":
            return str(self._private_folder(name))
        if name in known and key in ("port", "url") and name in self._ports:
            port = self._ports[name]
            return str(port) if key == "port" else f"http://127.0.0.1:{port}"
        valid = [
            f"{{{part}.{word}}}" for part in sorted(known) for word in _KEYS if word == "data" or part in self._ports
        ]
        close = difflib.get_close_matches(text, valid, n=1)
        raise ConfigError(
            f"{text} stands for nothing{f' in the part {at!r}' if at else ''}.",
            repair=f"Did you mean {close[0]}?" if close else f"There is {', '.join(valid)}.",
            culprit=text,
        )

    def _private_folder(self, name: str) -> Path:
        if name not in self._data:
            try:
                self._data[name] = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._folder)).resolve()
            except OSError as error:
                raise StorageError(
                    f"The private folder of the part '{name}' cannot be made in {self._folder}: {error.strerror}.",
                    repair="Choose another folder for the runs, or a shorter name.",
                    culprit=name,
                ) from error
        return self._data[name]
