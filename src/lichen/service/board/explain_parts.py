# SPDX-License-Identifier: Apache-2.0
"""Parts of an opened figure: terms of a sum, formulas, factors."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from lichen.model.results import Evaluation
from lichen.records import Factor, Impact
from lichen.service.board.cells import JOURNEYS
from lichen.service.board.reading import Look
from lichen.service.board.rows import ExplainStep, FactorRow
from lichen.service.board.shapes import Figure

LARGEST: Final = 25
"""Terms of a sum that are shown; the rest stands on one line."""
_TOLD: Final = 0.001
"""Share of a figure below which a formula is not told by itself."""


def term(label: str, figure: Figure, source: str = JOURNEYS) -> ExplainStep:
    """A term of a sum."""
    return ExplainStep(label=label, figure=figure, formula="", arguments={}, source=source)


def formula_steps(look: Look, impacts: Iterable[Impact], per: str = "") -> list[ExplainStep]:
    """Terms of an evaluation, the largest first.

    Args:
        per: what they are of, such as a visit; empty for totals.
    """
    chosen = [one for one in impacts if one.indicator == look.indicator and one.accounting == look.method.accounting]
    whole = sum(one.value for one in chosen)
    told = [one for one in chosen if whole and one.value / whole >= _TOLD]
    return [
        ExplainStep(
            label="/".join(one.entity.split("/")[1:]),
            figure=Figure(
                value=one.value, low=one.low, high=one.high, unit=f"{one.unit}/{per}" if per else one.unit,
                shares=dict(one.shares),
            ),
            formula=one.formula,
            arguments={factor.factor_id: f"{factor.value:g} {factor.unit}" for factor in one.factors},
            source=one.rule,
        )
        for one in sorted(told, key=lambda one: -one.value)[:LARGEST]
    ]  # fmt: skip


def factor_rows(look: Look, opened: Evaluation) -> list[FactorRow]:
    """Factors behind it, those that its range comes from first."""
    shares = {factor.key: share for found in opened.sensitivity(look.indicator).values() for factor, share in found}
    used = {factor.key: factor for one in opened.impacts if one.indicator == look.indicator for factor in one.factors}
    ordered = sorted(used.values(), key=lambda factor: (-shares.get(factor.key, 0.0), factor.key))
    return [factor_row(factor, shares.get(factor.key)) for factor in ordered]


def factor_row(factor: Factor, share: float | None = None) -> FactorRow:
    """A factor as views show it."""
    return FactorRow(
        factor_id=factor.factor_id, geography=factor.geography, valid_from=factor.valid_from, value=factor.value,
        low=factor.low, high=factor.high, unit=factor.unit, source=factor.source, source_title=factor.source_title,
        licence=factor.licence, assumed=factor.range_basis == "assumed", share=share,
    )  # fmt: skip
