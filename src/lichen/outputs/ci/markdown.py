# SPDX-License-Identifier: Apache-2.0
"""The gate as Markdown: a summary of a job, and the comment of a merge request.

What a journey or a commit is called is data. It can neither mention anybody, nor refer to an issue, nor make a link, a picture, a
row or a heading: signs that Markdown knows are escaped, and those that GitHub and GitLab look for in the finished text are taken
apart by a space of no width.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from typing import ClassVar, Final

from lichen.records import ID_SHOWN
from lichen.render.figures import shorten
from lichen.render.gating import MARKS, GateText, state
from lichen.render.i18n import catalogue
from lichen.service.gating.outcome import Check, GateResult

SUMMARY_BYTES: Final = 200_000
COMMENT_CHARACTERS: Final = 20_000
_NAME: Final = 80
"""Characters of a foreign name that are shown."""
_SEPARATOR: Final = "\u200b"
_SIGNS: Final = re.compile(r"([\\`*_{}\[\]()#+\-!|~$^=:])")
_REFERENCES: Final = re.compile(r"([@#!~%&$^])(?=[\w\"'(\[])")
_ADDRESSES: Final = re.compile(r"://|(?<=www)\.", re.IGNORECASE)


def md(text: str) -> str:
    """A text that somebody else wrote, without any effect in Markdown."""
    text = _ADDRESSES.sub(lambda found: f"{found[0]}{_SEPARATOR}", text)
    text = _REFERENCES.sub(rf"\1{_SEPARATOR}", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return _SIGNS.sub(r"\\\1", text)


def marker(project: str) -> str:
    """What a comment begins with, by which it is found again; one for each application."""
    return f"<!-- lichen gate {hashlib.sha256(project.encode()).hexdigest()[:ID_SHOWN]} -->"


class GateMarkdown:
    """The summary: the verdict, then every check."""

    name: ClassVar[str] = "markdown"
    media_type: ClassVar[str] = "text/markdown"
    suffix: ClassVar[str] = ".md"

    def render(self, gate: GateResult, *, lang: str) -> bytes:
        """UTF-8 Markdown of `SUMMARY_BYTES` at most."""
        page = _Page(gate, lang)
        return page.text(page.text_of.ordered(), SUMMARY_BYTES // 4).encode()


def comment(gate: GateResult, lang: str) -> str:
    """The comment: the verdict, then what does not simply hold; `COMMENT_CHARACTERS` at most."""
    page = _Page(gate, lang)
    checks = [check for check in page.text_of.ordered() if check.outcome != "pass" or _lighter(check)]
    return f"{marker(gate.project)}\n{page.text(checks, COMMENT_CHARACTERS - len(marker(gate.project)) - 1)}"


def _lighter(check: Check) -> bool:
    """Whether it surely uses less than before: what a reader wants to know as much."""
    return check.high is not None and check.change is not None and check.high < 0


class _Page:
    def __init__(self, gate: GateResult, lang: str) -> None:
        self.gate = gate
        self.text_of = GateText(gate, lang)
        self._words = catalogue(lang)

    def text(self, checks: Iterable[Check], most: int) -> str:
        """The page, cut after whole lines where it would be longer than ``most`` characters."""
        state_of_all = "accepted" if self.gate.outcome == "pass" and self.gate.accepted else self.gate.outcome
        lines = [
            f"## {MARKS[state_of_all]} Lichen · {md(shorten(self.gate.project, _NAME))}",
            "",
            f"**{self.text_of.headline()}**",
        ]
        listed = list(checks)
        end = [*self._notes(), *self._facts()]
        room = most - len("\n".join([*lines, *end])) - len(self._cut(len(listed))) - 4
        for line in (*self._table(listed), *self._causes()):
            if room < len(line) + 1:
                lines += ["", self._cut(sum(1 for _ in listed))]
                break
            room -= len(line) + 1
            lines.append(line)
        return "\n".join([*lines, *end]) + "\n"

    def _cut(self, count: int) -> str:
        return self._words.say("gate.cut", count=count)

    def _table(self, checks: Iterable[Check]) -> Iterator[str]:
        rows = [self._row(check) for check in checks]
        if rows:
            yield ""
            yield f"| {' | '.join(self.text_of.headings())} |"
            yield "| --- | --- | --- | --- |"
            yield from rows

    def _row(self, check: Check) -> str:
        said = " · ".join(filter(None, (self.text_of.sentence(check), self.text_of.remark(check))))
        place = shorten(self.text_of.place(check), _NAME)
        cells = (
            f"{MARKS[state(check)]} {self.text_of.state_word(check)}",
            md(place),
            md(self.text_of.code(check)),
            md(said),
        )
        return f"| {' | '.join(cells)} |"

    def _causes(self) -> Iterator[str]:
        for heading, lines in self.text_of.causes():
            yield ""
            yield md(shorten(heading, 2 * _NAME))
            yield ""
            yield from (f"- {md(shorten(line, 3 * _NAME))}" for line in lines)

    def _notes(self) -> list[str]:
        notes = [f"- {md(note)}" for note in self.text_of.notes()]
        return ["", *notes] if notes else []

    def _facts(self) -> list[str]:
        method = self.gate.method
        if not method:
            return []
        hashed = str(method.get("factors_hash", ""))[:ID_SHOWN]
        said = self._words.say(
            "gate.facts", method=f"{method.get('id', '')} {method.get('version', '')}".strip(), factors=hashed
        )
        return ["", f"<sub>{md(said)}</sub>"]
