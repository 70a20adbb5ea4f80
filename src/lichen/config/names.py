# SPDX-License-Identifier: Apache-2.0
"""What a server part and its variables may be called: one rule for lichen.toml and for those who make parts by program.

And the repair for a name that is not known.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from typing import Final

PART_NAME_WANTED: Final = "a letter, then letters, digits, '-' and '_'"
_PART_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_RESERVED: Final = frozenset({"browser"})


def well_formed(name: str) -> bool:
    """Whether ``name`` is `PART_NAME_WANTED`; ASCII only, as it stands in placeholders, paths and file names."""
    return _PART_NAME.fullmatch(name) is not None


def refusal(name: str) -> str:
    """The repair for a name that a part cannot have; empty for one that it can."""
    if name in _RESERVED:
        return "That name is the browser's own: choose another."
    return "" if well_formed(name) else f"Use {PART_NAME_WANTED}."


def is_variable(name: str, value: str) -> bool:
    """Whether an environment can hold this variable: the system takes neither '=' in a name nor a NUL anywhere."""
    return bool(name) and "=" not in name and "\0" not in name + value


def nearest(name: str, valid: Iterable[str], *, valid_are: str) -> str:
    """The repair for a name that is not one of ``valid``: the nearest, or all of them."""
    names = list(valid)
    close = difflib.get_close_matches(name, names, n=1)
    return f"Did you mean '{close[0]}'?" if close else f"{valid_are}: {', '.join(names) or 'none'}."
