# SPDX-License-Identifier: Apache-2.0
"""Runs the cells of the course and writes what they print under them.

A lesson is a page of docs/course. Its fences run from top to bottom in an empty folder, in one Python session:
``json title=NAME`` and ``toml title=NAME`` write a file, ``sh`` runs commands, ``python`` is a dialogue at the prompt.

Usage: ``python tools/course.py``. `make pages` runs it; a test fails when a lesson is behind.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

FOLDER: Final = Path(__file__).resolve().parent.parent / "docs" / "course"
LANGUAGES: Final = ("en", "fr")
_FENCE: Final = re.compile(r"^```(\w+)(?: title=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LIMIT_S: Final = 60


class Cell(NamedTuple):
    """A fence of a lesson: its language, the file that it is written to (empty: it is run), its text."""

    kind: str
    title: str
    text: str


def lessons(language: str) -> list[Path]:
    """The lessons in one language, in their order."""
    return sorted((FOLDER / language).glob("[0-9]-*.md"))


def cells(page: str) -> Iterator[Cell]:
    """The cells of a page, from top to bottom."""
    for kind, title, text in _FENCE.findall(page):
        yield Cell(kind, title, text)


def played(page: str) -> str:
    """The page with what its cells print now.

    Raises:
        RuntimeError: a cell fails, or a command prints to standard error without being asked to.
    """
    session: dict[str, Any] = {"__name__": "__lesson__"}

    def play(match: re.Match[str]) -> str:
        cell = Cell(*match.groups(default=""))
        head = match[0][: match[0].index("\n") + 1]
        return f"{head}{_play(cell, session)}```"

    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        return _FENCE.sub(play, page)


def _play(cell: Cell, session: dict[str, Any]) -> str:
    """What the fence should hold after its cell was played."""
    if cell.title:
        Path(cell.title).write_text(cell.text, encoding="utf-8")
    elif cell.kind == "sh":
        _command(cell.text)
    elif cell.kind == "python":
        return _dialogue(cell.text, session)
    return cell.text


def _command(text: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LICHEN_")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        env=environment, capture_output=True, text=True, timeout=_LIMIT_S, check=False,
    )  # fmt: skip
    if done.returncode or done.stderr:
        raise RuntimeError(f"{text}{done.stdout}{done.stderr}")


def _dialogue(text: str, session: dict[str, Any]) -> str:
    """A dialogue at the prompt with the answers of now."""
    lines = []
    for example in doctest.DocTestParser().get_examples(text):
        source = example.source.rstrip("\n").split("\n")
        lines += [f"{'>>>' if number == 0 else '...'} {line}".rstrip() for number, line in enumerate(source)]
        lines += _answer(example.source, session).splitlines()
    return "".join(f"{line}\n" for line in lines)


def _answer(source: str, session: dict[str, Any]) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        try:
            exec(compile(source, "<lesson>", "single"), session)  # noqa: S102 - the lessons are this repository's
        except Exception as error:
            raise RuntimeError(f"{source}{type(error).__name__}: {error}") from error
    return printed.getvalue()


def pages(play: Callable[[str], str] = played) -> Mapping[Path, str]:
    """Each lesson and what it should hold."""
    return {path: play(path.read_text(encoding="utf-8")) for name in LANGUAGES for path in lessons(name)}


def main() -> None:
    """Writes the lessons."""
    for path, text in pages().items():
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
