# SPDX-License-Identifier: Apache-2.0
"""Addresses of pages: filters, order and language live in them, so that each is a permalink."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote, urlencode

from fastapi import Request

Given = str | int | Sequence[str] | None


class Addresses:
    """Addresses as seen from one request. A language that the address asks for stays in every link."""

    def __init__(self, path: str, params: Sequence[tuple[str, str]]) -> None:
        self.path: Final = path
        self._params: Final = tuple(params)
        self._lang: Final = [value for name, value in params if name == "lang"][-1:]

    @classmethod
    def of(cls, request: Request) -> Addresses:
        """Those of a request."""
        return cls(request.url.path, request.query_params.multi_items())

    def here(self, path: str | None = None, **changes: Given) -> str:
        """The address of this page with some parameters changed; None takes one away."""
        kept = [(name, value) for name, value in self._params if name not in changes]
        return _joined(path or self.path, kept, changes)

    def to(self, path: str, **params: Given) -> str:
        """The address of another page of this server; ``path`` may have parameters already."""
        base, _, query = path.partition("?")
        kept = [("lang", value) for value in self._lang] if "lang" not in params else []
        joined = _joined(base, kept, params)
        if not query:
            return joined
        return f"{base}?{query}{'&' + joined.partition('?')[2] if '?' in joined else ''}"

    def twin(self, path: str | None = None) -> str:
        """The same page as JSON."""
        base = (path or self.path).rstrip("/") or "/portfolio"
        return self.here(f"{base}.json", lang=None)


def segment(text: str) -> str:
    """A code as one segment of a path."""
    return quote(text, safe="")


def _joined(path: str, kept: Sequence[tuple[str, str]], changes: Mapping[str, Given]) -> str:
    pairs = list(kept)
    for name, value in changes.items():
        if isinstance(value, str | int):
            pairs.append((name, str(value)))
        elif value is not None:
            pairs += [(name, one) for one in value]
    return f"{path}?{urlencode(pairs)}" if pairs else path
