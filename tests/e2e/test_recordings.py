# SPDX-License-Identifier: Apache-2.0
"""Recordings of the browser's developer tools, replayed as they were exported, judged by what the page saw."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pytest

from lichen.collect.base import Sample
from lichen.collect.journeys import BrowserSettings, Journey, driver_session, find_browser, load_journey, run_sample
from lichen.collect.machine import MachineMeter
from lichen.errors import JourneyFailed

sys.path.insert(0, str(Path(__file__).parent / "sites"))
from wire import WireServer

pytestmark = [pytest.mark.browser, pytest.mark.beside]

QUICK: Final = BrowserSettings(rest_s=0.1, settle_s=0.5, journey_timeout_s=60.0)
RECORDED_AT: Final = "http://shop.example:3000"
"""Where the recording was made; it is replayed on another host."""


@pytest.fixture(scope="module", autouse=True)
def _one_driver() -> Iterator[None]:
    with driver_session():
        yield


@pytest.fixture(scope="module")
def server() -> Iterator[WireServer]:
    with WireServer() as running:
        yield running


def click(*selectors: str | list[str], kind: str = "click", **more: Any) -> dict[str, Any]:
    return {"type": kind, "target": "main", "selectors": list(selectors), "offsetX": 5, "offsetY": 6, **more}


def opening(page: str, title: str) -> dict[str, Any]:
    url = f"{RECORDED_AT}/{page}"
    return {"type": "navigate", "url": url, "assertedEvents": [{"type": "navigation", "url": url, "title": title}]}


def navigation(page: str, title: str) -> dict[str, Any]:
    return {"assertedEvents": [{"type": "navigation", "url": f"{RECORDED_AT}/{page}", "title": title}]}


VIEWPORT: Final = {
    "type": "setViewport", "width": 911, "height": 700, "deviceScaleFactor": 2, "isMobile": False, "hasTouch": False,
    "isLandscape": False,
}  # fmt: skip


def replay(steps: list[dict[str, Any]], folder: Path, server: WireServer) -> tuple[Sample, dict[str, Any]]:
    """Replays steps on the server; the sample, and what the last page says of itself."""
    file = folder / "buy.json"
    file.write_text(json.dumps({"title": "Buy", "timeout": 10_000, "steps": steps}))
    journey = load_journey(str(file), base_url=server.url, page_dwell_s=7.0)
    seen: dict[str, Any] = {}

    def run(page: Any, step: Any) -> None:
        journey.run(page, step)
        seen.update(page.evaluate(
            "() => ({log: window.log, title: document.title, size: [innerWidth, innerHeight, devicePixelRatio], top: scrollY,"
            "quantity: document.querySelector('#quantity')?.value})"
        ))  # fmt: skip

    return measured(replace(journey, run=run)), seen


def measured(journey: Journey) -> Sample:
    return run_sample(
        journey,
        browser=find_browser("fast"),
        settings=QUICK,
        meter_factory=MachineMeter,
        parts={},
        index=0,
        artefacts=None,
    )


def test_what_a_visitor_did_is_done_again(server: WireServer, tmp_path: Path) -> None:
    _, page = replay(
        [
            VIEWPORT,
            opening("checkout.html", "Basket / page"),
            click("aria/Open menu", "#wrong"),
            click("#nothing", 'aria/Open menu[role="button"]', kind="doubleClick"),
            {"type": "hover", "selectors": ["text/Open menu"]},
            click("xpath///*[@id='right']", button="secondary"),
            {"type": "change", "selectors": ["aria/Quantity"], "value": "12"},
            {"type": "change", "selectors": ["aria/Colour"], "value": "#ff0000"},
            {"type": "change", "selectors": ["aria/Size"], "value": "l"},
            {"type": "keyDown", "key": "Escape"},
            {"type": "keyUp", "key": "Escape"},
            click(["shop-card", "inner-card", "button.deep"]),
            click("pierce/button.deep", offsetX=7),
            click("aria/I agree", frame=[0]),
            {"type": "scroll", "selectors": ["#list"], "x": 0, "y": 100},
            {"type": "scroll", "x": 0, "y": 300},
            {"type": "waitForElement", "selectors": [".row"], "operator": "==", "count": 2},
            {"type": "waitForElement", "selectors": [".row"], "operator": "<=", "attributes": {"data-state": "ready"}},
            {"type": "waitForElement", "selectors": ["i"], "properties": {"textContent": "2"}, "visible": True},
            {"type": "waitForExpression", "expression": "document.querySelectorAll('.row').length === 2;"},
        ],
        tmp_path,
        server,
    )  # fmt: skip
    log = page["log"]
    assert log[:6] == ["hovered", "menu", "menu", "menu", "double", "right"]
    assert [entry for entry in log if entry.startswith("typed")] == ["typed 11", "typed 12"] or "typed 12" in log
    assert page["quantity"] == "12"
    assert [entry for entry in log if entry.split()[0] in ("colour", "size")] == ["colour #ff0000", "size l"]
    assert "down Escape" in log
    assert [entry for entry in log if entry.startswith("deep")] == ["deep 5", "deep 7"]
    assert "agreed" in log
    assert "list 100" in log
    assert page["top"] == 300
    assert page["size"] == [911, 700, 2]


def test_each_page_is_a_step_named_by_its_title(server: WireServer, tmp_path: Path) -> None:
    sample, page = replay(
        [
            opening("checkout.html", "Basket / page"),
            click("aria/Pay now", **navigation("checkout-done.html", "Thank you")),
            click("text/Receipt"),
            click("aria/Print", target=f"{RECORDED_AT}/checkout-popup.html?n=1"),
            {"type": "close", "target": f"{RECORDED_AT}/checkout-popup.html?n=1"},
            {"type": "customStep", "name": "lichen.step", "parameters": {"name": "again", "dwell": 3}},
            {"type": "navigate", "url": f"{RECORDED_AT}/checkout-done.html"},
            {"type": "navigate", "url": f"{RECORDED_AT}/checkout-done.html"},
        ],
        tmp_path,
        server,
    )
    steps = {step.name: step for step in sample.steps if step.name}
    assert list(steps) == ["Basket ∕ page", "Thank you", "again", "checkout-done.html"]
    assert [round(step.paced_s) for step in steps.values()] == [7, 7, 3, 7]
    documents = [
        (request.step, request.url.rpartition("/")[2]) for request in sample.requests if request.kind == "document"
    ]
    assert documents == [
        ("Basket ∕ page", "checkout.html"), ("Basket ∕ page", "checkout-frame.html"), ("Thank you", "checkout-done.html"),
        ("Thank you", "checkout-popup.html?n=1"), ("again", "checkout-done.html"), ("checkout-done.html", "checkout-done.html"),
    ]  # fmt: skip
    assert {request.party for request in sample.requests} == {"first"}
    assert page["title"] == "Thank you"


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (click("aria/Nothing", "#none"), "waited 0.4 s in vain for an element that matches aria/Nothing or #none"),
        (click("aria/Pay"), "waited 0.4 s in vain for an element that matches aria/Pay"),  # hidden
        (click("#menu", **navigation("x", "y")), "waited 0.4 s in vain for"),
        (click("#menu", frame=[4]), "waited 0.4 s in vain for frame 4 of"),
        (click("#menu", target="https://other.example/"), "waited 0.4 s in vain for a page with the address"),
        ({"type": "waitForExpression", "expression": "1 === 2"}, "waited 0.4 s in vain for the expression 1 === 2"),
        ({"type": "waitForElement", "selectors": ["h1"], "count": 9}, "in vain for elements (>= 9) that match h1"),
        ({"type": "navigate", "url": f"{RECORDED_AT}/none.html", "timeout": 10_000}, "none.html answers with status 404"),
        ({"type": "keyDown", "key": "Nokey"}, 'Unknown key: "Nokey"'),
    ],
)  # fmt: skip
def test_a_step_that_fails_is_named_by_its_number(
    step: dict[str, Any], said: str, server: WireServer, tmp_path: Path
) -> None:
    with pytest.raises(JourneyFailed) as failure:
        replay([opening("checkout.html", "Basket"), {"timeout": 400, **step}], tmp_path, server)
    sentence = failure.value.problem
    assert f"{tmp_path / 'buy.json'}, step 2, {step['type']}" in sentence
    assert said in sentence
