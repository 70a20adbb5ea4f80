# SPDX-License-Identifier: Apache-2.0
"""Which program a command line really starts: through npx, npm scripts, ``python -m``, wrappers and assignments."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=")
_PYTHON: Final = re.compile(r"(python|pypy)[\d.]*")
_SHELL_SYNTAX: Final = re.compile(r"[;&|<>`$(){}*?\n]")
_DEPTH_MAX: Final = 5
"""A script that starts a script that starts ...: no sane project goes deeper."""

_WRAPPERS: Final[dict[str, frozenset[str]]] = {
    "env": frozenset(("-u", "--unset", "-C", "--chdir")),
    "nice": frozenset(("-n", "--adjustment")),
    "ionice": frozenset(("-c", "-n")),
    "nohup": frozenset(),
    "setsid": frozenset(),
    "stdbuf": frozenset(("-i", "-o", "-e")),
    "taskset": frozenset(),
    "time": frozenset(("-f", "-o")),
    "timeout": frozenset(("-s", "--signal", "-k", "--kill-after")),
    "xvfb-run": frozenset(("-n", "-s", "-e", "-f", "-p", "-w")),
}
"""Programs that start another one, with their options that take a value of their own."""
_WITH_OPERAND: Final = frozenset(("taskset", "timeout"))
"""Wrappers whose first word is theirs."""
_PACKAGE_RUNNERS: Final[dict[str, frozenset[str]]] = {
    "npx": frozenset(("-p", "--package", "-w", "--workspace")),
    "bunx": frozenset(),
    "pipx": frozenset(("--spec", "--python")),
    "uvx": frozenset(("--from", "--with", "--python", "-p")),
}
_MANAGERS: Final[dict[str, frozenset[str]]] = {
    "npm": frozenset(("exec", "x")),
    "yarn": frozenset(("exec", "run", "dlx")),
    "pnpm": frozenset(("exec", "dlx")),
    "uv": frozenset(("run",)),
    "poetry": frozenset(("run",)),
    "pipenv": frozenset(("run",)),
    "pdm": frozenset(("run",)),
    "pipx": frozenset(("run",)),
}
"""Package managers, with their commands that start a program of the project."""
_NODE_VALUES: Final = frozenset(("-r", "--require", "--import", "--loader", "-C", "--conditions", "--env-file"))
_PYTHON_VALUES: Final = frozenset(("-X", "-W", "--check-hash-based-pycs"))
_NODE_PROGRAMS: Final = {
    ("playwright", "cli.js"): "playwright",
    ("@playwright", "cli.js"): "playwright",
    ("mocha", "mocha.js"): "mocha",
    ("mocha", "_mocha"): "mocha",
    ("mocha", "mocha"): "mocha",
    ("jest", "jest.js"): "jest",
    ("cypress", "cypress"): "cypress",
}
"""Files that packages start under node_modules: (package, file)."""


NODE_TEST: Final = "--test"
"""Stands for the script where Node.js runs test files itself."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """The program behind a command line.

    Attributes:
        program: its plain name: ``playwright``, ``pytest``, ``node``, ``python``...; no folder, no suffix.
        arguments: what follows it.
        script: file that an interpreter runs, as written; None for any other program.
    """

    program: str
    arguments: tuple[str, ...]
    script: str | None = None


def resolve(command: Sequence[str], folder: Path, depth: int = 0) -> Invocation | None:
    """The program that ``command`` starts in ``folder``; None when that cannot be told from the words alone."""
    words = list(command)
    while words and _ASSIGNMENT.match(words[0]):
        words.pop(0)
    if not words or depth > _DEPTH_MAX:
        return None
    name, rest = PurePosixPath(words[0]).name, words[1:]
    if name in _WRAPPERS:
        rest = _after_options(rest, _WRAPPERS[name])
        return resolve(rest[1:] if name in _WITH_OPERAND else rest, folder, depth + 1)
    if name in ("sh", "bash", "dash") and rest[:1] == ["-c"] and len(rest) == 2:
        return _of_line(rest[1], folder, depth)
    if name in _PACKAGE_RUNNERS and not (name == "pipx" and rest[:1] == ["run"]):
        return resolve(_after_options(rest, _PACKAGE_RUNNERS[name]), folder, depth + 1)
    if name in _MANAGERS:
        return _of_manager(name, rest, folder, depth)
    if _PYTHON.fullmatch(name):
        return _of_python(rest)
    if name == "node":
        return _of_node(rest)
    return Invocation(name.removesuffix(".js"), tuple(rest))


def _after_options(words: Sequence[str], valued: frozenset[str]) -> list[str]:
    """What follows the leading options; ``valued`` take the next word with them."""
    rest = list(words)
    while rest and rest[0].startswith("-"):
        option = rest.pop(0)
        if option == "--":
            break
        if option in valued and rest:
            rest.pop(0)
    return rest


def _of_line(line: str, folder: Path, depth: int) -> Invocation | None:
    """A line of a shell or a package script, when it is one plain command."""
    if _SHELL_SYNTAX.search(line):
        return None
    try:
        return resolve(shlex.split(line), folder, depth + 1)
    except ValueError:
        return None


def _of_manager(name: str, words: Sequence[str], folder: Path, depth: int) -> Invocation | None:
    rest = _after_options(words, frozenset(("--prefix", "-C", "--cwd", "--dir", "-w", "--workspace", "--filter")))
    if not rest:
        return None
    action, rest = rest[0], rest[1:]
    if action in ("t", "tst"):
        action = "test"
    if name in ("npm", "pnpm", "yarn"):
        wanted = rest if action in ("run", "run-script") else [action, *rest]
        script = _package_script(folder, wanted[0]) if wanted else None
        if script is not None:
            more = wanted[1:] if wanted[1:2] != ["--"] else wanted[2:]
            return _of_line(" ".join([script, *map(shlex.quote, more)]), folder, depth)
    if action in _MANAGERS[name]:
        return resolve(_after_options(rest, frozenset(("-p", "--package", "--with", "--extra"))), folder, depth + 1)
    if name in ("yarn", "pnpm"):
        return resolve([action, *rest], folder, depth + 1)
    return None


def _package_script(folder: Path, name: str) -> str | None:
    try:
        scripts = json.loads((folder / "package.json").read_text(encoding="utf-8")).get("scripts", {})
        script = scripts.get(name)
    except (OSError, ValueError, AttributeError):
        return None
    return script if isinstance(script, str) else None


def _of_python(words: Sequence[str]) -> Invocation | None:
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] not in ("-m", "-c", "-"):
        rest = rest[2:] if rest[0] in _PYTHON_VALUES else rest[1:]
    if rest[:1] == ["-m"] and len(rest) > 1:
        return Invocation(rest[1], tuple(rest[2:]))
    if not rest or rest[0].startswith("-"):
        return None
    name = PurePosixPath(rest[0]).name
    if not name.endswith((".py", ".pyc", ".pyz")):
        return Invocation(name, tuple(rest[1:]))  # a program of the environment's bin folder
    return Invocation("python", tuple(rest[1:]), rest[0])


def _of_node(words: Sequence[str]) -> Invocation | None:
    rest = _after_options(words, _NODE_VALUES)
    if NODE_TEST in words[: len(words) - len(rest)]:
        return Invocation("node", tuple(words), NODE_TEST)
    if not rest:
        return None
    path = PurePosixPath(rest[0])
    for (package, file), program in _NODE_PROGRAMS.items():
        if path.name == file and package in path.parts[:-1]:
            return Invocation(program, tuple(rest[1:]))
    if ".bin" in path.parts:
        return Invocation(path.name, tuple(rest[1:]))
    return Invocation("node", tuple(rest[1:]), rest[0])
