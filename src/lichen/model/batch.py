# SPDX-License-Identifier: Apache-2.0
"""Activities of one kind under one rule: the formulas run once on arrays of all of them."""

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
from lichen.records import DATA_METHODS, DataMethod

CHUNK: Final = 128
"""Rows whose draws are in memory at once: 2 MB for each array."""


class Batch:
    """Amounts of many activities, and the chains that turn them into indicators.

    Args:
        groups: activities of one kind, in the order in which they are summed.
        places: of each in the list that was given, for the order in which figures are shown.
    """

    def __init__(self, work: Work, groups: Sequence[Group], places: Sequence[int]) -> None:
        self.work = work
        self.groups = groups
        self.places = places

    def __len__(self) -> int:
        return len(self.groups)

    @cached_property
    def _columns(self) -> dict[tuple[str, str], np.ndarray]:
        """Quantities and attributes that the formulas take, one value for each row."""
        found: dict[tuple[str, str], np.ndarray] = {}
        for chain in self.work.chains:
            for link in chain.links:
                for source in link.sources.values():
                    if source.kind == "quantity":
                        values: list[Any] = [group.quantities[source.name].value for group in self.groups]
                    elif source.kind == "attribute":
                        values = [group.attributes[source.name] for group in self.groups]
                    else:
                        continue
                    found[source.kind, source.name] = np.array(values, dtype=float)
        return found

    @cached_property
    def values(self) -> list[np.ndarray]:
        """Central values of each chain, one for each row.

        Raises:
            FactorError: a formula has no finite result.
        """

        def central(source: Source) -> Any:
            if source.factor is not None:
                return np.asarray(source.factor.vector) if source.factor.vector else source.factor.value
            return source.value if source.kind == "constant" else self._columns[source.kind, source.name]

        memo: dict[Link, Any] = {}
        with np.errstate(all="ignore"):
            found = [self._full(chain.links[-1].run(central, memo), len(self)) for chain in self.work.chains]
        for link, result in memo.items():
            if not np.all(np.isfinite(result)):
                self._complain(link, np.asarray(result), central, memo)
        return found

    def _complain(self, link: Link, result: np.ndarray, central: Any, memo: dict[Link, Any]) -> None:
        row = int(np.argmin(np.isfinite(np.broadcast_to(result, (len(self),)))))
        said = []
        for name, source in link.sources.items():
            value = np.asarray(central(source) if source.link is None else memo[source.link])
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

        def drawn(source: Source) -> Any:
            if source.factor is not None:
                return np.asarray(source.factor.vector) if source.factor.vector else uncertainty.draw(source.factor)
            return source.value if source.kind == "constant" else self._columns[source.kind, source.name][rows, None]

        memo: dict[Link, Any] = {}
        count = len(range(*rows.indices(len(self))))
        with np.errstate(all="ignore"):
            return [
                self._full(chain.links[-1].run(drawn, memo), count, uncertainty.DRAWS) for chain in self.work.chains
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

        def repeated(source: Source) -> Any:
            if source.factor is not None:
                return np.asarray(source.factor.vector) if source.factor.vector else source.factor.value
            if source.kind == "constant":
                return source.value
            if source.kind == "attribute":
                return self._columns[source.kind, source.name][rows, None]
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
        proxies: list[DataMethod] = ["proxy"] * len(self)
        return [proxies if _stood_in(chain) else worst for chain in self.work.chains]


def _stood_in(chain: Chain) -> bool:
    return any(factor.fallback for factor in chain.factors)
