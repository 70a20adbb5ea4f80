# SPDX-License-Identifier: Apache-2.0
"""The words that the terminal and the report share."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.fixtures.result import sample_result

from lichen.render import figures as say
from lichen.render.i18n import catalogue
from lichen.render.numbers import Numbers
from lichen.service.result import Counter, Figures, JourneyResult, Sampling

EN, NUMBERS = catalogue("en"), Numbers("en")


def test_names_lose_what_could_rewrite_their_surroundings() -> None:
    assert say.plain("a\x1b[31mb\u202ec\td\x00\n") == "a[31mbc d "
    assert say.plain("طلب é 👩\u200d🌾") == "طلب é 👩\u200d🌾"


def test_long_names_are_cut_with_an_ellipsis() -> None:
    assert say.shorten("abcdef", 6) == "abcdef"
    assert say.shorten("abc defg", 5) == "abc…"


def test_the_time_between_steps_has_a_name() -> None:
    assert say.step_name("", EN) == "between steps"
    assert say.step_name("", catalogue("fr")) == "entre les étapes"
    assert say.step_name("Sign in", EN) == "Sign in"


def test_quality_goes_from_best_to_weakest() -> None:
    shares = {"proxy": 0.004, "modelled": 0.376, "measured": 0.62}
    assert say.quality_words(shares, EN, NUMBERS) == "62% measured, 38% modelled, <1% proxy"
    assert say.quality_words({"measured": 0.996, "proxy": 0.004}, EN, NUMBERS) == ">99% measured, <1% proxy"
    assert say.quality_words({"measured": 1.0}, EN, NUMBERS) == "100% measured"
    assert say.quality_words({}, EN, NUMBERS) == "unknown"


@pytest.mark.parametrize(
    ("status", "precision", "target", "sentence"),
    [
        (
            "reached",
            0.021,
            0.03,
            "target reached: 5 samples, 4 kept after trimming, ±\u00a02.1% on CPU time (target ±\u00a03%).",
        ),
        (
            "fixed",
            0.17,
            None,
            "as many samples as asked for: 5 samples, 4 kept after trimming, ±\u00a017% on CPU time.",
        ),
        ("single", None, None, "one sample: how much a repetition would differ is unknown."),
    ],
)
def test_precision_is_told_against_its_target(
    status: str, precision: float | None, target: float | None, sentence: str
) -> None:
    sampling = Sampling(
        taken=5, discarded=1, primary_s=(1.0,) * 5, kept=(0, 1, 2, 3), precision=precision, target=target, cv=None,
        status=status,  # type: ignore[arg-type]
    )  # fmt: skip
    assert say.precision_words(sampling, EN, NUMBERS) == sentence


def test_gaps_with_the_same_parts_and_reason_stand_together() -> None:
    rows = (
        {"part": "browser", "quantity": "layouts", "reason": "counted"},
        {"part": "browser", "quantity": "dom_elements", "reason": "counted"},
        {"part": "portal", "quantity": "network_bytes", "reason": "unknown"},
        {"part": "backoffice", "quantity": "network_bytes", "reason": "unknown"},
    )
    assert [(gap.quantities, gap.parts, gap.reason) for gap in say.gaps(rows, EN)] == [
        (("Layout passes", "Page elements"), ("browser",), "counted"),
        (("Network",), ("portal", "backoffice"), "unknown"),
    ]


def test_a_column_has_the_unit_of_its_total_or_of_its_largest_row() -> None:
    journey = sample_result().journeys[0]
    columns = {column.name: column for column in say.columns(journey, ("gwp100",), NUMBERS)}
    assert NUMBERS.unit(columns["network_bytes"].rung) == "MB"
    assert journey.figures.counters["memory_peak"].value is None
    assert NUMBERS.unit(columns["memory_peak"].rung) == "MB"


def test_a_machine_of_which_nothing_is_known_has_words_too() -> None:
    assert say.host_words(replace(sample_result(), host={}), EN, NUMBERS) == "unnamed host"
    assert say.browser_words(replace(sample_result(), browser={}), EN) == ""


def test_the_machine_is_graded_by_its_fixed_work() -> None:
    graded = replace(sample_result(), host={"calibration": {"grade": "C", "cv": 0.041}})
    assert say.host_words(graded, EN, NUMBERS) == "unnamed host (grade C: equal work varied by 4.1%)"
    odd = replace(sample_result(), host={"calibration": {"grade": "C", "cv": "?"}})
    assert say.host_words(odd, EN, NUMBERS) == "unnamed host"


def test_an_indicator_of_a_plug_in_is_shown_after_the_built_in_ones() -> None:
    figures = sample_result().journeys[0].figures
    added = replace(figures.indicators["water"], indicator="noise", unit="dB")
    more = replace(figures, indicators={"noise": added, **figures.indicators})
    assert say.other_indicators(more) == ["energy", "water", "adpe", "pe", "noise"]
    assert say.other_indicators(replace(figures, indicators={})) == []


def _row(part: str, quantity: str) -> dict[str, object]:
    return {"part": part, "quantity": quantity, "reason": "r", "code": "method", "arguments": {"en": "r", "fr": "r"}}


def test_only_what_no_part_converts_is_said_to_be_counted_only() -> None:
    journey = sample_result().journeys[0]
    everywhere = [_row(part.name, "requests") for part in journey.parts]
    rows = (*everywhere, _row("portal", "network_bytes"), _row("browser", "cpu_time_share"))
    journeys = [replace(journey, by_design=rows), replace(journey, by_design=(*everywhere, *_times(journey)))]
    assert say.counted_only(journeys, EN) == "Requests, observed time"
    assert say.counted_only(journeys, catalogue("fr")) == "Requêtes, durée observée"
    assert say.counted_only([replace(journey, by_design=())], EN) == ""


def _times(journey: JourneyResult) -> list[dict[str, object]]:
    return [_row(part.name, "window_time") for part in journey.parts]


def test_what_does_not_apply_is_blank_and_what_is_unknown_says_so() -> None:
    journey = sample_result().journeys[0]
    column = next(column for column in say.columns(journey, (), NUMBERS) if column.name == "memory_peak")
    figures = journey.parts[2].figures
    assert figures.counters["memory_peak"].value is None
    assert column.amount(figures, NUMBERS).number == "unknown"
    counters = {name: counter for name, counter in figures.counters.items() if name != "memory_peak"}
    assert column.amount(replace(figures, counters=counters), NUMBERS).number == ""


def test_a_journey_is_opened_by_its_name_ready_for_a_shell() -> None:
    journey = replace(sample_result().journeys[0], name="follow up")
    result = replace(sample_result(), run_name="4be1c9d07a52", journeys=(journey,))
    assert say.explain_command(result) == "lichen explain 'follow up' --run 4be1c9d07a52"
    bare = replace(journey, figures=replace(journey.figures, indicators={}))
    assert say.explain_command(replace(result, journeys=(bare,))) is None


def test_a_column_has_one_unit_in_all_journeys_of_a_run() -> None:
    """0.59 g beside 1.5 mg: read in one unit, the largest's."""
    numbers, journeys = Numbers("en"), sample_result().journeys
    small = replace(
        journeys[0],
        figures=Figures(
            counters={name: counter.times(1e-3) for name, counter in journeys[0].figures.counters.items()},
            indicators={name: found.times(1e-3) for name, found in journeys[0].figures.indicators.items()},
        ),
    )
    together = [small, *journeys[1:]]
    units = [
        {c.name: c.rung for c in say.columns(one, say.TABLE_INDICATORS, numbers, beside=together)} for one in together
    ]
    assert units[0] == units[1] == units[2]
    assert units[0]["cpu_time"].base == "s"
    alone = {c.name: c.rung for c in say.columns(small, say.TABLE_INDICATORS, numbers)}
    assert alone["gwp100"] != units[0]["gwp100"]


def test_why_bytes_of_a_server_are_unknown_is_said_with_a_repair() -> None:
    row = {"part": "site", "quantity": "network_bytes", "reason": "its value is unknown", "code": "unknown_value"}
    (gap,) = say.gaps([row], catalogue("en"))
    assert "cannot be told from those of other processes" in gap.reason
    assert "container or a control group" in gap.reason
    (other,) = say.gaps([{**row, "quantity": "disk_bytes"}], catalogue("en"))
    assert other.reason == "its value is unknown"


@pytest.mark.parametrize(("value", "said"), [(30e6, "30 MB"), (30_123_456.0, "30.1 MB"), (0.0, "0 B")])
def test_counters_of_a_whole_run_have_the_units_of_the_table(value: float, said: str) -> None:
    """Exact bytes too, which alone are told to the byte."""
    peak = Counter(quantity="memory_peak", value=value, unit="B", half_width=None, exact=True)
    journey = sample_result().journeys[0]
    journey = replace(journey, units=10.0, whole=Figures(counters={"memory_peak": peak}, indicators={}))
    words = say.whole_words(journey, EN, NUMBERS)
    assert words is not None
    assert words.replace("\u00a0", " ").endswith(f"Memory peak {said}")
