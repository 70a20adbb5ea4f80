# SPDX-License-Identifier: Apache-2.0
"""Which source counts for a tier, and what the others say of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from lichen.portfolio import estimate
from lichen.portfolio.estimate import Estimate
from lichen.service.board.reading import Look
from lichen.service.board.rows import PartRow
from lichen.service.board.shapes import Figure, Missing, SourceRow
from lichen.store.queries import sources as queries
from lichen.store.queries.board import AppFact
from lichen.store.queries.sources import ClaimFact


def tier_claims(look: Look, fact: AppFact) -> Mapping[str, Sequence[ClaimFact]]:
    """What several sources say of the tiers of an application over the period."""
    found: dict[str, list[ClaimFact]] = {}
    for claim in queries.claims(look.session, look.kind("application"), fact.id, *look.span):
        found.setdefault(claim.tier, []).append(claim)
    return found


def beside(row: PartRow, claims: Sequence[ClaimFact]) -> PartRow:
    """A tier with what other sources say of it, month by month where they say something."""
    if not claims:
        return row
    counted = _figure(row, [claim for claim in claims if claim.counts])
    others = []
    for source in dict.fromkeys(claim.source for claim in claims if not claim.counts):
        own = [claim for claim in claims if claim.source == source and not claim.counts]
        months = {claim.period for claim in own}
        base = _figure(row, [claim for claim in claims if claim.counts and claim.period in months])
        figure = _figure(row, own)
        known = figure.value is not None and bool(base.value)
        others.append(
            SourceRow(
                source=source, figure=figure,
                difference=(figure.value or 0.0) / (base.value or 1.0) - 1 if known else None,
            )
        )  # fmt: skip
    newest = next(claim for claim in reversed(claims) if claim.counts)
    return replace(row, source=row.source or newest.source, reason=newest.reason, counted=counted, others=tuple(others))


def _figure(row: PartRow, claims: Sequence[ClaimFact]) -> Figure:
    found = estimate.total(
        Estimate(value=one.value, low=one.low, high=one.high, shares=one.shares) for one in claims
    ).total
    return Figure(
        value=found.value, low=found.low, high=found.high, unit=row.figure.unit, shares=found.shares,
        missing="" if found.value is not None else Missing.SOURCE_SILENT,
    )  # fmt: skip
