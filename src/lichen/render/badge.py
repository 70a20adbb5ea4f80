# SPDX-License-Identifier: Apache-2.0
"""A badge: two fields of text as a small picture. No script, no font, no request."""

from __future__ import annotations

from typing import Final

from markupsafe import escape

_LETTER: Final = 6.6
"""Width of a letter of 11 px, rounded up: a font that nobody loads is not known to the pixel."""
_PADDING: Final = 14
_TONES: Final = {
    "plain": "#1d5c3f", "pass": "#1d5c3f", "fail": "#8f1d1d", "error": "#8f1d1d", "inconclusive": "#5b4a00",
}  # fmt: skip
"""Each has a contrast above 4.5 against white."""


def badge(left: str, right: str, title: str, *, tone: str = "plain") -> str:
    """An SVG of two fields.

    Args:
        left, right: their texts; foreign ones without control characters.
        title: what a screen reader says.
        tone: of the right field: plain, pass, fail, error, inconclusive.
    """
    first, second = (round(len(text) * _LETTER) + _PADDING for text in (left, right))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{first + second}" height="20" role="img" aria-label="{escape(title)}">'
        f"<title>{escape(title)}</title>"
        f'<rect width="{first}" height="20" fill="#33413a"/>'
        f'<rect x="{first}" width="{second}" height="20" fill="{_TONES[tone]}"/>'
        f'<g fill="#ffffff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
        f'<text x="{first / 2:g}" y="14">{escape(left)}</text>'
        f'<text x="{first + second / 2:g}" y="14">{escape(right)}</text></g></svg>'
    )
