# SPDX-License-Identifier: Apache-2.0
"""Rules on what pages hold and what their scripts do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from lichen.collect.entities import BROWSER
from lichen.service.advice.evidence import JourneyEvidence
from lichen.service.advice.finding import Finding, Rule, Saved

_LEAST_BYTES: Final = 2048
_LEAST_UNUSED: Final = 0.3
"""Share of a file that goes unused, from which it is worth splitting."""
_LEAST_KEPT: Final = 0.5
"""Of what one journey leaves unused, at least half is taken to be of use in another (assumed): the lower bound."""


def unused_code(evidence: JourneyEvidence) -> Iterator[Finding]:
    """Scripts and style sheets of which much was used in no step of the journey."""
    survey = evidence.survey
    for file in survey.coverage if survey is not None else ():
        size, step = evidence.bytes_of(file.url)
        unused = 1 - file.used / file.characters if file.characters else 0.0
        if unused < _LEAST_UNUSED or size * unused < _LEAST_BYTES:
            continue
        most = size * unused
        yield Finding(
            rule="unused-code",
            step=step,
            subjects=(file.url,),
            facts={"bytes": size, "unused": unused, "file_kind": file.kind},
            saved=(
                Saved(
                    part=BROWSER,
                    step=step,
                    quantity="network_bytes",
                    value=most,
                    low=most * (1 - _LEAST_KEPT),
                    high=most,
                ),
            ),
        )


_LEAST_TASKS_S: Final = 0.2


def long_tasks(evidence: JourneyEvidence) -> Iterator[Finding]:
    """Scripts that kept the page from answering. What better code would need is unknown: the saving is at most their time."""
    survey = evidence.survey
    for tasks in survey.long_tasks if survey is not None else ():
        cpu_s = evidence.value(BROWSER, tasks.step, "cpu_time")
        if tasks.total_s < _LEAST_TASKS_S or cpu_s is None:
            continue
        most = min(tasks.total_s, cpu_s)
        yield Finding(
            rule="long-tasks",
            step=tasks.step,
            subjects=(),
            facts={"count": tasks.count, "seconds": tasks.total_s},
            saved=(Saved(part=BROWSER, step=tasks.step, quantity="cpu_time", value=None, low=0.0, high=most),),
        )


_MOST_ELEMENTS: Final = 1500
"""A page of more elements is worth cutting: of the reference pages of EcoIndex, six in seven have fewer."""


def many_elements(evidence: JourneyEvidence) -> Iterator[Finding]:
    """Pages of very many elements: each is styled, laid out, painted and kept in memory. The saving is not known."""
    survey = evidence.survey
    for document in survey.documents if survey is not None else ():
        if document.elements > _MOST_ELEMENTS:
            yield Finding(
                rule="many-elements",
                step=document.step,
                subjects=(document.url,),
                facts={"count": document.elements, "depth": document.depth},
            )


def autoplay(evidence: JourneyEvidence) -> Iterator[Finding]:
    """Media that begin by themselves. What a visitor who does not start them saves is what they were fetched with."""
    survey = evidence.survey
    for document in survey.documents if survey is not None else ():
        if not document.autoplaying:
            continue
        media = [one for one in evidence.resources if one.kind == "media" and one.step == document.step]
        total = float(sum(one.received_bytes for one in media))
        saved = Saved(part=BROWSER, step=document.step, quantity="network_bytes", value=total, low=0.0, high=total)
        yield Finding(
            rule="autoplay",
            step=document.step,
            subjects=tuple(one.url for one in media) or (document.url,),
            facts={"count": document.autoplaying, "bytes": total},
            saved=(saved,) if total else (),
        )


RULES: Final = (
    Rule(rule_id="unused-code", effort="medium", find=unused_code, rgesn=("6.5",), wsg=("3.2", "3.3")),
    Rule(rule_id="long-tasks", effort="high", find=long_tasks, wsg=("3.7",)),
    Rule(rule_id="many-elements", effort="high", find=many_elements, wsg=("3.6",)),
    Rule(rule_id="autoplay", effort="low", find=autoplay, rgesn=("4.1",), wsg=("2.9",)),
)
