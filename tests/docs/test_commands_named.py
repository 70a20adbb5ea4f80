# SPDX-License-Identifier: Apache-2.0
"""Advice can be followed: every ``lichen WORD`` in messages, comments and documentation is a command."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lichen.cli.app import COMMANDS

ROOT = Path(__file__).resolve().parent.parent.parent
NAMED = re.compile(r"(?<![\w./-])(?<!from )lichen ([a-z][a-z-]*)")
NOT_COMMANDS = frozenset({"host"})
"""``lichen host`` salts the host's identifier."""
FILES = sorted(
    path
    for folder, suffixes in {
        ".": ("*.md", "Makefile"), "docs": ("**/*.md",), "changelog.d": ("*.md",),
        "src/lichen": ("**/*.py", "**/*.toml", "**/*.j2", "**/*.csv"),
    }.items()
    for suffix in suffixes
    for path in (ROOT / folder).glob(suffix)
)  # fmt: skip


def words(text: str) -> set[str]:
    """What follows ``lichen`` in a text."""
    return set(NAMED.findall(text))


def test_words_are_found() -> None:
    assert words("Run `lichen factors`, or lichen measure --html x; python -m lichen demo; from lichen import x") == {
        "factors", "measure", "demo",
    }  # fmt: skip


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_that_is_named_exists(path: Path) -> None:
    strange = words(path.read_text(encoding="utf-8")) - set(COMMANDS) - NOT_COMMANDS
    assert not strange, f"{path.relative_to(ROOT)} advises {', '.join(f'lichen {word}' for word in sorted(strange))}"
