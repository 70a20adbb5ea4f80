# SPDX-License-Identifier: Apache-2.0
"""A rule resolved for activities of one kind: formulas linked to where their arguments come from, ready for arrays."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from lichen.model.method import Binding, Rule
from lichen.model.registry import Formula
from lichen.records import Accounting, Factor

SourceKind = Literal["quantity", "attribute", "constant", "factor", "link"]


@dataclass(frozen=True, slots=True)
class Source:
    """Where the values of one argument come from.

    Attributes:
        kind: ``quantity`` and ``attribute`` differ from activity to activity; ``constant`` is one number for all of them
            (a default, the context, the catalogue), ``factor`` one row, ``link`` the result of an earlier formula.
        binding: of the method, which the source answers.
    """

    kind: SourceKind
    binding: Binding
    value: float = 0.0
    factor: Factor | None = None
    link: Link | None = None

    @property
    def name(self) -> str:
        """Of the quantity, attribute or fact."""
        return self.binding.name


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """One formula and the sources of its arguments."""

    formula: Formula
    sources: Mapping[str, Source]

    def run(self, values: Callable[[Link, str], Any], memo: dict[Link, Any]) -> Any:
        """The formula's result, and those of the links it needs.

        Args:
            values: gives the value of a link's argument that is no result.
            memo: keeps what has been computed.
        """
        if self not in memo:
            memo[self] = self.formula.function(
                **{
                    name: values(self, name) if source.link is None else source.link.run(values, memo)
                    for name, source in self.sources.items()
                }
            )
        return memo[self]


@dataclass(frozen=True)
class Chain:
    """Formulas that lead from quantities to one indicator.

    Attributes:
        links: in the order in which they were declared; the last one gives the indicator.
        boundary: at which the result is counted, empty where boundaries do not apply.
    """

    indicator: str
    accounting: Accounting
    links: tuple[Link, ...]
    boundary: str

    @cached_property
    def factors(self) -> tuple[Factor, ...]:
        """Rows that the chain uses, in the order of their use."""
        return tuple(s.factor for link in self.links for s in link.sources.values() if s.factor is not None)

    @cached_property
    def formula(self) -> str:
        """Formula ids, the first applied first."""
        return " > ".join(link.formula.formula_id for link in self.links)


@dataclass(frozen=True)
class Work:
    """A rule for all activities of one kind: its own chain first, then those derived from it."""

    rule: Rule
    chains: tuple[Chain, ...]

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """Every formula of the work, once."""
        return tuple(dict.fromkeys(link for chain in self.chains for link in chain.links))

    @cached_property
    def shape(self) -> Hashable:
        """Works of one shape differ in factors and constants alone: the same formulas run on arrays of them."""
        return (
            self.rule.rule_id,
            tuple((chain.indicator, chain.accounting, chain.boundary) for chain in self.chains),
            tuple(
                (source.kind, source.binding.name if source.factor is None else source.factor.vector)
                for link in self.links
                for source in link.sources.values()
            ),
        )
