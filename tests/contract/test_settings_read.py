# SPDX-License-Identifier: Apache-2.0
"""No setting is decoration: each is read somewhere outside the room that loads it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import lichen
from lichen.config import KEYS, LIST_KEYS

SOURCE = Path(lichen.__file__).parent
BY_NAME = {
    "project": ("project", "settings"), "part": ("part",), "journey": ("entry",), "oidc": ("oidc", "settings"),
    "traffic": ("traffic", "settings"), "traffic.journey": ("rule",),
    "bills.owner": ("owner", "rule"), "bills.shared": ("shared", "rule"),
}  # fmt: skip
"""Variables that hold a section, where it is not the section's own name. ``project.lang`` is resolved into ``settings.lang``."""


def _reads(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """``(holder, attribute)`` of every attribute that is read: of ``settings.browser.cache``, also ``(browser, cache)``."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
            holder = node.value
            if isinstance(holder, ast.Name | ast.Attribute):
                yield (holder.id if isinstance(holder, ast.Name) else holder.attr), node.attr


@pytest.fixture(scope="module")
def reads() -> set[tuple[str, str]]:
    files = [path for path in SOURCE.rglob("*.py") if not path.is_relative_to(SOURCE / "config")]
    assert files
    return {found for path in files for found in _reads(ast.parse(path.read_text(encoding="utf-8")))}


@pytest.mark.parametrize(
    ("section", "name"),
    [
        *((key.section, key.name) for key in KEYS.values()),
        *((section, name) for section, keys in LIST_KEYS.items() for name in keys),
    ],
)
def test_a_setting_is_read(section: str, name: str, reads: set[tuple[str, str]]) -> None:
    holders = BY_NAME.get(section, (section,))
    assert any((holder, name) in reads for holder in holders), f"nothing reads {section}.{name}: delete it or use it"


def test_an_unread_key_would_be_found(reads: set[tuple[str, str]]) -> None:
    assert ("output", "keep_everything") not in reads
    assert ("output", "keep_screenshots") in reads
