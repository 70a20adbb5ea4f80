# SPDX-License-Identifier: Apache-2.0
"""Causes: the request, part or step that an effect comes from is named first."""

from typing import Any

import pytest

from lichen.service.comparing.causes import causes_of, normalised
from lichen.service.comparing.effects import JourneyEffects, Series, effect_of
from lichen.service.verdict import Effect, PlaceEffects

RUNS = 6


def row(url: str, size: int | None, *, count: int = 1, party: str = "first", step: str = "open") -> dict[str, Any]:
    host = url.split("/")[2]
    return {
        "url": url,
        "host": host,
        "party": party,
        "kind": "image",
        "step": step,
        "count": count,
        "network_bytes": size,
    }


def exact(name: str, base: float, head: float) -> Effect:
    return effect_of(name, Series("B", (base,) * RUNS), Series("B", (head,) * RUNS), 0.05)


def effects(
    base: list[dict[str, Any]], head: list[dict[str, Any]], *, parts: dict[str, tuple[float, float]] | None = None
) -> JourneyEffects:
    def total(rows: list[dict[str, Any]], key: str) -> float:
        return float(sum(one[key] or 0 for one in rows))

    cpu = parts or {"browser": (0.5, 0.5)}
    whole = {
        "network_bytes": exact("network_bytes", total(base, "network_bytes"), total(head, "network_bytes")),
        "requests": exact("requests", total(base, "count"), total(head, "count")),
        "cpu_time": exact("cpu_time", sum(one for one, _ in cpu.values()), sum(one for _, one in cpu.values())),
    }
    places = tuple(PlaceEffects(name=name, effects=(exact("cpu_time", *values),)) for name, values in cpu.items())
    return JourneyEffects(whole=whole, steps=(), parts=places)


def texts(base: list[dict[str, Any]], head: list[dict[str, Any]], **places: Any) -> list[str]:
    return [cause.text for cause in causes_of(effects(base, head, **places), base, head)]


PAGE = row("http://127.0.0.1:8001/", 3_000)
PAGE_THERE = row("http://127.0.0.1:9009/", 3_000)


def test_a_new_picture_is_named_with_its_weight() -> None:
    base, head = [PAGE], [PAGE_THERE, row("http://127.0.0.1:9009/img/hero.png", 312_400)]
    assert texts(base, head) == ["+312 kB: hero.png is new (step 'open')"]


def test_a_file_that_took_the_place_of_another_is_one_cause() -> None:
    base = [PAGE, row("http://127.0.0.1:8001/img/hero-960.avif?v=1", 40_000)]
    head = [PAGE_THERE, row("http://127.0.0.1:9009/originals/hero.png", 3_740_000)]
    (cause,) = causes_of(effects(base, head), base, head)
    assert cause.text == "+3.7 MB: hero.png in place of hero-960.avif (step 'open')"
    assert (cause.change, cause.bytes_delta, cause.requests_delta) == ("heavier", 3_700_000, 0)


def test_a_bundle_whose_hash_changed_is_the_same_bundle() -> None:
    base = [PAGE, row("http://127.0.0.1:8001/assets/main.3f2a9c1b.js", 100_000)]
    head = [PAGE_THERE, row("http://127.0.0.1:9009/assets/main.99d8e7f6.js", 150_000)]
    (cause,) = causes_of(effects(base, head), base, head)
    assert (cause.change, cause.bytes_delta) == ("heavier", 50_000)


def test_a_third_party_that_came_is_one_cause() -> None:
    new = [row(f"https://cdn.example.org/{name}.js", 20_000, party="third") for name in ("tag", "pixel")]
    (text,) = texts([PAGE], [PAGE_THERE, *new])
    assert text == "+40 kB: 2 requests to cdn.example.org, new (step 'open')"


def test_polling_is_named_by_its_requests() -> None:
    base = [PAGE, row("http://127.0.0.1:8001/api/status", 500)]
    head = [PAGE_THERE, row("http://127.0.0.1:9009/api/status", 6_500, count=13)]
    assert texts(base, head)[0] == "+6.0 kB: 12 more requests to /api/status (step 'open')"


def test_a_part_that_works_more_is_named_before_a_page_that_grew_a_little() -> None:
    head = [row("http://127.0.0.1:9009/", 3_030)]
    found = texts([PAGE], head, parts={"browser": (0.5, 0.5), "portal": (0.1, 0.9)})
    assert found[0] == "+800 ms of CPU time in the part 'portal'"
    assert found[1].startswith("+30 B: ")


def test_what_went_is_said_too() -> None:
    base = [PAGE, row("http://127.0.0.1:8001/old.css", 9_000)]
    assert texts(base, [PAGE_THERE]) == ["-9.0 kB: old.css is gone (step 'open')"]


def test_unknown_bytes_are_not_counted_as_none() -> None:
    base, head = [PAGE], [PAGE_THERE, row("http://127.0.0.1:9009/live", None)]
    (cause,) = causes_of(effects(base, head), base, head)
    assert cause.bytes_delta is None
    assert cause.text == "/live is new (step 'open')"


def test_nothing_differs() -> None:
    assert texts([PAGE], [PAGE_THERE]) == []


def test_a_long_list_of_files_hides_no_other_cause() -> None:
    many = [row(f"http://127.0.0.1:9009/photo{number}.png", 1_000_000 + number) for number in range(12)]
    found = texts([PAGE], [PAGE_THERE, *many], parts={"browser": (0.5, 0.5), "portal": (0.1, 0.2)})
    assert "+100 ms of CPU time in the part 'portal'" in found[:4]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://127.0.0.1:8123/assets/main.3f2a9c1b.js?v=12", "/assets/main.*.js?v"),
        ("https://example.org/assets/index-BfX9a1Qe.css", "/assets/index-*.css"),
        ("https://example.org/drafts/1841/done?b=2&a=1", "/drafts/*/done?a&b"),
        ("https://example.org/f/3b0d4f5e-9a1c-4a6e-8d52-0c9f1c2b7e11/x", "/f/*/x"),
        ("https://example.org/jquery-ui.min.js", "/jquery-ui.min.js"),
        ("https://example.org/about-our-company", "/about-our-company"),
        ("https://example.org", ""),
    ],
)
def test_addresses_are_alike_when_only_a_hash_or_a_record_differs(url: str, expected: str) -> None:
    assert normalised(url) == expected
