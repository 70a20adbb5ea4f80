# SPDX-License-Identifier: Apache-2.0
"""JSON for programs that people read too: a row stands on one line, what holds rows is indented."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final

_FLAT: Final = 2
"""Levels that one line holds: a row with a list of its own, not a row with rows in it."""
_INDENT: Final = "  "


def pieces(document: Any, *, ensure_ascii: bool) -> Iterator[str]:
    """The text of a document, in pieces: thousands of rows would fill the memory at once.

    >>> print("".join(pieces({"id": "a", "rows": [{"n": 1, "of": ["b"]}], "none": []}, ensure_ascii=True)))
    {
      "id": "a",
      "rows": [
        {"n": 1, "of": ["b"]}
      ],
      "none": []
    }

    Raises:
        ValueError: a number is not finite.
    """
    return _written(document, json.JSONEncoder(ensure_ascii=ensure_ascii, allow_nan=False).encode, "\n")


def _written(value: Any, encode: Callable[[Any], str], line: str) -> Iterator[str]:
    if _is_low(value, _FLAT if line != "\n" else 0):
        yield encode(value)
        return
    is_object = isinstance(value, Mapping)
    inner = line + _INDENT
    yield "{" if is_object else "["
    for place, item in enumerate(value.items() if is_object else value):
        yield f"{',' if place else ''}{inner}"
        if is_object:
            yield f"{encode(str(item[0]))}: "
            yield from _written(item[1], encode, inner)
        else:
            yield from _written(item, encode, inner)
    yield line + ("}" if is_object else "]")


def _is_low(value: Any, levels: int) -> bool:
    """Whether a value holds at most so many levels of others; empty ones are no level."""
    inside: Collection[Any]
    if isinstance(value, Mapping):
        inside = value.values()
    elif isinstance(value, list | tuple):
        inside = value
    else:
        return True
    return not inside or (levels > 0 and all(_is_low(one, levels - 1) for one in inside))
