# SPDX-License-Identifier: Apache-2.0
"""TOML files of users: whatever is wrong with one becomes one of three exceptions, and none can be waited for for ever."""

from __future__ import annotations

import errno
import re
import stat
import tomllib
from pathlib import Path
from typing import Any, Final

_BARE_TEXT: Final = re.compile(r"\s*([\w.-]+)\s*=\s*([A-Za-z_/.][\w./:-]*)\s*(?:#.*)?")
"""An assignment of a word that stands without quotes."""
_HEADER: Final = re.compile(r"\s*(\[\[?)\s*([\w.-]+)\s*\]\]?\s*(#.*)?$")
_ASSIGNMENT: Final = re.compile(r"\s*([\w.-]+)\s*=")


def read_toml(path: Path) -> tuple[dict[str, Any], str]:
    """Content of a TOML file, and its text.

    Raises:
        OSError: it cannot be read, or is no regular file: a pipe nobody writes to would be waited for for ever.
        UnicodeDecodeError: it is not UTF-8.
        tomllib.TOMLDecodeError: it is not TOML, is nested too deeply, or holds an integer of thousands of digits.
    """
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise OSError(errno.EINVAL, "it is not a regular file", str(path))
    text = path.read_text(encoding="utf-8")
    try:
        return tomllib.loads(text), text
    except tomllib.TOMLDecodeError:
        raise
    except RecursionError as error:
        raise tomllib.TOMLDecodeError("it is nested too deeply") from error
    except ValueError as error:  # what int() says of too many digits
        raise tomllib.TOMLDecodeError("a number has too many digits") from error


def repair_of(file: Path, problem: str) -> str:
    """What to do about ``problem`` in ``file``: a text without its quotes is the commonest slip. Values are not repeated."""
    found = re.search(r"at line (\d+)", problem)
    lines = file.read_text(encoding="utf-8").splitlines()
    line = lines[int(found[1]) - 1] if found is not None and int(found[1]) <= len(lines) else ""
    bare = _BARE_TEXT.fullmatch(line)
    return "Repair that line." if bare is None else f'Write the text in quotes: {bare[1]} = "…".'


def lines_of(text: str) -> dict[str, int]:
    """Line of each assignment by dotted key. A display aid: a line inside a multi-line text may be taken for one."""
    found: dict[str, int] = {}
    section = ""
    counts: dict[str, int] = {}
    for line, content in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(content):
            section = header[2]
            if header[1] == "[[":
                counts[section] = counts.get(section, -1) + 1
                section = f"{section}.{counts[section]}"
            found.setdefault(section, line)
        elif assignment := _ASSIGNMENT.match(content):
            found.setdefault(f"{section}.{assignment[1]}".lstrip("."), line)
    return found
