# SPDX-License-Identifier: Apache-2.0
"""Which series a PromQL expression sums: only their own samples tell when a counter began anew.

An evaluated sum hides that one of its counters was reset, and an evaluated instant is not when a sample was taken. So sums,
products with a number and plain selectors are taken apart here; what cannot be taken apart is evaluated by the server.
Source: prometheus.io/docs/prometheus/latest/querying/basics.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_TOKEN: Final = re.compile(
    r"""\s*(?:
        (?P<selector>[A-Za-z_:][\w:]*\s*\{(?:[^"'`{}]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)*\}
                    |\{(?:[^"'`{}]|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`)*\})
        |(?P<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?)
        |(?P<word>[A-Za-z_:][\w:]*)
        |(?P<sign>[()+*/,])
    )""",
    re.VERBOSE,
)
_CUMULATIVE: Final = re.compile(r"\b(?:rate|irate|increase|delta|idelta|deriv)\s*\(")
_RESERVED: Final = frozenset({"sum", "by", "without", "offset", "and", "or", "unless", "bool", "on", "ignoring"})


@dataclass(frozen=True, slots=True)
class Term:
    """One summand: a factor times what a selector finds, each series for itself."""

    selector: str
    factor: float = 1.0


class _Unknown(Exception):
    """The expression is more than a sum of selectors."""


def terms(expression: str) -> tuple[Term, ...] | None:
    """The summands of an expression; None when it is something else than a sum of scaled selectors."""
    try:
        return _Parser(expression).whole()
    except (_Unknown, RecursionError):
        return None


def is_rate(expression: str) -> bool:
    """Whether it asks for a rate or an increase, which are no counters."""
    return _CUMULATIVE.search(expression) is not None


class _Parser:
    """Recursive descent over tokens: sum := product ("+" product)*; product := item (("*"|"/") number)*."""

    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        position = 0
        end = len(text.rstrip())
        while position < end:
            found = _TOKEN.match(text, position)
            if found is None or found.lastgroup is None:
                raise _Unknown
            self._tokens.append((found.lastgroup, found[found.lastgroup].strip()))
            position = found.end()
        self._at = 0

    def whole(self) -> tuple[Term, ...]:
        found = self._sum()
        if self._at != len(self._tokens):
            raise _Unknown
        return tuple(found)

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _next(self) -> tuple[str, str]:
        token = self._peek()
        self._at += 1
        return token

    def _expect(self, sign: str) -> None:
        if self._next() != ("sign", sign):
            raise _Unknown

    def _sum(self) -> list[Term]:
        found = self._product()
        while self._peek() == ("sign", "+"):
            self._next()
            found += self._product()
        return found

    def _product(self) -> list[Term]:
        factor = 1.0
        if self._peek()[0] == "number":
            factor = float(self._next()[1])
            self._expect("*")
        found = self._item()
        while self._peek() in (("sign", "*"), ("sign", "/")):
            sign = self._next()[1]
            kind, number = self._next()
            if kind != "number" or float(number) == 0:
                raise _Unknown
            factor = factor * float(number) if sign == "*" else factor / float(number)
        return [Term(term.selector, term.factor * factor) for term in found]

    def _item(self) -> list[Term]:
        kind, text = self._next()
        if kind == "selector":
            return [Term(text)]
        if (kind, text) == ("sign", "("):
            return self._closed()
        if kind == "word" and text == "sum":
            self._grouping()
            self._expect("(")
            found = self._closed()
            self._grouping()
            return found
        if kind == "word" and text not in _RESERVED and self._peek() != ("sign", "("):
            return [Term(text)]
        raise _Unknown

    def _closed(self) -> list[Term]:
        found = self._sum()
        self._expect(")")
        return found

    def _grouping(self) -> None:
        """``by (a, b)``: the groups are summed here in any case."""
        if self._peek() not in (("word", "by"), ("word", "without")):
            return
        self._next()
        self._expect("(")
        while self._next() != ("sign", ")"):
            if self._at >= len(self._tokens):
                raise _Unknown
