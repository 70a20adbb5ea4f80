# SPDX-License-Identifier: Apache-2.0
"""What every channel can show: a subject, a first sentence, lists, a link. Texts are plain; each channel escapes them its way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

SUBJECT_MAX: Final = 150
"""Characters of a subject: a Slack header takes no more."""
_BARS: Final = "▁▂▃▄▅▆▇█"
_UNKNOWN_BAR: Final = "·"
_SMALLEST_SPAN: Final = 0.25
"""Share of the largest value that the height of a sparkline stands for at least: noise must not look like an event."""


@dataclass(frozen=True, slots=True)
class Item:
    """A line of a list: a sparkline, what it is about, and what is said of it; the first two may be empty."""

    text: str
    lead: str = ""
    bars: str = ""

    def plain(self, colon: str) -> str:
        """All of it as one line. colon: as the language sets it."""
        lead = f"{self.lead}{colon}" if self.lead and self.text else self.lead
        return " ".join(part for part in (self.bars, f"{lead}{self.text}") if part)


@dataclass(frozen=True, slots=True)
class Section:
    """A list under a heading."""

    heading: str
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """A message in words.

    Attributes:
        subject: at most `SUBJECT_MAX` characters. lead: the first sentence, worth reading alone.
        footer: how figures are meant.
        link, link_text: address of the page, empty when people cannot reach it, and its words.
    """

    lang: str
    subject: str
    lead: str
    sections: tuple[Section, ...] = ()
    footer: tuple[str, ...] = ()
    link: str = ""
    link_text: str = ""

    @property
    def colon(self) -> str:
        """The colon as the language sets it."""
        return "\u00a0: " if self.lang == "fr" else ": "

    def plain(self) -> str:
        """The whole of it as text."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield from (self.subject, "", self.lead)
        for section in self.sections:
            yield from ("", section.heading)
            yield from (f"- {item.plain(self.colon)}" for item in section.items)
        if self.footer:
            yield ""
            yield from self.footer
        if self.link:
            yield from ("", f"{self.link_text}{self.colon}{self.link}")

    def shorter(self) -> Notice | None:
        """The same with the last item of its longest list left out; None when there is nothing left to leave out."""
        longest = max(self.sections, key=lambda one: len(one.items), default=None)
        if longest is None:
            return None
        kept = tuple(
            replace(one, items=one.items[:-1]) if one is longest else one
            for one in self.sections
            if one is not longest or len(one.items) > 1
        )
        return replace(self, sections=kept)


def bars(values: Sequence[float | None]) -> str:
    """A sparkline of characters; empty without two known values.

    >>> bars([1.0, 2.0, None, 4.0])
    '▁▃·█'
    """
    known = [value for value in values if value is not None]
    if len(known) < 2:
        return ""
    top = max(known)
    span = max(top - min(known), _SMALLEST_SPAN * abs(top)) or 1.0
    return "".join(
        _UNKNOWN_BAR if value is None else _BARS[round((1 - (top - value) / span) * (len(_BARS) - 1))]
        for value in values
    )
