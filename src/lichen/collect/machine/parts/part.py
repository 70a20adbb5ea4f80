# SPDX-License-Identifier: Apache-2.0
"""A server part as it is declared: what to start or to watch, when it is ready, how its data are restored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lichen.collect.counters import Counter
from lichen.config.names import is_variable, refusal
from lichen.errors import ConfigError


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One server part: a command to start, a running process given by ``pid`` or by the ``port`` it listens on, or a counter.

    In ``command``, ``env``, ``ready`` and ``reset``, ``{port}`` stands for a free port of the part (or its ``port``),
    ``{url}`` for ``http://127.0.0.1:{port}``, ``{data}`` for a private folder, ``{other.url}`` for another part's, and
    ``{python}`` for the interpreter that runs Lichen.

    Attributes:
        name: of the part, and of its tree in the meter.
        command: arguments; no shell. With ``port``, the port that it will listen on.
        ready: ``http://`` URL that must answer with a status below 400, or ``tcp://host:port`` that must accept; by
            default its port, if it has one.
        timeout_s: how long it may take to get ready.
        reset: run before each sample: arguments of a command, or a URL that is posted to. What the command leaves in the
            background ends with the part.
        counter: makes a new, unstarted counter of a part that runs already and is no process tree: a container, a control group.
    """

    name: str
    command: tuple[str, ...] = ()
    port: int | None = None
    pid: int | None = None
    cwd: Path | None = None
    env: Mapping[str, str] = field(default_factory=dict)
    ready: str = ""
    timeout_s: float = 30.0
    reset: tuple[str, ...] | str = ()
    counter: Callable[[], Counter] | None = None

    def __post_init__(self) -> None:
        if repair := refusal(self.name):
            raise ConfigError(f"A part cannot be called '{self.name}'.", repair=repair, culprit=self.name)
        if self.pid is not None and (self.command or self.port is not None):
            raise ConfigError(
                f"The part '{self.name}' has a pid beside a command or a port.", repair="Keep one.", culprit=self.name
            )
        process = bool(self.command) or self.port is not None or self.pid is not None
        if self.counter is not None and process:
            raise ConfigError(
                f"The part '{self.name}' has a counter beside a process.", repair="Keep one.", culprit=self.name
            )
        if self.counter is None and not process:
            raise ConfigError(
                f"The part '{self.name}' says neither what to start nor what to watch.",
                repair="Give it a command, the port or pid of a running server, or a source such as a container.",
                culprit=self.name,
            )
        for name, value in self.env.items():
            if not is_variable(name, value):
                raise ConfigError(
                    f"The part '{self.name}' has a variable '{name}' that no environment can hold.",
                    repair="Give it a name without '=', and no NUL character.",
                    culprit=self.name,
                )
