# SPDX-License-Identifier: Apache-2.0
"""The report as text: golden files, size, policy, and foreign names that stay text."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from tests.fixtures.result import LONG, RIGHT_TO_LEFT, SCRIPT, sample_result

from lichen.outputs.export import JsonExport
from lichen.outputs.report import HtmlReport
from lichen.outputs.report.html import SIZE_MAX, json_for_html
from lichen.outputs.report.page import foreign
from lichen.service.result import Figures, RequestRow, Result

"""Bytes of three journeys with their heaviest requests: names and addresses may be longer than these."""
VOID = {"meta", "link", "br", "rect", "circle", "line", "path"}


def _html(result: Result, lang: str = "en") -> str:
    return HtmlReport().render(result, lang=lang).decode()


class _Checker(HTMLParser):
    """Collects elements, texts of inline elements, and checks that tags are balanced."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inline: dict[str, list[str]] = {"style": [], "script": []}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] in self.inline:
            self.inline[self.open[-1]].append(data)


def _checked(text: str) -> _Checker:
    checker = _Checker()
    checker.feed(text)
    checker.close()
    assert checker.open == []
    return checker


def _one_journey() -> Result:
    """A bare address with one part: the smallest report."""
    result = sample_result()
    journey = result.journeys[0]
    step = replace(journey.steps[0], parts=journey.steps[0].parts[:1])
    return replace(result, journeys=(replace(journey, steps=(step,), parts=journey.parts[:1], top_requests=()),))


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_golden(lang: str, golden: Callable[[str, str], None]) -> None:
    golden(f"report/{lang}.html", _html(sample_result(), lang))


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_three_journeys_fit_the_size(lang: str) -> None:
    result = sample_result()
    rows = tuple(
        RequestRow(
            url=f"https://portal.example/static/{n}/{'picture' * 4}.webp", host="portal.example", party="first", kind="image",
            step="Sign in", network_bytes=400_000 - n, count=1,
        )
        for n in range(10)
    )  # fmt: skip
    full = replace(result, journeys=tuple(replace(journey, top_requests=rows) for journey in result.journeys))
    assert len(HtmlReport().render(full, lang=lang)) <= SIZE_MAX


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_other_methods_are_explained_as_far_as_they_fit(lang: str) -> None:
    """Tables and sentences are given up from the last journey on: a line names the methods and the command that says more."""
    result = sample_result()
    compared = next(journey for journey in result.journeys if journey.comparison is not None)
    one, many = (_html(replace(result, journeys=(compared,) * count), lang) for count in (1, 8))
    reasons = one.count("<details><summary>")
    assert reasons > 0
    assert "lichen evaluate " not in one
    whole, left = divmod(many.count("<details><summary>"), reasons)
    assert left == 0
    assert whole + many.count("<code>lichen evaluate ") == 8
    assert whole < 8


def test_the_result_is_embedded_where_it_fits() -> None:
    small = _html(_one_journey())
    assert len(small.encode()) <= SIZE_MAX
    found = re.search(r'<script type="application/json" id="result">(.*?)</script>', small)
    assert found is not None
    assert json.loads(found[1]) == _one_journey().to_json()
    assert 'id="result"' not in _html(sample_result())


def test_embedded_json_cannot_leave_its_element() -> None:
    document = {"name": "</script><!-- & \u2028\u2029"}
    text = str(json_for_html(document))
    assert not set(text) & set("<>&\u2028\u2029")
    assert json.loads(text) == document


def test_tags_are_balanced_and_nothing_is_loaded_from_elsewhere() -> None:
    for result in (sample_result(), _one_journey()):
        checker = _checked(_html(result))
        addresses = [
            v for _, attrs in checker.elements for k, v in attrs.items() if k in {"src", "href", "action", "data"}
        ]
        assert [a for a in addresses if a is not None and not a.startswith(("#", "data:"))] == []
        assert [tag for tag, _ in checker.elements if tag in {"img", "iframe", "object", "embed", "form"}] == []
        assert [
            attrs for _, attrs in checker.elements if any(name.startswith("on") or name == "style" for name in attrs)
        ] == []


def test_the_policy_allows_the_inline_style_and_the_one_script_alone() -> None:
    checker = _checked(_html(sample_result()))
    policy = next(a["content"] or "" for t, a in checker.elements if a.get("http-equiv") == "Content-Security-Policy")
    for kind in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256("".join(checker.inline[kind]).encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy


def test_foreign_names_are_escaped_isolated_and_shortened() -> None:
    assert foreign(SCRIPT) == "&lt;script&gt;alert(1)&lt;/script&gt;"
    assert foreign("é<b>") == "<bdi>é&lt;b&gt;</bdi>"
    assert foreign('a"b<i>', 3) == '<bdi title="a&#34;b&lt;i&gt;">a&#34;…</bdi>'
    assert "\u202e" not in foreign(RIGHT_TO_LEFT)
    page = _html(sample_result())
    assert "<script>alert" not in page
    assert "<img" not in page
    assert f'title="{LONG.strip()}' in page


def test_headings_go_down_one_level_at_a_time() -> None:
    levels = [int(tag[1]) for tag, _ in _checked(_html(sample_result())).elements if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(later - earlier <= 1 for earlier, later in itertools.pairwise(levels))


def test_ids_are_unique_and_references_lead_somewhere() -> None:
    elements = _checked(_html(sample_result())).elements
    ids = [attrs["id"] for _, attrs in elements if "id" in attrs]
    assert len(ids) == len(set(ids))
    wanted = [a[key] for _, a in elements for key in ("aria-labelledby",) if key in a]
    wanted += [(a["href"] or "")[1:] for t, a in elements if t == "a"]
    assert set(wanted) <= set(ids)


def test_both_intervals_stand_apart_with_their_names() -> None:
    page = _html(_one_journey())
    assert re.search(r"Model range</dt><dd><b>0\.37 to 1\.01", page)
    assert re.search(r"Repeatability</dt><dd><b>±\u00a01\.8%</b>", page)


def test_one_sample_has_no_repeatability_and_no_strip() -> None:
    result = sample_result()
    page = _html(replace(result, journeys=result.journeys[2:]))
    assert "one sample cannot tell" in page
    assert 'class="strip"' not in page
    assert 'class="rep" x1' not in page


def test_a_journey_that_nothing_covers_is_said_to_be_unknown() -> None:
    result = sample_result()
    journey = result.journeys[0]
    empty = replace(journey.figures, indicators={})
    steps = tuple(
        replace(
            s,
            figures=replace(s.figures, indicators={}),
            parts=tuple(replace(p, figures=replace(p.figures, indicators={})) for p in s.parts),
        )
        for s in journey.steps
    )
    parts = tuple(replace(p, figures=replace(p.figures, indicators={})) for p in journey.parts)
    page = _html(replace(result, journeys=(replace(journey, figures=empty, steps=steps, parts=parts),)))
    assert "No climate figure" in page
    assert "NaN" not in page


def test_json_export_is_the_document_with_sorted_keys() -> None:
    result = sample_result()
    text = JsonExport().render(result, lang="fr").decode()
    assert json.loads(text) == result.to_json()
    assert text == json.dumps(json.loads(text), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def _batch() -> Result:
    """A command that did a thousand images in one run."""
    result = sample_result()
    first = result.journeys[0]
    counters = {name: found for name, found in first.figures.counters.items() if name != "screen_time"}
    one = replace(first.figures, counters=counters)
    whole = Figures(
        counters={name: found.times(1000) for name, found in counters.items()},
        indicators={name: found.times(1000) for name, found in one.indicators.items()},
    )
    command = replace(
        first, kind="command", functional_unit="image", figures=one, units=1000.0, whole=whole, steps=(), parts=(),
        top_requests=(),
    )  # fmt: skip
    return replace(result, journeys=(command,))


@pytest.mark.parametrize(
    ("lang", "said"), [("en", "1,000 × image: Climate 590\u00a0gCO₂e"), ("fr", "1\u202f000 × image")]
)
def test_a_command_shows_the_whole_run_beside_one_unit_and_no_screen(lang: str, said: str) -> None:
    page = HtmlReport().render(_batch(), lang=lang).decode()
    assert said in page
    text = re.sub(r'<script type="application/json".*?</script>', "", page, flags=re.DOTALL).lower()
    kicker, pace = {"en": ("footprint of commands", "dwell"), "fr": ("empreinte de commandes", "dwell")}[lang]
    assert kicker in text
    assert text.count(pace) == 1  # the composition of the fixture is that of a journey


def test_a_counter_that_is_noise_has_not_the_rank_of_a_result() -> None:
    result = sample_result()
    journey = result.journeys[0]
    disk = replace(journey.figures.counters["disk_bytes"], half_width=1e6, exact=False)
    noisy = replace(
        journey, figures=replace(journey.figures, counters={**journey.figures.counters, "disk_bytes": disk})
    )
    page = HtmlReport().render(replace(result, journeys=(noisy,)), lang="en").decode()
    assert page.count('<div class="noise">') == 1
    assert "take it for noise" in page


def test_an_address_that_took_no_bytes_says_why() -> None:
    result = sample_result()
    journey = result.journeys[0]
    cached = replace(journey, top_requests=(replace(journey.top_requests[0], network_bytes=0),))
    assert "had the answer in its cache" in HtmlReport().render(replace(result, journeys=(cached,)), lang="en").decode()
    assert "had the answer in its cache" not in HtmlReport().render(result, lang="en").decode()
