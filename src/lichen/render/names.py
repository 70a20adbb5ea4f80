# SPDX-License-Identifier: Apache-2.0
"""Names that somebody else chose, as HTML."""

from __future__ import annotations

from markupsafe import Markup, escape

from lichen.render.figures import plain, shorten


def foreign(text: str, limit: int = 60) -> Markup:
    """A name that somebody else chose: escaped, isolated from the direction of its surroundings, shortened with a title.

    Letters of ASCII run from left to right as the page does: they need no isolation.
    """
    clean = plain(text)
    short = shorten(clean, limit)
    if short == clean and clean.isascii():
        return escape(clean)
    title = f' title="{escape(clean)}"' if short != clean else ""
    return Markup(f"<bdi{title}>{escape(short)}</bdi>")  # noqa: S704 - both texts are escaped
