# SPDX-License-Identifier: Apache-2.0
"""Journeys are refused before a browser starts, with file and line."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from lichen.collect.base import Window
from lichen.collect.journeys import BrowserSettings, JourneyCollector, Throttling, find_browser, load_journey
from lichen.errors import BrowserMissing, ConfigError, NothingMeasured


def write(folder: Path, text: str) -> Path:
    file = folder / "buy.py"
    file.write_text(text)
    return file


@pytest.mark.parametrize(
    ("text", "line", "problem"),
    [
        ("def journey(page, step)\n    pass\n", 1, "not valid Python: expected ':'"),
        ("x = 1\n", 1, "there is no function 'journey'"),
        ("\n\ndef journey(page):\n    pass\n", 3, r"'journey' does not take \(page, step\)"),
        ("async def journey(page, step):\n    pass\n", 1, "'journey' is asynchronous"),
        ("journey = 3\n", 1, "there is no function 'journey'"),
        ("def journey(page, step):\n    yield\n", 1, "'journey' contains yield"),
        ("def journey(page, step):\n    step('a')\n", 2, "the step 'a' is called without 'with'"),
        (
            "def journey(page, step):\n    with step('(between)'):\n        pass\n",
            2,
            "stands for the time between steps",
        ),
        ("def journey(page, step):\n    with step('a\\x07'):\n        pass\n", 2, "contains a control character"),
        (
            "def journey(page, step):\n    with step('a\\ud800'):\n        pass\n",
            2,
            "contains half of a surrogate pair",
        ),
        (
            "def journey(page, step):\n    with step('a', dwell=-1):\n        pass\n",
            2,
            "the dwell of the step 'a' is -1",
        ),
        (
            "def journey(page, step):\n    with step('a', dwell='8'):\n        pass\n",
            2,
            "the dwell of the step 'a' is '8'",
        ),
        ("def journey(page, step):\n    with step('a', dwel=5):\n        pass\n", 2, "a step has no 'dwel'"),
        ("def journey(page, step):\n    with step('a', 5):\n        pass\n", 2, "a step takes one word, its name"),
        ("class Own(BaseException): pass\nraise Own('now')\n", 2, "does not load: Own: now"),
        ("def journey(page, step):\n    pass\n\ndef prepare():\n    pass\n", 4, r"'prepare' does not take \(page\)"),
        ("import no_such_module_anywhere\n", 1, "does not load: ModuleNotFoundError"),
        ("def journey(page, step):\n    with step(''):\n        pass\n", 2, "a step has no name"),
        ("def journey(page, step):\n    with step(7):\n        pass\n", 2, "a step has no name"),
        ("def journey(page, step):\n    with step('a/b'):\n        pass\n", 2, "contains '/'"),
        (
            "def journey(page, s):\n    with s('a'):\n        pass\n    with s('a'):\n        pass\n",
            4,
            "the step 'a' is already used in line 2",
        ),
    ],
)
def test_a_wrong_file_is_refused_with_its_line(text: str, line: int, problem: str, tmp_path: Path) -> None:
    file = write(tmp_path, text)
    with pytest.raises(ConfigError, match=problem) as refusal:
        load_journey(str(file))
    assert str(refusal.value).startswith(f"{file}:{line}:")
    assert refusal.value.culprit == f"{file}:{line}"
    assert refusal.value.repair


@pytest.mark.parametrize("name", ["a\udc80", "a\nb"])
def test_a_journeys_name_must_be_writable(name: str, tmp_path: Path) -> None:
    file = write(tmp_path, "def journey(page, step): pass\n")
    with pytest.raises(ConfigError, match=r"The name of the journey 'a.* contains"):
        load_journey(str(file), name=name)
    with pytest.raises(ConfigError, match=r"The name of the journey 'a.* contains"):
        load_journey(str(tmp_path / f"{name}.py"))


def test_branches_may_share_a_name(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        "def journey(page, step):\n    if page:\n        with step('a'): pass\n    else:\n        with step('a'): pass\n",
    )
    assert load_journey(str(file)).name == "buy"


def test_a_file_is_a_journey(tmp_path: Path) -> None:
    (tmp_path / "helper.py").write_text("ANSWER = 42\n")
    text = "from helper import ANSWER\ndef prepare(page): page.append(ANSWER)\ndef journey(page, step): pass\n"
    file = write(tmp_path, text)
    journey = load_journey(str(file), name="shop", base_url="http://localhost:1/")
    assert (journey.name, journey.base_url) == ("shop", "http://localhost:1/")
    assert journey.source_hash == hashlib.sha256(text.encode()).hexdigest()
    page: list[int] = []
    assert journey.prepare is not None
    journey.prepare(page)
    assert page == [42]


def test_loading_prints_nothing_on_standard_output(tmp_path: Path, capsys: Any) -> None:
    load_journey(str(write(tmp_path, "print('loading')\ndef journey(page, step): pass\n")))
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "loading" in captured.err


def test_an_address_is_a_journey_without_its_credentials() -> None:
    journey = load_journey("https://ada:secret@shop.example:8443/cart?x=1")
    assert journey.name == "shop.example-8443-cart"
    assert journey.source == "https://shop.example:8443/cart?x=1"
    assert journey.source_hash == load_journey(journey.source).source_hash


@pytest.mark.parametrize(
    ("source", "repair"),
    [
        ("localhost:8080/x", "http://localhost:8080/x"),
        ("journeys/none.py", "Give the path"),
        ("http://", "http://host"),
    ],
)
def test_what_is_neither_file_nor_address(source: str, repair: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        load_journey(source)
    assert repair in refusal.value.repair


def test_a_base_address_without_scheme_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not an http address"):
        load_journey(str(write(tmp_path, "def journey(page, step): pass\n")), base_url="localhost:8080")


@pytest.mark.parametrize(
    ("wrong", "culprit"),
    [
        ({"viewport": (0, 10)}, "viewport"),
        ({"cache": "hot"}, "cache"),
        ({"rest_s": -1.0}, "rest_s"),
        ({"timeout_s": float("nan")}, "timeout_s"),
        ({"throttling": Throttling(cpu_rate=0.5)}, "throttling.cpu_rate"),
    ],
)
def test_settings_that_cannot_be_meant(wrong: dict[str, Any], culprit: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        BrowserSettings(**wrong)
    assert refusal.value.culprit == culprit


def test_the_fingerprint_changes_with_each_setting() -> None:
    base = BrowserSettings().fingerprint()
    assert base == BrowserSettings().fingerprint()
    others = [
        BrowserSettings(viewport=(800, 600)),
        BrowserSettings(throttling=Throttling(latency_ms=40)),
        BrowserSettings(cache="warm"),
        BrowserSettings(extra_args=("--x",)),
    ]
    assert all(other.fingerprint() != base for other in others)


def test_no_browser_is_said_with_its_repair(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("LICHEN_BROWSER", raising=False)
    with pytest.raises(BrowserMissing, match="chromium-headless-shell") as missing:
        find_browser("fast")
    assert "apt-get install chromium-headless-shell" in missing.value.repair
    availability = JourneyCollector().probe()
    assert not availability.ok
    assert "apt-get install chromium" in availability.repair


def test_the_named_browser_is_used_or_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = tmp_path / "mine"
    program.write_text("#!/bin/sh\necho Chromium 123.0.1.2\n")
    program.chmod(0o755)
    monkeypatch.setenv("LICHEN_BROWSER", str(program))
    assert (find_browser().path, find_browser().version) == (str(program), "123.0.1.2")
    monkeypatch.setenv("LICHEN_BROWSER", str(tmp_path / "gone"))
    with pytest.raises(BrowserMissing, match="LICHEN_BROWSER names"):
        find_browser()
    program.write_text("#!/bin/sh\necho something else >&2\nexit 1\n")
    with pytest.raises(NothingMeasured, match="does not answer --version as Chromium does: something else"):
        find_browser("fast", str(program))


@pytest.mark.parametrize(("target", "lack"), [({}, "journey"), ({"journey": "http://localhost/"}, "meter")])
def test_the_plug_in_says_what_it_was_not_given(target: dict[str, Any], lack: str) -> None:
    with pytest.raises(ConfigError, match=f"was given no {lack}"):
        list(JourneyCollector().collect(Window(entity="shop", target=target)))


@pytest.mark.parametrize(("name", "profile"), [("chromium", "fast"), ("chromium-headless-shell", "fidelity")])
@pytest.mark.parametrize("by_setting", [True, False])
def test_one_browser_is_never_taken_for_the_other(
    name: str, profile: Any, by_setting: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / name
    program.write_text("#!/bin/sh\necho Chromium 123.0.1.2\n")
    program.chmod(0o755)
    monkeypatch.setenv("LICHEN_BROWSER", "" if by_setting else str(program))
    executable = str(program) if by_setting else None
    other: Any = "fidelity" if profile == "fast" else "fast"
    with pytest.raises(BrowserMissing, match=f"of the profile '{other}', not of '{profile}'") as refusal:
        find_browser(profile, executable)
    assert refusal.value.problem.startswith("The setting" if by_setting else "LICHEN_BROWSER")
    assert find_browser(other, executable).profile == other
