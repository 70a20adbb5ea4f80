# SPDX-License-Identifier: Apache-2.0
"""Recordings are refused before a browser starts, with the number of the step; steps of the journey follow the pages."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lichen.collect.journeys import load_journey
from lichen.collect.journeys.recording import parse_recording
from lichen.errors import ConfigError

FILE: Final = Path("buy.json")
HOME: Final = {"type": "navigate", "url": "https://shop.example/a/b"}
CLICK: Final = {"type": "click", "selectors": ["#a"], "offsetX": 1, "offsetY": 2.5}


def recording(*steps: Any, **more: Any) -> bytes:
    return json.dumps({"title": "Buy", "steps": list(steps), **more}).encode()


def without(step: dict[str, Any], key: str) -> dict[str, Any]:
    return {name: value for name, value in step.items() if name != key}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"{", "buy.json:1: not valid JSON"),
        (b'{"steps": [1, NaN]}', "buy.json: not valid JSON: NaN is no JSON number"),
        (b"[" * 100_000, "buy.json: not a recording: it is nested too deeply"),
        (b"[]", "buy.json: not a recording: it has no list 'steps'"),
        (b'{"steps": {}}', "it has no list 'steps'"),
        (recording(), "buy.json: 'steps' is empty"),
        (recording(HOME, timeout=0), "buy.json: 'timeout' should be greater than 0"),
        (recording(CLICK), "the recording opens no page: it has no step 'navigate'"),
        (recording(HOME, 7), "buy.json: step 2 is not a table"),
        (recording(HOME, {}), "buy.json: step 2 has no type"),
        (recording(HOME, {"type": "swipe"}), "buy.json: step 2 has the type 'swipe', which is unknown"),
        (recording(HOME, {"type": ["a"]}), "which is unknown"),
        (recording(HOME, without(CLICK, "selectors")), "buy.json: step 2 (click): 'selectors' is missing"),
        (recording(HOME, CLICK | {"selectors": []}), "step 2 (click): 'selectors' is empty"),
        (recording(HOME, CLICK | {"selectors": [["#a", 3]]}), "step 2 (click): 'selectors[0][1]' is not a text"),
        (recording(HOME, CLICK | {"offsetX": "1"}), "step 2 (click): 'offsetX' is not a number"),
        (recording(HOME, CLICK | {"frame": [-1]}), "step 2 (click): 'frame[0]' should be greater than or equal to 0"),
        (recording(HOME, CLICK | {"button": "left"}), "step 2 (click): 'button' should be 'primary', 'auxiliary'"),
        (recording(HOME, CLICK | {"assertedEvents": [{"type": "load"}]}), "'assertedEvents[0].type' should be 'navigation'"),
        (recording(HOME | {"url": "chrome://crash"}), "step 1 opens 'chrome://crash', which is no http address"),
        (recording(HOME | {"url": "http://[::1"}), "which is no http address"),
        (recording(HOME, {"type": "customStep", "name": "pay"}), "step 2 is the custom step 'pay', which only the program"),
        (recording(HOME, {"type": "customStep", "name": "lichen.step", "parameters": {"name": "a/b"}}), "step 2: the step name"),
        (recording(HOME, {"type": "customStep", "name": "lichen.step", "parameters": 3}), "step 2: a step has no name"),
        (
            recording(HOME, {"type": "customStep", "name": "lichen.step", "parameters": {"name": "a", "dwell": -1}}),
            "step 2: the dwell of the step 'a' is -1",
        ),
    ],
)  # fmt: skip
def test_what_is_no_recording_is_refused(content: bytes, problem: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_recording(content, FILE)
    assert problem in error.value.problem
    assert error.value.repair


def test_a_value_that_may_be_a_password_is_not_shown() -> None:
    with pytest.raises(ConfigError) as error:
        parse_recording(recording(HOME, {"type": "change", "selectors": ["#p"], "value": ["hunter2"]}), FILE)
    assert error.value.problem == "buy.json: step 2 (change): 'value' is not a text."


@pytest.mark.parametrize("kind", ["folder", "pipe", "nothing", "large"])
def test_what_is_no_file_is_refused(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "buy.json"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "large":
        path.write_bytes(b" " * 10_000_001)
    with pytest.raises(ConfigError, match=r"buy\.json"):
        load_journey(str(path))


def stretches(*steps: Any) -> list[tuple[str, float | None, list[int]]]:
    found = parse_recording(recording(*steps), FILE).stretches
    return [(one.name, one.dwell_s, [number for number, _ in one.steps]) for one in found]


def leading(step: dict[str, Any], **event: str) -> dict[str, Any]:
    return step | {"assertedEvents": [{"type": "navigation", **event}]}


def test_a_step_begins_where_a_page_is_opened() -> None:
    size = {"type": "setViewport", "width": 900, "height": 600}
    assert stretches(
        size,
        leading(HOME, title="Shop"),
        CLICK,
        leading(CLICK, url="https://u:p@shop.example/pay/now?token=abc"),
        CLICK,
        leading(HOME, title="Shop"),
        leading(HOME, url="https://shop.example/"),
        {"type": "customStep", "name": "lichen.step", "parameters": {"name": "end", "dwell": 3}},
        leading(HOME, title="Shop"),
        CLICK,
    ) == [
        ("Shop", None, [2, 3]), ("pay∕now", None, [4, 5]), ("Shop (2)", None, [6]), ("a∕b", None, [7]),
        ("end", 3, [9, 10]),
    ]  # fmt: skip


def test_size_and_network_before_the_first_page_are_set_up_before_the_window() -> None:
    size = {"type": "setViewport", "width": 900, "height": 600, "deviceScaleFactor": 1}
    slow = {"type": "emulateNetworkConditions", "download": 1000, "upload": -1, "latency": 20}
    found = parse_recording(recording(size, slow, HOME, size), FILE)
    assert [number for number, _ in found.set_up] == [1, 2]
    assert [number for one in found.stretches for number, _ in one.steps] == [3, 4]


def test_the_first_address_names_the_site(tmp_path: Path) -> None:
    file = tmp_path / "buy.json"
    file.write_bytes(recording(HOME))
    assert load_journey(str(file)).base_url == "https://shop.example"
    assert load_journey(str(file), base_url="http://127.0.0.1:1").base_url == "http://127.0.0.1:1"
    assert load_journey(str(file)).name == "buy"


JSON: Final = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["type", "selectors", "url", "steps", "frame", "offsetX", "offsetY", "assertedEvents", "name", "parameters", "value"]
    ), inner, max_size=5),
    max_leaves=8,
)  # fmt: skip


@given(JSON, st.sampled_from(["click", "navigate", "customStep", "scroll", "waitForElement", ""]))
def test_whatever_it_holds_it_is_read_or_refused(value: Any, kind: str) -> None:
    step = value | {"type": kind} if isinstance(value, dict) and kind else value
    try:
        names = [one.name for one in parse_recording(recording(HOME, step), FILE).stretches]
    except ConfigError:
        return
    assert len(set(names)) == len(names)
