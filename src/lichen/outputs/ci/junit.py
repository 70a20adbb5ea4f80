# SPDX-License-Identifier: Apache-2.0
"""JUnit XML, as GitLab, Jenkins and GitHub's actions read it: a suite per journey, a case per bound.

What differs between those who read it: https://docs.gitlab.com/ci/testing/unit_test_reports/ and the schema of Jenkins' JUnit
plug-in. A case's name stays while its figure changes, so that its history is one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Final
from xml.etree import ElementTree as ET

from lichen.render.figures import plain
from lichen.render.gating import GateText
from lichen.render.i18n import catalogue
from lichen.service.gating.outcome import Check, GateResult
from lichen.service.result import JourneyResult, Result

_NOT_XML: Final = re.compile("[\ufffe\uffff]")
_TO_SECONDS: Final = len("2026-01-31T10:00:00")
_NO_TIME: Final = "0"
"""Bounds take no time of their own."""


def _text(value: str) -> str:
    """Text that an XML document can hold."""
    return _NOT_XML.sub("", plain(value))


def _seconds(value: float) -> str:
    return f"{value:.3f}"


class _Suites:
    """A document under way."""

    def __init__(self, name: str) -> None:
        self._root = ET.Element("testsuites", name=_text(name))

    def suite(self, name: str, properties: Mapping[str, str], *, started_at: str, seconds: float = 0.0) -> ET.Element:
        """A new suite; its counts are filled in at the end."""
        suite = ET.SubElement(self._root, "testsuite", name=_text(name), time=_seconds(seconds))
        if started_at:
            suite.set("timestamp", started_at[:_TO_SECONDS])
        listed = ET.SubElement(suite, "properties")
        for key, value in properties.items():
            ET.SubElement(listed, "property", name=_text(key), value=_text(value))
        return suite

    def to_bytes(self) -> bytes:
        """The document, with counts."""
        names = {"tests": "testcase", "failures": "failure", "errors": "error", "skipped": "skipped"}
        for element in (self._root, *self._root.iter("testsuite")):
            for attribute, tag in names.items():
                element.set(attribute, str(sum(1 for _ in element.iter(tag))))
        ET.indent(self._root)
        content: bytes = ET.tostring(self._root, encoding="utf-8", xml_declaration=True)
        return content + b"\n"


class GateJUnit:
    """The gate: broken is a failure, inconclusive is skipped unless it fails the gate."""

    name: ClassVar[str] = "junit"
    media_type: ClassVar[str] = "application/xml"
    suffix: ClassVar[str] = ".xml"

    def render(self, gate: GateResult, *, lang: str) -> bytes:
        """UTF-8 XML."""
        text = GateText(gate, lang)
        suites = _Suites(f"lichen {gate.project}")
        journeys = dict.fromkeys((*gate.figures, *(check.journey for check in gate.checks), *gate.failed))
        for journey in journeys:
            suite = suites.suite(
                f"{gate.project}.{journey}", _properties(gate, journey), started_at=gate.started_at
            )  # fmt: skip
            checks = [check for check in gate.checks if check.journey == journey]
            for check in checks:
                _case(suite, text, check)
            if journey in gate.failed:
                case = _bare_case(suite, gate.project, journey, catalogue(lang).say("gate.measured"))
                said = _text(gate.failed[journey])
                ET.SubElement(case, "error", type="E400", message=said).text = said
            elif not checks:
                _bare_case(suite, gate.project, journey, catalogue(lang).say("gate.measured"))
        return suites.to_bytes()


def _properties(gate: GateResult, journey: str) -> dict[str, str]:
    facts = {f"method.{key}": value for key, value in gate.method.items()}
    figures = {f"{name} [{row['unit']}]": f"{row['value']:.12g}" for name, row in gate.figures.get(journey, {}).items()}
    return facts | figures


def _bare_case(suite: ET.Element, project: str, journey: str, name: str) -> ET.Element:
    return ET.SubElement(suite, "testcase", classname=_text(f"{project}.{journey}"), name=_text(name), time=_NO_TIME)


def _case(suite: ET.Element, text: GateText, check: Check) -> None:
    case = _bare_case(suite, text.gate.project, check.journey, text.title(check))
    said, remark = _text(text.sentence(check)), _text(text.remark(check))
    body = "\n".join(filter(None, (said, remark, check.anchor)))
    fails = check.breach or (check.outcome == "inconclusive" and text.gate.strict)
    if fails:
        ET.SubElement(case, "failure", type=check.reason, message=said).text = body
    elif check.outcome == "error":
        ET.SubElement(case, "error", type=check.reason, message=said).text = body
    elif check.outcome in ("inconclusive", "skipped"):
        ET.SubElement(case, "skipped", message=said)
    else:
        ET.SubElement(case, "system-out").text = body


class MeasureJUnit:
    """A measurement: a case per journey, with its figures as properties."""

    name: ClassVar[str] = "junit"
    media_type: ClassVar[str] = "application/xml"
    suffix: ClassVar[str] = ".xml"

    def render(self, result: Result, *, lang: str) -> bytes:
        """UTF-8 XML."""
        suites = _Suites(f"lichen {result.project}")
        for journey in result.journeys:
            seconds = _time(journey.sampling.primary_s)
            suite = suites.suite(
                f"{result.project}.{journey.name}",
                dict(_measured(journey)),
                started_at=result.started_at,
                seconds=seconds,
            )
            _bare_case(suite, result.project, journey.name, catalogue(lang).say("gate.measured"))
        return suites.to_bytes()


def _time(primary_s: Sequence[float]) -> float:
    return sum(primary_s)


def _measured(journey: JourneyResult) -> Iterable[tuple[str, str]]:
    for name, indicator in journey.figures.indicators.items():
        yield f"{name} [{indicator.unit}]", f"{indicator.value:.12g}"
    for name, counter in journey.figures.counters.items():
        if counter.value is not None:
            yield f"{name} [{counter.unit}]", f"{counter.value:.12g}"
