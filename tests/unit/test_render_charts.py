# SPDX-License-Identifier: Apache-2.0
"""Drawings: positions computed by hand, words that say the same, foreign names that stay text."""

from __future__ import annotations

import xml.etree.ElementTree as ET

from lichen.render import charts
from lichen.render.charts import Segment


def _parse(svg: str) -> ET.Element:
    return ET.fromstring(svg)


def test_a_stacked_bar_is_laid_end_to_end() -> None:
    svg = _parse(
        charts.stacked_bar([Segment(2.0, "s0"), Segment(1.0, "s1"), Segment(0.0, "s2")], axis_max=4.0, title="two, one")
    )
    boxes = [(r.get("x"), r.get("width"), r.get("class")) for r in svg.findall("rect")]
    assert boxes == [(None, "50%", "s0"), ("50%", "25%", "s1")]
    assert (svg.get("role"), svg.findtext("title")) == ("img", "two, one")


def test_a_bar_without_axis_is_empty() -> None:
    assert _parse(charts.stacked_bar([Segment(0.0, "s0")], axis_max=0.0, title="nothing")).findall("rect") == []


def test_an_interval_has_a_dot_a_range_and_a_thinner_mark() -> None:
    svg = _parse(charts.interval(2.0, 1.0, 4.0, half_width=0.5, axis_max=8.0, title="t"))
    lines = {line.get("class"): (line.get("x1"), line.get("x2")) for line in svg.findall("line")[:3]}
    assert lines == {"axis": (None, "100%"), "range": ("12.5%", "50%"), "rep": ("18.75%", "31.25%")}
    assert svg.find("circle").get("cx") == "25%"  # type: ignore[union-attr]


def test_an_unknown_repeatability_is_not_drawn() -> None:
    svg = _parse(charts.interval(2.0, 1.0, 4.0, half_width=None, axis_max=8.0, title="t"))
    assert [line.get("class") for line in svg.findall("line")] == ["axis", "range"]


def test_the_quality_bar_goes_from_best_to_weakest_and_hatches_what_is_missing() -> None:
    order = ("measured", "modelled", "proxy")
    shares = {"proxy": 0.1, "measured": 0.6, "modelled": 0.3}
    whole = _parse(charts.quality_bar(shares, order=order, gap=False, title="t"))
    assert [(r.get("class"), r.get("width")) for r in whole.findall("rect")] == [
        ("q-measured", "60%"), ("q-modelled", "30%"), ("q-proxy", "10%"),
    ]  # fmt: skip
    with_gap = _parse(charts.quality_bar(shares, order=order, gap=True, title="t"))
    assert [r.get("class") for r in with_gap.findall("rect")][-1] == "gap"


def test_the_dot_strip_spans_its_samples_and_marks_trimmed_ones() -> None:
    svg = _parse(charts.dot_strip([1.0, 3.0, 2.0], [0, 2], title="t"))
    dots = [(c.get("cx"), c.get("class")) for c in svg.findall("circle")]
    assert dots == [("4%", "dot"), ("96%", "dot cut"), ("50%", "dot")]
    same = _parse(charts.dot_strip([1.0, 1.0], [0, 1], title="t"))
    assert {c.get("cx") for c in same.findall("circle")} == {"50%"}


def test_a_title_is_text_whatever_it_holds() -> None:
    title = '</title><script>alert(1)</script>"&'
    svg = _parse(charts.stacked_bar([Segment(1.0, "s0")], axis_max=1.0, title=title))
    assert svg.findtext("title") == title
    assert svg.find("script") is None


def test_each_series_has_a_style_and_all_but_the_first_a_pattern() -> None:
    assert [charts.series(n) for n in range(8)] == ["s0", "s1", "s2", "s3", "s4", "s5", "s6", "s0"]
    patterns = _parse(charts.definitions()).findall("defs/pattern")
    assert [p.get("id") for p in patterns] == ["p0", "p1", "p2", "p3", "p4", "p5", "p6"]


def test_a_bar_beside_its_own_words_is_silent_and_pieces_thinner_than_a_pixel_are_left_out() -> None:
    svg = _parse(charts.stacked_bar([Segment(0.0004, "s0"), Segment(0.9996, "s1")], axis_max=1.0, title=""))
    assert svg.get("aria-hidden") == "true"
    assert svg.get("role") is None
    assert [r.get("class") for r in svg.findall("rect")] == ["s1"]
