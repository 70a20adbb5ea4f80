# SPDX-License-Identifier: Apache-2.0
"""The laboratory is current in both languages, reproduces the published tools, and gives a reason for each miss."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import laboratory  # noqa: E402


def test_pages_and_pictures_are_current() -> None:
    old = [path.name for path, text in laboratory.pages().items() if path.read_text(encoding="utf-8") != text]
    assert old == [], "run `make pages`"


def test_published_tools_are_reproduced() -> None:
    assert max(one.deviation for one in laboratory.reproduced()) < 1e-6


def test_a_miss_has_a_reason_and_a_hit_has_none() -> None:
    for one in laboratory.measured():
        reasons = [name for name in one.row if name.startswith("why_")]
        assert reasons == ([] if one.inside else ["why_en", "why_fr"]), one.row["id"]


def test_every_measurement_names_a_source_that_can_be_opened() -> None:
    rows = [one.row for one in laboratory.measured()]
    assert len({row["id"] for row in rows}) == len(rows) >= 30
    assert all(row["url"].startswith("https://") and row["source"] for row in rows)
    assert any(not row["seen"] for row in rows)


def test_the_picture_shows_every_row_and_tells_misses_by_shape_too() -> None:
    for path, svg in laboratory.pages().items():
        if path.suffix == ".svg":
            assert svg.count('class="dot"') == len(laboratory.measured())
            assert svg.count('class="miss"') == sum(not one.inside for one in laboratory.measured())
            assert "prefers-color-scheme:dark" in svg


def test_a_ratio_of_one_stands_on_the_line_and_extremes_stay_inside() -> None:
    assert laboratory._place(1.0) == pytest.approx(laboratory._LEFT + laboratory._WIDTH / 2)
    assert laboratory._place(1e-9) == laboratory._LEFT
    assert laboratory._place(1e9) == laboratory._LEFT + laboratory._WIDTH


def test_a_years_duty_is_what_a_hand_computes() -> None:
    idle, screen = (laboratory._value(f"device.laptop.{name}_power") for name in ("idle", "screen"))
    assert laboratory._laptop_year().value == pytest.approx(8.766 * (0.3 * (idle + screen) + 0.1 * idle))


def test_both_languages_compute_the_same() -> None:
    english, french = (
        (laboratory.SOURCE / f"laboratory.{name}.md.j2").read_text(encoding="utf-8") for name in ("en", "fr")
    )
    computed = [
        [re.sub(r'"[^"]*"|\s|_(en|fr)|row\.(en|fr)', "", text) for text in re.findall(r"{{(.*?)}}", page)]
        for page in (english, french)
    ]
    assert computed[0] == computed[1]
    assert english.count("\n|") == french.count("\n|")
    assert english.count("\n- ") == french.count("\n- ")
