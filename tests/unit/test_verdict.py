# SPDX-License-Identifier: Apache-2.0
"""A verdict as a document, read back, and in words of both languages."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest

from lichen.cli.commands.compare import exit_code
from lichen.errors import StorageError
from lichen.render.verdict import VerdictText
from lichen.service.comparing.effects import Series, effect_of
from lichen.service.comparing.verdicts import varying
from lichen.service.verdict import (
    Cause,
    Effect,
    JourneyVerdict,
    OperandFacts,
    Outcome,
    PlaceEffects,
    Verdict,
    read_verdict,
    verdict_document,
    worst,
)


def constant(name: str, unit: str, base: float, head: float) -> Effect:
    return effect_of(name, Series(unit, (base,) * 6), Series(unit, (head,) * 6), 0.05)


ENERGY = effect_of(
    "energy", Series("kWh", (4.6e-5, 4.7e-5, 4.5e-5, 4.6e-5, 4.6e-5, 4.8e-5)), Series("kWh", (4.6e-5,) * 6), 0.05
)
BYTES = constant("network_bytes", "B", 384_000.0, 32_000_000.0)
CAUSE = Cause(
    kind="request", change="heavier", text="+3.7 MB: hero.png in place of hero.webp (step 'home')", name="hero.png",
    share=0.4, bytes_delta=3_704_541, requests_delta=0, step="home", url="http://127.0.0.1/hero.png", instead_of="hero.webp",
)  # fmt: skip


def journey(outcome: Outcome = "fail", **changes: Any) -> JourneyVerdict:
    made = JourneyVerdict(
        journey="home", outcome=outcome, primary=ENERGY, counters=(BYTES, constant("requests", "1", 14, 18)),
        gated=("energy", "network_bytes", "requests"), steps=(PlaceEffects(name="home", effects=(BYTES,)),),
        parts=(PlaceEffects(name="browser", effects=(BYTES,)),), causes=(CAUSE,), reason="network_bytes rose",
    )  # fmt: skip
    return replace(made, **changes)


def verdict(*journeys: JourneyVerdict, **changes: Any) -> Verdict:
    made = Verdict(
        outcome=worst(tuple(one.outcome for one in journeys)), journeys=journeys,
        base=OperandFacts(kind="git", text="git:main", revision="a" * 40, runs=("base.run.json.gz",)),
        head=OperandFacts(kind="git", text="git:HEAD", revision="b" * 40, runs=("head.run.json.gz",)),
        delta=0.05, method={"id": "lichen-1", "version": "1.0.0"}, factors_hash="f" * 16,
        warnings=("no decision: the settings differ in rest_s",), started_at="2026-11-22T10:00:00Z", elapsed_s=61.4,
    )  # fmt: skip
    return replace(made, **changes)


def test_a_document_is_read_back_as_it_was() -> None:
    failed = JourneyVerdict(journey="pay", outcome="error", primary=None, reason="the journey fails on both sides: x")
    whole = verdict(journey(), failed)
    assert read_verdict(json.loads(json.dumps(verdict_document(whole)))) == whole


def test_what_a_later_version_adds_is_left_alone() -> None:
    document = verdict_document(verdict(journey()))
    document["journeys"][0]["mood"] = "good"
    document["base"]["weather"] = "rain"
    assert read_verdict(document) == verdict(journey())


def test_numbers_that_are_not_finite_become_null() -> None:
    document = verdict_document(verdict(journey(primary=replace(ENERGY, high=math.inf))))
    assert document["journeys"][0]["primary"]["high"] is None
    json.dumps(document, allow_nan=False)


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        ({}, "says no schema_version"),
        ({"schema_version": 2}, "is of schema_version 2"),
        ({"schema_version": 1, "journeys": []}, "is no whole verdict"),
        ({"schema_version": 1, "journeys": 3, "base": {}}, "is no whole verdict"),
    ],
)
def test_what_is_no_verdict_is_refused(document: dict[str, Any], problem: str) -> None:
    with pytest.raises(StorageError, match=problem):
        read_verdict(document, source="v.json")


def test_the_worst_journey_decides() -> None:
    assert worst(("pass", "inconclusive", "fail")) == "fail"
    assert worst(("fail", "error")) == "error"
    assert worst(("pass", "inconclusive")) == "inconclusive"


@pytest.mark.parametrize(
    ("outcome", "code", "strict"),
    [("pass", 0, 0), ("fail", 1, 1), ("error", 4, 4), ("inconclusive", 0, 6)],
)
def test_exit_codes(outcome: Outcome, code: int, strict: int) -> None:
    found = verdict(journey(outcome))
    assert (exit_code(found, strict=False), exit_code(found, strict=True)) == (code, strict)


def spaced(text: str) -> str:
    """With plain spaces where the language has others."""
    return text.replace("\u00a0", " ").replace("\u202f", " ")


def test_in_english() -> None:
    text = VerdictText(verdict(journey()), "en")
    assert text.headline() == "✗ fail  git:main → git:HEAD"
    assert text.journey(journey()) == "home: ✗ fail. Network × 83, Requests +29%."
    assert [spaced(line) for line in text.causes(journey())] == [
        "+3.70 MB: hero.png in place of hero.webp (step 'home')"
    ]
    rows = {cells[0]: tuple(map(spaced, cells[1:])) for _, cells in text.rows(journey())}
    assert rows["✗ Network"] == ("0.384 MB", "32.0 MB", "× 83", "exactly")
    assert rows["✗ Requests"] == ("14", "18", "+29%", "exactly")


def test_in_french() -> None:
    text = VerdictText(verdict(journey()), "fr")
    assert text.headline() == "✗ régression  git:main → git:HEAD"
    assert [spaced(line) for line in text.causes(journey())] == [
        "+3,70 Mo : hero.png au lieu de hero.webp (étape « home »)"
    ]
    assert "À savoir : pas de conclusion : les réglages diffèrent (rest_s)" in [spaced(line) for line in text.remarks()]


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_every_outcome_has_a_symbol_and_a_word(lang: str) -> None:
    text = VerdictText(verdict(journey()), lang)
    outcomes: list[Outcome] = ["pass", "fail", "inconclusive", "error"]
    said = [text.outcome(outcome) for outcome in outcomes]
    assert len({one[0] for one in said}) == len(outcomes)
    assert all(len(one) > 3 for one in said)


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_an_open_verdict_says_what_this_machine_sees(lang: str) -> None:
    noisy = replace(ENERGY, outcome="inconclusive", smallest_visible=0.21)
    found = verdict(journey("inconclusive", primary=noisy, counters=(), gated=("energy",)))
    (advice,) = VerdictText(found, lang).advice()
    assert "21" in advice
    assert "lichen doctor --calibrate" in advice


def test_names_of_pages_cannot_rewrite_the_terminal() -> None:
    evil = replace(CAUSE, name="a\x1b[2J\nb.png", step="x\x1b]0;t\x07", instead_of="")
    (line,) = VerdictText(verdict(journey(causes=(evil,))), "en").causes(journey(causes=(evil,)))
    assert "\x1b" not in line
    assert "\n" not in line


def test_a_counter_that_varies_is_said_by_its_name() -> None:
    noisy = effect_of("requests", Series("1", (14.0, 15.0, 14.0, 14.0, 14.0, 16.0)), Series("1", (14.0,) * 6), 0.05)
    one = journey("pass", counters=(BYTES, noisy))
    assert one.varying == ("requests",)
    found = verdict(one, warnings=tuple(varying([one])))
    assert any("est comparé par la statistique (Requêtes)" in line for line in VerdictText(found, "fr").remarks())
