# SPDX-License-Identifier: Apache-2.0
"""``--format html=FILE``: an answer written to files, besides being printed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lichen.cli import outputs
from lichen.cli.words import Words
from lichen.errors import UsageError

if TYPE_CHECKING:
    from lichen.cli.invocation import Invocation
    from lichen.config import Settings

_FORMATS: Final = ("json", "html", "md")

Files = list[tuple[str, Path]]
"""Formats and files."""


def asked_files(formats: tuple[str, ...], settings: Settings, *, example: str) -> Files:
    """The files asked for, checked before anything is computed.

    Args:
        formats: words of the command line, ``html=FILE``.
        example: a file's name, for the repair.

    Raises:
        UsageError: a word is none, or its file cannot be written.
    """
    found = []
    for word in formats:
        name, equals, file = word.partition("=")
        if name not in _FORMATS or not equals or not file:
            raise UsageError(
                f"'{word}' is not json=FILE, html=FILE or md=FILE.",
                repair=f"Write --format html={example}.",
                culprit=word,
            )
        outputs.check_file(Path(file), settings.file)
        found.append((name, Path(file)))
    return found


def write_files(
    invocation: Invocation,
    files: Files,
    lang: str,
    *,
    document: dict[str, Any],
    pages: Mapping[str, Callable[[], bytes]],
) -> None:
    """Writes an answer to files and says so.

    Args:
        document: the answer as JSON.
        pages: what makes the other formats, by name.
    """
    from lichen.ledger.runfile import write_atomically

    words = Words(lang)
    for name, path in files:
        made = pages.get(name)
        content = f"{json.dumps(document, ensure_ascii=False, indent=1)}\n".encode() if made is None else made()
        write_atomically(path, content)
        invocation.written.append(path)
        invocation.say(f"{words['written']}{words.colon}{path}")
