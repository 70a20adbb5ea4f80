# SPDX-License-Identifier: Apache-2.0
"""What a command is called, and what it is compared by."""

from __future__ import annotations

import pytest

from lichen.service.subject import Command, short_name


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (("/usr/bin/python3", "jobs/detect.py", "--size", "640"), "python3 detect.py"),
        (("npx", "playwright", "test", "checkout.spec.ts"), "npx playwright test"),
        (("make", "-j4"), "make"),
        (("/venv/bin/python3.11", "-m", "pytest", "-q", "-k", "fast"), "python3.11 -m pytest"),
        (("git", "-m", "x"), "git"),
        (("-odd",), "-odd"),
        (("curl", "https://user:pw@example.org/?token=abc"), "curl ?token=***"),
        (("/", "x"), "/ x"),
    ],
)
def test_names_are_the_first_words_without_folders_and_secrets(words: tuple[str, ...], name: str) -> None:
    assert short_name(words) == name


def test_a_name_is_one_segment_of_a_path() -> None:
    assert Command.of(["/"], "a/b").name == "a∕b"
    assert Command.of(["/", "x"]).name == "∕ x"


def test_the_same_words_are_the_same_source_and_others_are_not() -> None:
    one, two, other = (Command.of(words) for words in (["a", "b c"], ["a", "b c"], ["a", "b", "c"]))
    assert (one.source, one.source_hash) == (two.source, two.source_hash) == ("a 'b c'", two.source_hash)
    assert other.source_hash != one.source_hash
