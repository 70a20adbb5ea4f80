# SPDX-License-Identifier: Apache-2.0
"""What several sources say of an application's tiers, and months under the factors of later ones."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from lichen.store.models import LaterFactors, SourceClaim
from lichen.store.queries.board import Kind
from lichen.store.queries.figures import portions

_SHARES = ("measured", "metered", "allocated", "modelled", "proxy")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimFact:
    """What a source says of a tier in a month. value: None when it is silent. counts: whether it is part of the total."""

    period: date
    tier: str
    source: str
    value: float | None
    low: float | None
    high: float | None
    shares: Mapping[str, float]
    counts: bool
    reason: str


def claims(session: Session, kind: Kind, application_id: str, first: date, last: date) -> list[ClaimFact]:
    """Of the tiers that several sources tell of, or the declared one does not, the oldest month first."""
    query = select(SourceClaim).where(
        SourceClaim.application_id == application_id, SourceClaim.indicator == kind.indicator,
        SourceClaim.period.between(first, last), SourceClaim.accounting == kind.accounting,
        SourceClaim.method == kind.method, SourceClaim.factors_hash == kind.factors_hash,
    )  # fmt: skip
    return [
        ClaimFact(
            period=row.period, tier=row.tier, source=row.source, value=row.value, low=row.low, high=row.high,
            shares={name: share for name in _SHARES if (share := getattr(row, name))}, counts=row.counts, reason=row.reason,
        )
        for row in session.scalars(query.order_by(SourceClaim.period))
    ]  # fmt: skip


def later(
    session: Session, kind: Kind, refs: Collection[str], first: date, last: date
) -> dict[tuple[str, date], list[tuple[date, float | None]]]:
    """Months of some things under later factors: (thing, month) -> the first month of the factors, and the value."""
    query = select(LaterFactors.ref, LaterFactors.period, LaterFactors.factors_of, LaterFactors.value).where(
        LaterFactors.level == kind.level, LaterFactors.indicator == kind.indicator,
        LaterFactors.period.between(first, last), LaterFactors.accounting == kind.accounting,
        LaterFactors.method == kind.method, LaterFactors.factors_hash == kind.factors_hash,
    )  # fmt: skip
    found: dict[tuple[str, date], list[tuple[date, float | None]]] = {}
    for ids in portions(refs):
        rows = session.execute(query.where(LaterFactors.ref.in_(ids)).order_by(LaterFactors.factors_of))
        for ref, period, factors_of, value in rows:
            found.setdefault((ref, period), []).append((factors_of, value))
    return found
