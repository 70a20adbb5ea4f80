# SPDX-License-Identifier: Apache-2.0
"""Rules on what servers do for the journey."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Mapping
from typing import Final

from lichen.service.advice.evidence import JourneyEvidence
from lichen.service.advice.finding import Finding, Rule, Saved
from lichen.service.advice.rules_network import polled

_DYNAMIC: Final = frozenset({"document", "fetch"})
_TIMES: Final = 3.0
"""CPU seconds for one request over those usual in the journey, from which a step stands out."""
_LEAST_S: Final = 0.01
_FEWEST_STEPS: Final = 3


def busy_requests(evidence: JourneyEvidence) -> Iterator[Finding]:
    """Steps in which a server works much longer for one answer than in the others: often one query for each row shown.

    The saving is what lies above the journey's usual work for one request; at least half of it (assumed): the step may do more.
    """
    asked = _asked(evidence)
    for part in evidence.servers():
        cost = {
            step: cpu_s / asked[step]
            for step in evidence.steps()
            if asked.get(step) and (cpu_s := evidence.value(part, step, "cpu_time")) is not None
        }
        if len(cost) < _FEWEST_STEPS:
            continue
        usual_s = statistics.median(cost.values())
        for step, each_s in cost.items():
            if each_s < _LEAST_S or each_s < _TIMES * usual_s:
                continue
            most = (each_s - usual_s) * asked[step]
            yield Finding(
                rule="busy-requests",
                step=step,
                subjects=(part,),
                facts={"count": asked[step], "each_s": each_s, "usual_s": usual_s},
                saved=(Saved(part=part, step=step, quantity="cpu_time", value=most, low=most / 2, high=most),),
            )


def _asked(evidence: JourneyEvidence) -> Mapping[str, int]:
    """Requests of a step that a server has to compute an answer for; those that come at regular pauses are small."""
    counts: dict[str, int] = {}
    small = {id(one) for rows in polled(evidence).values() for one in rows}
    for one in evidence.resources:
        if one.party == "first" and one.kind in _DYNAMIC and id(one) not in small:
            counts[one.step] = counts.get(one.step, 0) + 1
    return counts


RULES: Final = (Rule(rule_id="busy-requests", effort="medium", find=busy_requests, wsg=("4.6",)),)
