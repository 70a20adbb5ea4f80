# SPDX-License-Identifier: Apache-2.0
"""The rule engine of the back office: declared rules and field values in, an explained decision out."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from lichen.demo.expressions import Value
from lichen.demo.products import Product, expression

Decision = Literal["approved", "in_review", "documents_requested", "refused"]
CEILING_RULE = "ceiling"
"""Identifier of the finding on the guarantee ceiling, which every product has."""


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """Outcome of one rule: True, False, or None when a value it needs is unknown."""

    rule_id: str
    effect: str
    outcome: bool | None
    points: int


@dataclass(frozen=True, slots=True)
class Assessment:
    """What the engine decides, and why.

    Attributes:
        decision: the new status of the application.
        score: points earned; score_max: points that could be earned.
        findings: one for each rule, and one for the ceiling.
        missing_documents: required documents without an accepted file.
        rate_annual_percent: nominal annual rate after adjustments.
        guarantee_share_percent: share guaranteed by the State.
        ceiling_eur: largest loan admitted; None when a value it needs is unknown.
    """

    decision: Decision
    score: int
    score_max: int
    findings: tuple[RuleFinding, ...]
    missing_documents: tuple[str, ...]
    rate_annual_percent: Decimal
    guarantee_share_percent: Decimal
    ceiling_eur: float | None


def rate_annual_percent(product: Product, values: Mapping[str, Value]) -> Decimal:
    """Return the nominal annual rate in percent; an adjustment counts when its condition is known true."""
    rate = product.loan.rate_annual_percent
    for adjustment in product.loan.adjustments:
        if expression(adjustment.when).evaluate(values) is True:
            rate += adjustment.percent_points
    return max(rate, Decimal(0))


def guarantee_share_percent(product: Product, values: Mapping[str, Value]) -> Decimal:
    """Return the guaranteed share in percent: that of the first tier that applies, else the general one."""
    for tier in product.guarantee.tiers:
        if expression(tier.when).evaluate(values) is True:
            return tier.share_percent
    return product.guarantee.share_percent


def ceiling_eur(product: Product, values: Mapping[str, Value]) -> float | None:
    """Return the largest loan admitted in euros, or None when a value it needs is unknown."""
    ceiling = expression(product.guarantee.ceiling_eur).evaluate(values)
    return None if ceiling is None or isinstance(ceiling, str) else min(float(ceiling), product.loan.amount_max_eur)


def assess(product: Product, values: Mapping[str, Value], accepted_documents: Collection[str]) -> Assessment:
    """Apply the rules of a product to one application.

    Args:
        product: the declaration.
        values: field name to value, `amount_eur`, `term_months` and `deferral_months` included.
        accepted_documents: kinds of document for which an accepted file is held.

    Returns:
        The assessment. A broken `refuse` rule or ceiling refuses; then missing documents are asked; then a
        broken `review` rule, an unknown outcome or too few points goes to an analyst; else it is approved.
    """
    ceiling = ceiling_eur(product, values)
    amount = values.get("amount_eur")
    within = None if ceiling is None or not isinstance(amount, int | float) else amount <= ceiling
    findings = [RuleFinding(CEILING_RULE, "refuse", within, 0)]
    for rule in product.rules:
        outcome = expression(rule.expression).evaluate(values)
        truth = None if outcome is None else bool(outcome)
        findings.append(RuleFinding(rule.id, rule.effect, truth, rule.points if truth else 0))
    score = sum(finding.points for finding in findings)
    missing = tuple(
        document.kind for document in product.documents if document.required and document.kind not in accepted_documents
    )
    return Assessment(
        decision=_decide(findings, missing=bool(missing), score_reached=score >= product.scoring.approve_at),
        score=score,
        score_max=sum(rule.points for rule in product.rules),
        findings=tuple(findings),
        missing_documents=missing,
        rate_annual_percent=rate_annual_percent(product, values),
        guarantee_share_percent=guarantee_share_percent(product, values),
        ceiling_eur=ceiling,
    )


def _decide(findings: list[RuleFinding], *, missing: bool, score_reached: bool) -> Decision:
    if any(finding.effect == "refuse" and finding.outcome is False for finding in findings):
        return "refused"
    if missing:
        return "documents_requested"
    doubtful = any(
        finding.outcome is None or (finding.effect == "review" and not finding.outcome) for finding in findings
    )
    return "in_review" if doubtful or not score_reached else "approved"
