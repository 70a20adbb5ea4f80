# SPDX-License-Identifier: Apache-2.0
"""The result on a terminal: golden files, narrow and wide, without colour, with hostile names."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Callable
from dataclasses import replace

import pytest
from rich.cells import cell_len
from rich.console import Console
from tests.fixtures.result import RIGHT_TO_LEFT, SCRIPT, sample_result

from lichen.render.terminal import print_result
from lichen.service.result import Result


def _printed(result: Result, lang: str, width: int, **options: object) -> str:
    stream = io.StringIO()
    print_result(result, Console(file=stream, width=width, **options), lang)  # type: ignore[arg-type]
    return "".join(f"{line.rstrip()}\n" for line in stream.getvalue().splitlines())


@pytest.mark.parametrize(("lang", "words"), [("en", "zone unknown"), ("fr", "zone inconnue")])
def test_an_unknown_zone_agrees_with_its_noun(lang: str, words: str) -> None:
    result = replace(sample_result(), context={**sample_result().context, "zone": None})
    assert words in " ".join(_printed(result, lang, 200).split())


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_golden(lang: str, golden: Callable[[str, str], None]) -> None:
    golden(f"terminal/{lang}.txt", _printed(sample_result(), lang, 100))


@pytest.mark.parametrize("lang", ["en", "fr"])
@pytest.mark.parametrize("width", [80, 100, 120, 160])
def test_no_line_is_wider_than_the_terminal_and_no_figure_is_cut(lang: str, width: int) -> None:
    text = _printed(sample_result(), lang, width)
    assert max(cell_len(line) for line in text.splitlines()) <= width
    rows = [line for line in text.splitlines() if line.startswith("Total")]
    assert len(rows) == 3
    assert not any("…" in row for row in rows)


def test_wide_terminals_tell_the_quality_of_each_row() -> None:
    assert "62% measured" in next(
        line for line in _printed(sample_result(), "en", 120).splitlines() if line.startswith("Total")
    )


def test_symbols_are_paired_with_words() -> None:
    text = _printed(sample_result(), "en", 160)
    assert "✓ target reached" in text
    assert "! low precision" in text
    assert "• one sample" in text


def test_no_colour_means_no_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    coloured = _printed(sample_result(), "en", 100, force_terminal=True)
    assert "\x1b[3" not in coloured.replace("\x1b[3m", "")


def test_colours_where_they_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[32m" in _printed(sample_result(), "en", 100, force_terminal=True, color_system="standard")


def test_foreign_names_cannot_write_to_the_terminal() -> None:
    text = _printed(sample_result(), "en", 160)
    assert SCRIPT in text
    assert "[red]Download[/red]" in text
    assert "\u202e" in RIGHT_TO_LEFT
    controls = {letter for letter in text if letter != "\n" and unicodedata.category(letter) == "Cc"}
    assert controls == set()
    assert "\u202e" not in text


def test_a_journey_that_nothing_covers_is_said_to_be_unknown() -> None:
    result = sample_result()
    journey = result.journeys[0]
    bare = replace(journey, figures=replace(journey.figures, indicators={}))
    text = _printed(replace(result, journeys=(bare,)), "en", 100)
    assert "climate figure unknown per visit" in text
    assert "lichen explain" not in text


def test_the_figure_to_open_and_the_run_file_are_named() -> None:
    result = sample_result()
    text = _printed(result, "fr", 100)
    assert "lichen explain simulate" in text
    assert result.run_path in text


def test_a_unit_of_two_words_stays_on_one_line_where_there_is_room() -> None:
    result = replace(sample_result(), journeys=sample_result().journeys[2:])
    assert "g\u00a0éq.\u00a0CO₂ fourchette" in _printed(result, "fr", 100)
    assert "g\u00a0éq.\u00a0CO₂ fourchette" not in _printed(result, "fr", 80)


def test_a_command_is_not_told_about_screens() -> None:
    result = sample_result()
    first = result.journeys[0]
    counters = {name: found for name, found in first.figures.counters.items() if name != "screen_time"}
    batch = replace(
        first, kind="command", figures=replace(first.figures, counters=counters), composition=None, steps=(), parts=()
    )
    for lang, word in (("en", "screen"), ("fr", "écran")):
        assert word not in _printed(replace(result, journeys=(batch,)), lang, 100).lower()
        assert word in _printed(result, lang, 100).lower()
