# SPDX-License-Identifier: Apache-2.0
"""Activities under one rule: its formulas run once on arrays of all of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np

from lichen.errors import FactorError
from lichen.model import uncertainty
from lichen.model.activities import Group
from lichen.model.chain import Chain, Link, Source, Work
from lichen.records import DATA_METHODS, DataMethod, Factor

CHUNK: Final = 128
"""Rows whose draws are in memory at once: 2 MB for each array."""


class Batch:
    """Amounts of many activities, and the chains that turn them into indicators.

    Args:
        works: of each activity, all of one shape.
        groups: activities, in the order in which they are summed.
        places: of each in the list that was given, for the order in which figures are shown.
    """

    def __init__(self, works: Sequence[Work], groups: Sequence[Group], places: Sequence[int]) -> None:
        kinds = {id(work): work for work in works}
        numbers = {key: number for number, key in enumerate(kinds)}
        self._kinds = tuple(kinds.values())
        self._kind_of = np.array([numbers[id(work)] for work in works])
        self.groups = groups
        self.places = places

    def __len__(self) -> int:
        return len(self.groups)

    @property
    def work(self) -> Work:
        """Rule, formulas and indicators of all rows; its factors and constants are those of some."""
        return self._kinds[0]

    @property
    def factors(self) -> Iterator[Factor]:
        """Rows that some chain uses."""
        return (factor for work in self._kinds for chain in work.chains for factor in chain.factors)

    def chain(self, row: int, number: int) -> Chain:
        """A chain of one row, with its factors and constants."""
        return self._kinds[int(self._kind_of[row])].chains[number]

    @cached_property
    def _sources(self) -> dict[tuple[Link, str], list[Source]]:
        """Where each argument of the formulas comes from, for each kind of row."""
        return {
            (link, name): [work.links[place].sources[name] for work in self._kinds]
            for place, link in enumerate(self.work.links)
            for name, source in link.sources.items()
            if source.link is None
        }

    @cached_property
    def _columns(self) -> dict[tuple[Link, str], Any]:
        """Central values of each argument: one for each row, a number where they are all the same, or a factor's vector."""
        return {key: self._column(sources) for key, sources in self._sources.items()}

    def _column(self, sources: Sequence[Source]) -> Any:
        first = sources[0]
        if first.kind == "quantity":
            return np.array([group.quantities[first.name].value for group in self.groups], dtype=float)
        if first.kind == "attribute":
            return np.array([group.attributes[first.name] for group in self.groups], dtype=float)
        if first.factor is not None and first.factor.vector:
            return np.asarray(first.factor.vector)
        values = np.array([source.value if source.factor is None else source.factor.value for source in sources])
        return float(values[0]) if np.all(values == values[0]) else values[self._kind_of]

    def _among(self, key: tuple[Link, str], rows: Any) -> Any:
        """Central values of some rows, to be set against draws or repetitions in a second dimension."""
        column, first = self._columns[key], self._sources[key][0]
        return column if np.ndim(column) == 0 or (first.factor and first.factor.vector) else column[rows, None]

    @cached_property
    def values(self) -> list[np.ndarray]:
        """Central values of each chain, one for each row.

        Raises:
            FactorError: a formula has no finite result.
        """
        memo: dict[Link, Any] = {}
        with np.errstate(all="ignore"):
            found = [
                self._full(chain.links[-1].run(lambda link, name: self._columns[link, name], memo), len(self))
                for chain in self.work.chains
            ]
        for link, result in memo.items():
            if not np.all(np.isfinite(result)):
                self._complain(link, np.asarray(result), memo)
        return found

    def _complain(self, link: Link, result: np.ndarray, memo: dict[Link, Any]) -> None:
        row = int(np.argmin(np.isfinite(np.broadcast_to(result, (len(self),)))))
        said = []
        for name, source in link.sources.items():
            value = np.asarray(self._columns[link, name] if source.link is None else memo[source.link])
            if value.ndim == 0 or len(value) == len(self):
                said.append(f"{name} = {float(np.broadcast_to(value, (len(self),))[row]):g}")
        raise FactorError(
            f"{link.formula.formula_id} has no finite result with {', '.join(said)} ({self.groups[row].entity}).",
            repair="A lifetime is above 0 and a share below 1: repair the factor or the attribute.",
            culprit=link.formula.formula_id,
        )

    @staticmethod
    def _full(result: Any, *shape: int) -> np.ndarray:
        return np.broadcast_to(np.asarray(result, dtype=float), shape)

    def draws(self, rows: slice) -> list[np.ndarray]:
        """Draws of each chain for some rows, shape (rows, draws); the same factor row has the same draws everywhere."""
        kinds, kind_of = np.unique(self._kind_of[rows], return_inverse=True)

        def drawn(link: Link, name: str) -> Any:
            sources = self._sources[link, name]
            if sources[0].factor is None or sources[0].factor.vector:
                return self._among((link, name), rows)
            factors = [source.factor for number in kinds if (source := sources[number]).factor is not None]
            if all(factor.certain for factor in factors):
                return self._among((link, name), rows)
            if all(factor is factors[0] for factor in factors):
                return uncertainty.draw(factors[0])
            return np.stack([uncertainty.draw(factor) for factor in factors])[kind_of]

        memo: dict[Link, Any] = {}
        with np.errstate(all="ignore"):
            return [
                self._full(chain.links[-1].run(drawn, memo), len(kind_of), uncertainty.DRAWS)
                for chain in self.work.chains
            ]

    def drawn(self, row: int, chain: int) -> np.ndarray:
        """Draws of one figure, shape (draws,)."""
        (draws,) = self.draws(slice(row, row + 1))[chain]
        return np.asarray(draws)

    def chunks(self) -> Iterator[slice]:
        """Rows in portions whose draws fit into memory."""
        return (slice(first, min(first + CHUNK, len(self))) for first in range(0, len(self), CHUNK))

    @cached_property
    def samples(self) -> list[list[tuple[float | None, ...]]]:
        """For each chain and row the value in each repetition, None where unknown; empty for a row with one value only."""
        found: list[list[tuple[float | None, ...]]] = [[() for _ in self.groups] for _ in self.work.chains]
        by_count: dict[int, list[int]] = {}
        for row, group in enumerate(self.groups):
            counts = {len(group.quantities[name].samples) for name in self.work.rule.quantities} - {0}
            if len(counts) == 1:
                by_count.setdefault(counts.pop(), []).append(row)
        for count, rows in by_count.items():
            for chain, values in enumerate(self._repeated(rows, count)):
                for row, line in zip(rows, values, strict=True):
                    found[chain][row] = tuple(None if math.isnan(value) else float(value) for value in line)
        return found

    def _repeated(self, rows: list[int], count: int) -> list[np.ndarray]:
        """Values of each chain in each repetition of some rows, shape (rows, repetitions)."""

        def repeated(link: Link, name: str) -> Any:
            source = link.sources[name]
            if source.kind != "quantity":
                return self._among((link, name), rows)
            activities = [self.groups[row].quantities[source.name] for row in rows]
            return np.array([a.samples or (a.value,) * count for a in activities], dtype=float)

        memo: dict[Link, Any] = {}
        with np.errstate(all="ignore"):
            return [self._full(chain.links[-1].run(repeated, memo), len(rows), count) for chain in self.work.chains]

    @cached_property
    def methods(self) -> list[list[DataMethod]]:
        """For each chain and row how its data were obtained; a factor that stands in for another makes it a proxy."""
        worst = [
            max((group.quantities[name].method for name in self.work.rule.quantities), key=DATA_METHODS.index)
            for group in self.groups
        ]
        stood_in = [[_stood_in(chain) for chain in work.chains] for work in self._kinds]
        return [
            ["proxy" if stood_in[kind][number] else own for kind, own in zip(self._kind_of, worst, strict=True)]
            for number in range(len(self.work.chains))
        ]


def _stood_in(chain: Chain) -> bool:
    return any(factor.fallback for factor in chain.factors)
