# SPDX-License-Identifier: Apache-2.0
"""Every cell of the course runs and prints what the page says; both languages have the same cells."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
course: Final = SimpleNamespace(**runpy.run_path(str(ROOT / "tools" / "course.py")))
LESSONS: Final = [page for language in course.LANGUAGES for page in course.lessons(language)]
PAIRS: Final = list(zip(*map(course.lessons, course.LANGUAGES), strict=True))


def test_there_are_five_lessons_in_each_language() -> None:
    assert [len(course.lessons(language)) for language in course.LANGUAGES] == [5, 5]


@pytest.mark.parametrize("page", LESSONS, ids=lambda page: f"{page.parent.name}/{page.stem}")
def test_a_lesson_prints_what_it_says(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert course.played(text) == text, "run `make pages`"


@pytest.mark.parametrize(("english", "french"), PAIRS, ids=lambda page: page.stem)
def test_both_languages_have_the_same_cells(english: Path, french: Path) -> None:
    ours, theirs = (list(course.cells(page.read_text(encoding="utf-8"))) for page in (english, french))
    assert ours
    assert ours == theirs


@pytest.mark.parametrize("page", LESSONS, ids=lambda page: f"{page.parent.name}/{page.stem}")
def test_a_lesson_has_its_parts(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    exercises, answers = len(re.findall(r"^\d\. ", text, re.MULTILINE)), text.count("<details>")
    assert exercises == answers >= 3
    assert text.count("</details>") == answers
    assert text.count("```python") + text.count("```sh") + text.count("```json") == len(list(course.cells(text)))


def test_a_cell_that_fails_or_answers_otherwise_is_seen() -> None:
    assert course.played("```python\n>>> 1 + 1\n3\n```\n") == "```python\n>>> 1 + 1\n2\n```\n"
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        course.played("```python\n>>> 1 / 0\n```\n")
    with pytest.raises(RuntimeError, match="no-such-command"):
        course.played("```sh\nno-such-command\n```\n")


def test_the_session_and_the_folder_belong_to_one_lesson() -> None:
    first = "```json title=a.json\n{}\n```\n```python\n>>> from pathlib import Path\n>>> Path('a.json').exists()\nTrue\n```\n"
    assert course.played(first) == first
    second = "```python\n>>> 'Path' in globals()\nFalse\n```\n"
    assert course.played(second) == second
    assert not Path("a.json").exists()
