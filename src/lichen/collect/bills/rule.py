# SPDX-License-Identifier: Apache-2.0
"""What a format of bills says: for each cell of a line, which columns it is read from.

A format interprets nothing: it says where a text stands and how a day is written. What the text means is for later steps.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Verified = Literal["real", "generated", "documentation"]
"""What a format was tried on: a real bill, a generated one, or only its vendor's documentation."""
Dates = Literal["iso", "written", "month/day/year", "year-month", "epoch"]
"""How a text writes a day: 2026-03-31 with or without a time, in UTC or as written; 3/31/2026; 2026-03 or 202603; since 1970."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a value of a cell is found. Exactly one of the first seven is given.

    Attributes:
        columns: the first of them that has a value.
        const: the value itself.
        sum: amounts of columns, each times a factor, added; ``credits[].amount`` is the sum of a list.
        json: ``column:key``, the text under a key of a JSON object.
        regex: a column, and a pattern whose first group is the value.
        object: a JSON object of columns, by key; keys without a value are left out.
        prefixes: a JSON object of all columns whose names begin with one of them, by the rest of the name.
        column: of a condition; empty without one.
        equals: values of ``column`` for which this source counts; one that ends in ``*`` is a beginning. None: any but no value.
        needs: a column that the file must have for this source to count; empty without one.
    """

    columns: tuple[str, ...] = ()
    const: str | None = None
    sum: tuple[tuple[str, str], ...] = ()
    json: str = ""
    regex: tuple[str, str] = ("", "")
    object: Mapping[str, str] = field(default_factory=dict)
    prefixes: tuple[str, ...] = ()
    column: str = ""
    equals: tuple[str, ...] = ()
    needs: str = ""

    @property
    def named(self) -> tuple[str, ...]:
        """Columns that values come from."""
        plain = (name for name, _ in self.sum)
        others = (self.json.partition(":")[0], self.regex[0])
        return tuple(name for name in (*self.columns, *plain, *others, *self.object.values()) if name)

    def given(self, columns: Columns) -> bool:
        """Whether a file with these columns has a value for it."""
        if self.needs and columns.actual(self.needs) is None:
            return False
        if self.column and columns.actual(self.column) is None:
            return False
        if self.const is not None:
            return True
        return bool(columns.beginning(self.prefixes)) or any(columns.actual(name) is not None for name in self.named)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How a cell is read.

    Attributes:
        sources: the first whose condition holds gives the value.
        map: what a text becomes; a key that ends in ``*`` is a beginning.
        default: what a text becomes that ``map`` does not have; None: it stays.
        dates: how a text writes a day.
        braces: whether a JSON object may lack its outer braces.
        negate: whether an amount changes its sign.
        required: whether a file without it is none of this format.
        lost: what is lost where a file has none of its columns, a sentence; lost_fr: in French.
    """

    cell: str
    sources: tuple[Source, ...]
    map: Mapping[str, str] = field(default_factory=dict)
    default: str | None = None
    dates: Dates = "iso"
    braces: bool = False
    negate: bool = False
    required: bool = False
    lost: str = ""
    lost_fr: str = ""

    @property
    def named(self) -> tuple[str, ...]:
        """Columns that values come from, each once."""
        return tuple(dict.fromkeys(name for source in self.sources for name in source.named))

    def given(self, columns: Columns) -> bool:
        """Whether a file with these columns has a value for it."""
        return any(source.given(columns) for source in self.sources)


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format of bills.

    Attributes:
        verified: what it was tried on.
        source: where its columns are documented, a URL.
        also: columns that are recognised and not read.
        where: its file.
    """

    name: str
    title: str
    verified: Verified
    source: str
    rules: Mapping[str, Rule]
    also: tuple[str, ...] = ()
    where: str = ""

    @property
    def known(self) -> frozenset[str]:
        """Names of columns that are recognised, in small letters."""
        named = (
            name for rule in self.rules.values() for source in rule.sources for name in (*source.named, source.column)
        )
        return frozenset(name.casefold() for name in (*named, *self.also) if name)

    def matched(self, columns: Columns) -> int:
        """How many columns of a file it knows."""
        prefixes = tuple(one for rule in self.rules.values() for source in rule.sources for one in source.prefixes)
        return sum(name in self.known for name in columns.folded) + len(columns.beginning(prefixes))

    def lacking(self, columns: Columns) -> tuple[Rule, ...]:
        """Required cells of which a file has no column."""
        return tuple(rule for rule in self.rules.values() if rule.required and not rule.given(columns))

    def missing(self, columns: Sequence[str]) -> tuple[Rule, ...]:
        """Cells of which a file has no column and whose loss is worth telling: `Rule.lost` says what is lost."""
        found = Columns(columns)
        return tuple(rule for rule in self.rules.values() if rule.lost and not rule.given(found))


class Columns:
    """Names of a file's columns, found in any letter case."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = tuple(names)
        self.folded: dict[str, str] = {}
        for name in self.names:
            self.folded.setdefault(name.casefold(), name)

    def actual(self, name: str) -> str | None:
        """The name as the file writes it; None when it has no such column."""
        return self.folded.get(name.casefold())

    def beginning(self, prefixes: Sequence[str]) -> tuple[str, ...]:
        """Columns that begin with a prefix and go on, in the file's order."""
        starts = tuple(prefix.casefold() for prefix in prefixes)
        return tuple(
            name
            for name in self.names
            if any(name.casefold().startswith(one) and len(name) > len(one) for one in starts)
        )
