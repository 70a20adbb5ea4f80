# SPDX-License-Identifier: Apache-2.0
"""Files for continuous integration: golden, of the shape that their readers document, and safe from hostile names."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema_rs
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from tests.fixtures import gating as fixture
from tests.fixtures.result import sample_result

from lichen import plugins
from lichen.outputs.ci import CodeQuality, GateBadge, GateJUnit, GateMarkdown, GateOpenMetrics, Sarif
from lichen.outputs.ci.github import ANNOTATIONS_MAX, append_outputs, commands
from lichen.outputs.ci.markdown import COMMENT_CHARACTERS, SUMMARY_BYTES, comment, marker, md
from lichen.service.gating.outcome import GateResult

SCHEMAS = Path(__file__).parents[1] / "fixtures" / "schemas"
GATES: dict[str, Callable[[], GateResult]] = {
    "mixed": fixture.mixed_gate,
    "hostile": fixture.hostile_gate,
    "compared": lambda: GateResult(
        outcome="fail", project="loans", checks=(), verdict=fixture.verdict(fixture.heavier()),
        method={"id": "lichen-1", "version": "1.0.0", "factors_hash": "0" * 64},
    ),
    "empty": lambda: GateResult(outcome="pass", project="loans", checks=()),
}  # fmt: skip
NAMES = sorted(plugins.names("lichen.gate_outputs"))


@pytest.fixture(params=GATES, ids=list(GATES))
def any_gate(request: pytest.FixtureRequest) -> GateResult:
    return GATES[request.param]()


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("name", NAMES)
def test_golden(name: str, lang: str, golden: Callable[[str, str], None]) -> None:
    output: Any = plugins.load("lichen.gate_outputs", name)()
    text = output.render(fixture.mixed_gate(), lang=lang).decode()
    text = re.sub(r'"semanticVersion": "[^"]+"', '"semanticVersion": "-"', text)
    golden(f"gate/{name}.{lang}{output.suffix}", text)


@pytest.mark.parametrize("name", NAMES)
def test_every_output_takes_every_gate(name: str, any_gate: GateResult) -> None:
    output: Any = plugins.load("lichen.gate_outputs", name)()
    assert (output.name, output.media_type.count("/"), output.suffix[0]) == (name, 1, ".")
    content = output.render(any_gate, lang="fr")
    assert content.endswith((b"\n", b">"))
    assert "\x1b" not in content.decode()


# JUnit


def _walk(element: ET.Element) -> Iterator[ET.Element]:
    yield element
    for child in element:
        yield from _walk(child)


ATTRIBUTES = {
    "testsuites": {"name", "tests", "failures", "errors", "skipped"},
    "testsuite": {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"},
    "properties": set(), "property": {"name", "value"}, "testcase": {"classname", "name", "time"},
    "failure": {"type", "message"}, "error": {"type", "message"}, "skipped": {"message"}, "system-out": set(),
}  # fmt: skip
CHILDREN = {
    "testsuites": ["testsuite"], "testsuite": ["properties", "testcase"], "properties": ["property"],
    "testcase": ["skipped", "error", "failure", "system-out"],
}  # fmt: skip
"""What the schema of Jenkins' JUnit plug-in and GitLab's documentation both allow, in this order."""


def check_junit(content: bytes) -> ET.Element:
    root = ET.fromstring(content)
    assert root.tag == "testsuites"
    for element in _walk(root):
        assert set(element.attrib) <= ATTRIBUTES[element.tag], element.tag
        places = [CHILDREN[element.tag].index(child.tag) for child in element]
        assert places == sorted(places)
    for element in (root, *root.iter("testsuite")):
        for attribute, tag in (
            ("tests", "testcase"),
            ("failures", "failure"),
            ("errors", "error"),
            ("skipped", "skipped"),
        ):
            assert int(element.attrib[attribute]) == len(list(element.iter(tag)))
    for case in root.iter("testcase"):
        assert {"classname", "name", "time"} <= set(case.attrib)
        assert len([child for child in case if child.tag != "system-out"]) <= 1
    for suite in root.iter("testsuite"):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", suite.get("timestamp", "2026-01-31T00:00:00"))
        assert len(suite.findall("testcase")) > 0
    return root


def test_junit_has_its_shape(any_gate: GateResult) -> None:
    check_junit(GateJUnit().render(any_gate, lang="en"))


def test_junit_counts() -> None:
    root = check_junit(GateJUnit().render(fixture.mixed_gate(), lang="en"))
    # LB002 is broken; LB003 and LB004 are skipped; the comparison of 'follow' failed; LB007 is accepted.
    assert {name: root.get(name) for name in ("tests", "failures", "errors", "skipped")} == {
        "tests": "7", "failures": "1", "errors": "1", "skipped": "2",
    }  # fmt: skip
    strict = check_junit(GateJUnit().render(replace(fixture.mixed_gate(), strict=True), lang="en"))
    assert strict.get("failures") == "2"


def test_the_name_of_a_case_stays_while_its_figure_changes() -> None:
    def names(value: float) -> list[str | None]:
        gate = GateResult(outcome="fail", project="loans", checks=(fixture.check(value=value, low=value, high=value),))
        return [case.get("name") for case in check_junit(GateJUnit().render(gate, lang="en")).iter("testcase")]

    assert names(420_000.0) == names(999_000.0) == ["LB001 apply: Network at most 400\u00a0kB"]


def test_a_measurement_as_junit() -> None:
    output: Any = plugins.load("lichen.outputs", "junit")()
    result = sample_result()
    root = check_junit(output.render(result, lang="en"))
    assert [suite.get("name") for suite in root] == [f"{result.project}.{journey.name}" for journey in result.journeys]
    assert root.find("testsuite/properties/property[@name='network_bytes [B]']") is not None


# JSON formats


@pytest.mark.parametrize(("output", "schema"), [(CodeQuality, "codequality.json"), (Sarif, "sarif-2.1.0.json")])
def test_json_has_its_documented_shape(output: Any, schema: str, any_gate: GateResult) -> None:
    document = json.loads(output().render(any_gate, lang="en"))
    jsonschema_rs.validator_for(json.loads((SCHEMAS / schema).read_text(encoding="utf-8"))).validate(document)


def test_code_quality_finds_what_is_not_settled() -> None:
    found = json.loads(CodeQuality().render(fixture.mixed_gate(), lang="en"))
    assert [(one["check_name"], one["severity"]) for one in found] == [
        ("LB002", "major"), ("comparison", "major"), ("LB003", "minor"), ("LB005", "minor"), ("LB007", "info"),
    ]  # fmt: skip
    assert len({one["fingerprint"] for one in found}) == len(found)


def test_sarif_holds_what_a_file_declares_and_suppresses_what_is_accepted() -> None:
    run = json.loads(Sarif().render(fixture.mixed_gate(), lang="en"))["runs"][0]
    assert [(one["ruleId"], one["level"]) for one in run["results"]] == [
        ("LB002", "error"), ("LB003", "note"), ("LB005", "warning"), ("LB007", "error"),
    ]  # fmt: skip
    assert [one["suppressions"][0]["status"] for one in run["results"] if "suppressions" in one] == ["accepted"]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[one["ruleIndex"]]["id"] for one in run["results"]] == [one["ruleId"] for one in run["results"]]


# OpenMetrics


def test_openmetrics_is_read_by_prometheus(any_gate: GateResult) -> None:
    text = GateOpenMetrics().render(any_gate, lang="en").decode()
    assert text.endswith("# EOF\n")
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert "lichen_gate_checks" in families


def test_openmetrics_has_three_digits() -> None:
    text = GateOpenMetrics().render(fixture.mixed_gate(), lang="en").decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    (climate,) = families["lichen_journey_gwp100_gco2e"].samples
    assert (climate.labels, climate.value) == ({"application": "loans", "journey": "apply"}, 0.194)
    assert [sample.value for sample in families["lichen_journey_network_bytes"].samples] == [420_000.0, 1.0]


def test_a_measurement_as_openmetrics() -> None:
    output: Any = plugins.load("lichen.outputs", "openmetrics")()
    text = output.render(sample_result(), lang="en").decode()
    assert any(family.name == "lichen_journey_gwp100_gco2e" for family in text_string_to_metric_families(text))


# Markdown


def test_the_comment_shows_the_verdict_first_and_changed_rows_only() -> None:
    text = comment(fixture.mixed_gate(), "en")
    lines = text.splitlines()
    assert lines[0] == marker("loans")
    assert lines[1] == "## ✘ Lichen · loans"
    assert lines[3] == "**FAIL: 1 bound is broken, 1 breach is accepted**"
    assert "LB001" not in text  # it holds
    assert "LB001" in GateMarkdown().render(fixture.mixed_gate(), lang="en").decode()


def test_the_cause_stands_in_the_comment() -> None:
    assert "hero.png" in comment(GATES["compared"](), "en")
    assert "312" in comment(GATES["compared"](), "fr")


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_a_long_gate_is_cut_after_whole_rows(lang: str) -> None:
    checks = tuple(fixture.check(code=f"LB{number:04d}", journey=fixture.HOSTILE * 3) for number in range(3000))
    gate = GateResult(outcome="fail", project="loans", checks=checks)
    text = comment(gate, lang)
    assert len(text) <= COMMENT_CHARACTERS
    assert "3000" in text.splitlines()[-1]
    rows = [line for line in text.splitlines() if line.startswith("| ✘")]
    assert rows
    assert all(_cells(row) == 4 for row in rows)
    assert len(GateMarkdown().render(gate, lang=lang)) <= SUMMARY_BYTES


def _cells(row: str) -> int:
    return len(re.findall(r"(?<!\\)\|", row)) - 1


def test_hostile_names_have_no_effect_in_markdown() -> None:
    for text in (
        comment(fixture.hostile_gate(), "en"),
        GateMarkdown().render(fixture.hostile_gate(), lang="fr").decode(),
    ):
        body = text.replace(marker(fixture.HOSTILE), "").replace("<sub>", "").replace("</sub>", "")
        assert "<" not in body  # no HTML
        assert not re.search(r"(?<!\\)!(?<!\\)\[", body)  # no picture
        assert not re.search(r"(?<!\\)\]\(", body)  # no link
        assert not re.search(r"(?<!\\)`", body)  # no code
        assert "@everyone" not in body  # no mention
        assert not re.search(r"#\d", body)  # no reference
        assert "://" not in body.replace("://\u200b", "")  # no address that becomes a link
        assert all(_cells(row) == 4 for row in body.splitlines() if row.startswith("| ✘"))
        assert not [line for line in body.splitlines() if line.startswith(("::", "/", "| -")) and "---" not in line]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain words", "plain words"),
        ("a_b*c", r"a\_b\*c"),
        ("<b>", "&lt;b&gt;"),
        ("@ann", "@\u200bann"),
        ("a@b", "a@\u200bb"),
        ("&amp;", "&\u200bamp;".replace("&", "&amp;")),
        ("www.evil.example", "www.\u200bevil.example"),
    ],
)
def test_signs_are_escaped(text: str, shown: str) -> None:
    assert md(text) == shown


# GitHub


def test_annotations_are_few_and_cannot_be_ended_by_a_name() -> None:
    lines = list(commands(replace(fixture.mixed_gate(), checks=fixture.mixed_gate().checks * 3), "en"))
    assert len(lines) == ANNOTATIONS_MAX
    assert lines[0].startswith("::error file=lichen.toml,line=4,title=LB002 apply › open::Network 420\u00a0kB")
    for line in commands(fixture.hostile_gate(), "en"):
        assert "\n" not in line
        _, title, message = re.fullmatch(r"::(error|notice) [^:]*title=([^:]*)::(.*)", line).groups()  # type: ignore[union-attr]
        assert "%3A%3Aerror%3A%3Ax" in title
        assert message.startswith("Network 420\u00a0kB")


def test_outputs_of_a_step(tmp_path: Path) -> None:
    file = tmp_path / "output"
    assert append_outputs(fixture.mixed_gate(), {"GITHUB_OUTPUT": str(file)})
    lines = file.read_text(encoding="utf-8").splitlines()
    values = {lines[place].partition("<<")[0]: lines[place + 1] for place in range(0, len(lines), 3)}
    assert values == {"verdict": "fail", "breaches": "1", "delta_pct": "10.00"}
    assert not append_outputs(fixture.mixed_gate(), {})


def test_the_badge_is_a_picture_without_anything_active() -> None:
    root = ET.fromstring(GateBadge().render(fixture.hostile_gate(), lang="en"))
    assert {element.tag.rpartition("}")[2] for element in root.iter()} == {"svg", "title", "rect", "g", "text"}
    assert not any("href" in name or name.startswith("on") for element in root.iter() for name in element.attrib)
    assert "fail" in "".join(root.itertext())
