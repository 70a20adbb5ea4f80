# SPDX-License-Identifier: Apache-2.0
"""Rules of advice, by hand: what each finds, what it leaves alone, and what would be saved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures import run as fixture

from lichen.collect.entities import JourneyEntity
from lichen.collect.survey import (
    MOST_ROWS,
    Coverage,
    Document,
    Image,
    LongTasks,
    Resource,
    Survey,
    heaviest,
    read_survey,
)
from lichen.config import Settings
from lichen.errors import UsageError
from lichen.records import Activity
from lichen.render.advice import AdviceText
from lichen.render.i18n import LANGUAGES, catalogue
from lichen.service.advice import JourneyAdvice, advise
from lichen.service.advice.advise import RULES
from lichen.service.advice.evidence import JourneyEvidence
from lichen.service.advice.finding import Finding
from lichen.service.evaluation import evaluate_document
from lichen.service.workspace import Workspace

WORKSPACE = Workspace(Settings())


def resource(path: str, **more: Any) -> Resource:
    known = {"kind": "script", "received_bytes": 10_000, "decoded_bytes": 10_000, "status": 200, "party": "first"}
    known |= {"cache_control": "max-age=31536000", "sent_bytes": 500, "method": "GET", "step": "open", "at_s": 0.0}
    return Resource(url=f"https://example.org/{path}", **known | more)


def found(rule: str, survey: Survey, rows: Iterable[Any] = ()) -> list[Finding]:
    evidence = JourneyEvidence(name="buy", rows=tuple(rows), survey=survey)
    return [one for of in RULES if of.rule_id == rule for one in of.find(evidence)]


def saved(finding: Finding) -> tuple[float | None, float, float]:
    (one,) = finding.saved
    return one.value, one.low, one.high


def test_gzip_that_was_tried_is_the_saving() -> None:
    text = resource("app.js", gzip_bytes=(4_000, 3_000, 2_900))
    (one,) = found("uncompressed", Survey(resources=(text, replace(text, party="third"))))
    assert saved(one) == (7_000, 6_000, 7_100)
    assert found("uncompressed", Survey(resources=(resource("app.js"),))) == []


def test_an_image_of_four_times_the_pixels_weighs_by_a_power_of_them() -> None:
    survey = Survey(
        resources=(resource("a.jpg", kind="image"),),
        images=(
            Image(url="https://example.org/a.jpg", step="open", natural_px=400, shown_px=100, seen=True, lazy=False),
        ),
    )
    (one,) = found("oversized-images", survey)
    assert saved(one) == pytest.approx((10_000 * (1 - 4**-0.875), 10_000 * (1 - 4**-0.75), 7_500))
    assert one.facts["ratio"] == 4


@pytest.mark.parametrize("shown", [100, 70])
def test_an_image_a_little_too_large_serves_several_screens(shown: int) -> None:
    image = Image(url="https://example.org/a.jpg", step="open", natural_px=100, shown_px=shown, seen=True, lazy=False)
    assert found("oversized-images", Survey(resources=(resource("a.jpg", kind="image"),), images=(image,))) == []


def test_an_image_nobody_saw_may_be_seen_by_somebody() -> None:
    image = Image(url="https://example.org/a.jpg", step="open", natural_px=9, shown_px=9, seen=False, lazy=False)
    survey = Survey(resources=(resource("a.jpg", kind="image"),), images=(image,))
    assert saved(found("unseen-images", survey)[0]) == (10_000, 0, 10_000)
    for other in (replace(image, seen=True), replace(image, lazy=True)):
        assert found("unseen-images", replace(survey, images=(other,))) == []


def test_bytes_that_came_twice_are_saved_for_certain() -> None:
    rows = (resource("a.css"), resource("a.css", received_bytes=9_000), resource("b.css"))
    assert saved(found("fetched-again", Survey(resources=rows))[0]) == (9_000, 9_000, 9_000)


@pytest.mark.parametrize(
    ("header", "is_found"),
    [
        ("", True),
        ("no-store", True),
        ("max-age=60", True),
        ("no-cache, max-age=99999999", True),
        ("MAX-AGE=86400", False),
    ],
)
def test_files_that_no_cache_keeps_for_a_day(header: str, is_found: bool) -> None:
    answers = found("not-cached", Survey(resources=(resource("a.css", cache_control=header),)))
    assert [saved(one) for one in answers] == ([(None, 0.0, 10_000.0)] if is_found else [])


def test_polling_is_regular_and_slower_than_a_burst() -> None:
    def asked(pauses: Iterable[float]) -> Survey:
        at_s, rows = 0.0, []
        for pause in (0.0, *pauses):
            at_s += pause
            rows.append(resource("status", kind="fetch", at_s=at_s, received_bytes=300, sent_bytes=700))
        return Survey(resources=tuple(rows))

    (one,) = found("polling", asked([1.0] * 9))
    assert saved(one) == (9_000, 5_000, 9_000)
    assert one.facts["pause_s"] == pytest.approx(1.0)
    (cut,) = found("polling", asked([1.0, 0.3, 1.0, 1.1, 1.0]))
    assert cut.facts["count"] == 6
    for pauses in ([1.0, 1.0], [0.01] * 9, [0.3, 3.0, 0.9, 6.0, 0.3]):
        assert found("polling", asked(pauses)) == []


def test_a_redirect_after_a_form_is_good_practice() -> None:
    there = resource("old", kind="document", status=301, received_bytes=200)
    survey = Survey(resources=(there, replace(there, method="POST", status=303)))
    assert saved(found("redirects", survey)[0]) == (700, 700, 700)


def test_unused_code_counts_what_was_transferred() -> None:
    survey = Survey(
        resources=(resource("a.js"),),
        coverage=(Coverage(url="https://example.org/a.js", kind="script", characters=100, used=25),),
    )
    assert saved(found("unused-code", survey)[0]) == (7_500, 3_750, 7_500)
    used = replace(survey, coverage=(replace(survey.coverage[0], used=80),))
    assert found("unused-code", used) == []


def test_pages_and_their_media() -> None:
    page = Document(url="https://example.org/", step="open", elements=2_000, depth=30, autoplaying=1, font_faces=0)
    survey = Survey(resources=(resource("film.mp4", kind="media"),), documents=(page,))
    assert found("many-elements", survey)[0].facts == {"count": 2_000, "depth": 30}
    assert saved(found("autoplay", survey)[0]) == (10_000, 0, 10_000)


def test_fonts() -> None:
    fonts = tuple(resource(f"{i}.woff", kind="font", received_bytes=100_000) for i in range(5))
    assert saved(found("old-font-format", Survey(resources=fonts))[0]) == pytest.approx((130_000, 75_000, 200_000))
    assert saved(found("many-fonts", Survey(resources=fonts))[0]) == (100_000, 100_000, 500_000)
    assert found("old-font-format", Survey(resources=(resource("a.woff2", kind="font"),))) == []


def test_a_server_that_works_much_longer_in_one_step() -> None:
    cost_s = {"list": 0.12, "filter": 0.02, "detail": 0.03}
    rows = [
        (JourneyEntity("shop", "api", "buy", step), activity(f"shop/api/buy/{step}", cpu_s))
        for step, cpu_s in cost_s.items()
    ]
    asked = tuple(resource(step, kind="document", step=step) for step in cost_s)
    (one,) = found("busy-requests", Survey(resources=asked), rows)
    assert one.step == "list"
    assert saved(one) == pytest.approx((0.09, 0.045, 0.09))
    twice = (*asked, *(resource("row", kind="fetch", step="list", at_s=i / 100) for i in range(3)))
    assert found("busy-requests", Survey(resources=twice), rows) == []


def activity(entity: str, cpu_s: float) -> Activity:
    return Activity(entity=entity, quantity="cpu_time", value=cpu_s, unit="s", attributes={"tier": "server"})


# --- on a run ---------------------------------------------------------------------------------------------------------

SURVEY = Survey(
    resources=(
        resource("app.js", gzip_bytes=(60_000, 50_000, 49_000), decoded_bytes=250_000, received_bytes=250_000),
        resource("a.css", cache_control=""),
    ),
    long_tasks=(LongTasks(step="open", count=2, total_s=0.4),),
)


@pytest.fixture
def advice(tmp_path: Path) -> JourneyAdvice:
    return of_run(tmp_path, SURVEY)


def of_run(folder: Path, survey: Survey | None) -> JourneyAdvice:
    run = fixture.write_measured(folder, [replace(fixture.measured("buy"), survey=survey)])
    (only,) = advise(WORKSPACE, run)
    return only


def test_what_saves_most_for_certain_comes_first(advice: JourneyAdvice) -> None:
    assert [one.rule.rule_id for one in advice.advice] == ["uncompressed", "not-cached", "long-tasks"]
    values = [one.savings["gwp100"].value for one in advice.advice]
    assert values[0] is not None
    assert values[1:] == [None, None]
    for one in advice.advice:
        saving = one.savings["gwp100"]
        assert saving.low <= (saving.value or saving.high) <= saving.high


def test_a_saving_is_the_footprint_of_what_is_not_consumed(advice: JourneyAdvice) -> None:
    row = {
        "entity": "a/browser/buy/open",
        "quantity": "network_bytes",
        "value": 200_000.0,
        "tier": "device",
        "zone": "FR",
    }
    row |= {"device": "laptop", "network": "fixed", "started_at": "2026-03-01T10:00:00Z"}
    answer = evaluate_document(WORKSPACE, {"activities": [row], "context": {}}, ["lichen-1"])
    rows = [one for one in answer["totals"] if one["indicator"] == "energy" and one["accounting"] == "location"]
    expected = sum(one["value"] for one in rows)
    assert advice.advice[0].savings["energy"].value == pytest.approx(expected, rel=1e-9)


def test_criteria_are_named_and_those_broken_are_told_apart(advice: JourneyAdvice) -> None:
    criteria = advice.criteria()
    assert criteria["RGESN 6.3"] is False
    assert criteria["RGESN 6.4"] is True
    assert list(criteria)[:2] == ["RGESN 4.1", "RGESN 4.8"]


def test_without_a_survey_nothing_is_claimed(tmp_path: Path) -> None:
    found = of_run(tmp_path, None)
    assert (found.advice, found.surveyed, found.criteria()) == ((), False, {})
    assert AdviceText(found, "en").unsurveyed().startswith("Nobody looked")


def test_a_journey_that_is_not_there_is_named(tmp_path: Path) -> None:
    run = fixture.write(tmp_path, "buy")
    with pytest.raises(UsageError, match="no journey 'sell'"):
        advise(WORKSPACE, run, ["sell"])


@pytest.mark.parametrize("lang", LANGUAGES)
def test_each_rule_speaks_each_language(lang: str) -> None:
    words = catalogue(lang)
    for rule in RULES:
        assert f"advice_do.{rule.rule_id}" in words
        assert f"advice_why.{rule.rule_id}" in words


@pytest.mark.parametrize("lang", LANGUAGES)
def test_lines_tell_reason_and_saving(lang: str, advice: JourneyAdvice) -> None:
    text = AdviceText(advice, lang)
    first = text.lines()[0]
    assert "app.js" in first.reason
    assert len(first.savings) == 4
    assert "RGESN 6.3" in first.marks


def test_a_survey_keeps_the_heaviest_rows() -> None:
    rows = [resource(str(i), received_bytes=i, at_s=float(-i)) for i in range(MOST_ROWS + 10)]
    kept, complete = heaviest(rows)
    assert (len(kept), complete, min(one.received_bytes for one in kept)) == (MOST_ROWS, False, 10)
    assert read_survey(SURVEY.to_json()) == SURVEY
