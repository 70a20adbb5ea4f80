# SPDX-License-Identifier: Apache-2.0
"""Applies the rules to the journeys of a run, and says what each finding would save.

What is saved is a quantity that would not be consumed: it is given to the same method, with the same factors and attributes as
the row that consumed it. The range joins how much would be saved with how much a unit of it weighs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from lichen.collect.entities import JourneyEntity, parse_entity
from lichen.errors import UsageError
from lichen.ledger.runfile import RunFile
from lichen.model import uncertainty
from lichen.model.results import Computed, add
from lichen.records import Activity
from lichen.service.advice import rules_network, rules_page, rules_server
from lichen.service.advice.evidence import JourneyEvidence, evidence_of
from lichen.service.advice.finding import Finding, Rule, Saved
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.restated import view_of
from lichen.service.workspace import Workspace

RULES: Final[tuple[Rule, ...]] = (*rules_network.RULES, *rules_page.RULES, *rules_server.RULES)
BY_ID: Final[Mapping[str, Rule]] = {rule.rule_id: rule for rule in RULES}
SHOWN: Final = ("gwp100", "energy", "water")
_MAIN: Final = "gwp100"


@dataclass(frozen=True, slots=True, kw_only=True)
class Saving:
    """What would be saved of one indicator in one functional unit.

    Attributes:
        value: best estimate; None when only bounds are known.
        low, high: bounds: of the quantity and of the model's 90 % range together.
        share: of the journey's figure; None when either is not known.
    """

    value: float | None
    low: float
    high: float
    unit: str
    share: float | None = None

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {"value": self.value, "low": self.low, "high": self.high, "unit": self.unit, "share": self.share}


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A finding with its rule and what it would save, by indicator."""

    finding: Finding
    rule: Rule
    savings: Mapping[str, Saving] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        found = self.finding
        quantities = [
            {"part": s.part, "quantity": s.quantity, "value": s.value, "low": s.low, "high": s.high}
            for s in found.saved
        ]
        return {
            "rule": self.rule.rule_id,
            "effort": self.rule.effort,
            "step": found.step,
            "subjects": list(found.subjects),
            "facts": dict(found.facts),
            "quantities": quantities,
            "savings": {name: saving.to_json() for name, saving in self.savings.items()},
            "rgesn": list(self.rule.rgesn),
            "wsg": list(self.rule.wsg),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyAdvice:
    """Advice for one journey, what saves most first.

    Attributes:
        surveyed: whether its pages were looked into; without it, rules that need it found nothing.
        functional_unit: what the savings are of.
    """

    journey: str
    functional_unit: str
    surveyed: bool
    advice: tuple[Advice, ...]

    def criteria(self) -> dict[str, bool]:
        """Criteria that rules check, and whether nothing was found against them; none where pages were not looked into."""
        if not self.surveyed:
            return {}
        broken = {name for one in self.advice for name in one.rule.criteria}
        names = sorted({name for rule in RULES for name in rule.criteria}, key=_by_number)
        return {name: name not in broken for name in names}

    def to_json(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "journey": self.journey,
            "functional_unit": self.functional_unit,
            "surveyed": self.surveyed,
            "advice": [one.to_json() for one in self.advice],
            "criteria": self.criteria(),
        }


def advise(workspace: Workspace, run: RunFile, journeys: Sequence[str] = ()) -> tuple[JourneyAdvice, ...]:
    """What to change in the journeys of a run.

    Args:
        workspace: its method, or that of the run's newest restatement, weighs what would be saved.
        run: that was measured.
        journeys: names; all when empty.

    Raises:
        UsageError: the run has no such journey.
    """
    content = run.content
    names = [str(record["name"]) for record in content["journeys"]]
    for name in journeys:
        if name not in names:
            raise UsageError(
                f"The run {run.run_id[:12]} has no journey '{name}'.",
                repair=f"It has: {', '.join(names)}.",
                culprit=name,
            )
    view = view_of(workspace, run, None)
    rows, context = parse_document(workspace, content)
    weigh = _Scale(view.workspace, view.method_id, context, view.on)
    chosen = [record for record in content["journeys"] if not journeys or record["name"] in journeys]
    return tuple(_of_journey(record, rows, weigh) for record in chosen)


def _of_journey(record: Mapping[str, Any], rows: Sequence[Activity], weigh: _Scale) -> JourneyAdvice:
    evidence = evidence_of(record, rows)
    found = [(rule, finding) for rule in RULES for finding in rule.find(evidence)]
    savings = weigh.savings(evidence, [finding for _, finding in found])
    advice = [
        Advice(finding=finding, rule=BY_ID[finding.rule], savings=saving)
        for (_, finding), saving in zip(found, savings, strict=True)
    ]
    return JourneyAdvice(
        journey=record["name"],
        functional_unit=record["functional_unit"],
        surveyed=evidence.survey is not None,
        advice=tuple(sorted(advice, key=_order)),
    )


def _by_number(criterion: str) -> tuple[str, int, int]:
    """``WSG 2.9`` before ``WSG 2.11``."""
    kind, _, number = criterion.partition(" ")
    chapter, _, place = number.partition(".")
    return kind, int(chapter), int(place)


def _order(one: Advice) -> tuple[bool, float, str, str]:
    """What surely saves most first; what is not known last, by what it may save."""
    saving = one.savings.get(_MAIN)
    if saving is None:
        return True, 0.0, one.rule.rule_id, one.finding.step
    return (
        saving.value is None,
        -(saving.high if saving.value is None else saving.value),
        one.rule.rule_id,
        one.finding.step,
    )


class _Scale:
    """Weighs quantities by one method."""

    def __init__(self, workspace: Workspace, method_id: str, context: Mapping[str, Any], on: Any) -> None:
        self._workspace = workspace
        self._method = workspace.method(method_id)
        self._context = context
        self._on = on

    def savings(self, evidence: JourneyEvidence, findings: Sequence[Finding]) -> list[dict[str, Saving]]:
        """By finding and indicator; each saved quantity is an activity of its own."""
        asked: dict[str, Saved] = {}
        rows: list[Activity] = []
        for number, finding in enumerate(findings):
            for place, saved in enumerate(finding.saved):
                row = self._row(evidence, saved, f"{number}.{place}")
                if row is not None:
                    rows.append(row)
                    asked[row.entity] = saved
        whole = self._totals([row for _, row in evidence.rows], lambda _: "")
        weighed = self._totals(rows, str)
        return [self._of(number, finding, asked, weighed, whole) for number, finding in enumerate(findings)]

    def _row(self, evidence: JourneyEvidence, saved: Saved, name: str) -> Activity | None:
        template = evidence.template(saved.part, saved.step, saved.quantity)
        amount = saved.high if saved.value is None else saved.value
        entity = None if template is None else parse_entity(template.entity)
        if template is None or entity is None or amount <= 0:
            return None
        path = JourneyEntity(entity.project, entity.part, entity.journey, name).path
        return replace(template, entity=path, value=amount, samples=())

    def _totals(self, rows: Sequence[Activity], key: Any) -> dict[tuple[str, str], tuple[float, float, float, str]]:
        evaluation = evaluate_activities(self._workspace, self._method, rows, self._context, on=self._on)
        groups: dict[tuple[str, str], list[Computed]] = {}
        for computed in evaluation.computed:
            impact = computed.impact
            if impact.accounting == self._method.accounting and impact.indicator in SHOWN:
                groups.setdefault((key(impact.entity), impact.indicator), []).append(computed)
        totals = {}
        for place, group in groups.items():
            value, draws, _ = add(group)
            totals[place] = (value, *uncertainty.enclosing(value, *uncertainty.bounds(draws)), group[0].impact.unit)
        return totals

    def _of(
        self,
        number: int,
        finding: Finding,
        asked: Mapping[str, Saved],
        weighed: Mapping[tuple[str, str], tuple[float, float, float, str]],
        whole: Mapping[tuple[str, str], tuple[float, float, float, str]],
    ) -> dict[str, Saving]:
        found: dict[str, Saving] = {}
        mine = [
            (entity, saved) for entity, saved in asked.items() if entity.rpartition("/")[2].split(".")[0] == str(number)
        ]
        for indicator in SHOWN:
            parts = [(saved, weighed[entity, indicator]) for entity, saved in mine if (entity, indicator) in weighed]
            if not parts or len(parts) < len(finding.saved):
                continue
            found[indicator] = _joined(parts, whole.get(("", indicator)))
        return found


def _joined(
    parts: Iterable[tuple[Saved, tuple[float, float, float, str]]], whole: tuple[float, float, float, str] | None
) -> Saving:
    """Bounds of the quantity with bounds of its weight; a sum takes all lower and all upper bounds together."""
    values: list[float | None] = []
    lows, highs = [], []
    unit = ""
    for saved, (value, low, high, unit) in parts:  # noqa: B007 - the unit is the same in all
        amount = saved.high if saved.value is None else saved.value
        values.append(None if saved.value is None else value)
        lows.append(low * saved.low / amount)
        highs.append(high * saved.high / amount)
    known = [one for one in values if one is not None]
    total = math.fsum(known) if len(known) == len(values) else None
    share = total / whole[0] if total is not None and whole is not None and whole[0] else None
    return Saving(value=total, low=math.fsum(lows), high=math.fsum(highs), unit=unit, share=share)
