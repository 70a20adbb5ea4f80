# SPDX-License-Identifier: Apache-2.0
"""The style sheet that every page begins with: colours of both themes, type, drawings."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def theme() -> str:
    """The text of ``theme.css``."""
    return files("lichen.render").joinpath("theme.css").read_text(encoding="utf-8")
