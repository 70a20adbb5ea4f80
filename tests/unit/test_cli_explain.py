# SPDX-License-Identifier: Apache-2.0
"""``lichen explain`` on a stored run, as a tree in both languages and as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.fixtures import run as stored

from lichen.cli.app import root

Lichen = Callable[..., Result]


@pytest.fixture
def lichen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lichen:
    monkeypatch.chdir(tmp_path)
    stored.write(tmp_path / "lichen-runs")
    return lambda *args: CliRunner().invoke(
        root, ["explain", *args], prog_name="lichen", env={"COLUMNS": "300", "LANG": "C"}
    )


def test_a_sum_lists_its_terms_and_opens_the_largest(lichen: Lichen) -> None:
    figure = json.loads(lichen("apply/open#energy", "--json").stdout)["figure"]
    shown = lichen("apply/open#energy").stdout
    assert shown.startswith("apply/open#energy  Energy: ")
    for term in figure["terms"]:
        assert term["impact_id"] in shown
    largest = figure["terms"][0]
    for step in largest["steps"]:
        assert f"{step['formula']}: {step['expression']}" in shown
        for argument in step["arguments"]:
            if "factor" in argument:
                assert argument["factor"]["id"] in shown
    assert f"{figure['terms'][-1]['steps'][0]['formula']}:" not in shown


def test_an_impact_opens_down_to_the_raw_values_of_each_sample(lichen: Lichen) -> None:
    terms = json.loads(lichen("apply/open/browser#energy", "--json").stdout)["figure"]["terms"]
    impact = next(term for term in terms if term["activities"][0]["quantity"] == "cpu_time")
    shown = lichen(impact["impact_id"]).stdout
    activity = impact["activities"][0]
    kept = [value for i, value in enumerate(activity["samples"]) if i in activity["kept"]]
    dropped = [value for i, value in enumerate(activity["samples"]) if i not in activity["kept"]]
    assert 1.04 in dropped
    assert f"samples: {', '.join(f'{value:.6g}' for value in kept)}\n" in shown
    assert f"dropped: {', '.join(f'{value:.6g}' for value in dropped)}\n" in shown
    assert "source: " in shown
    assert "lichen-runs/2026-03-01-" in shown


def test_the_tree_speaks_french(lichen: Lichen) -> None:
    shown = lichen("apply/open", "--lang", "fr").stdout
    assert "Climat\u00a0: " in shown
    assert "\nmesure\u00a0: " in shown
    assert "méthode\u00a0: lichen-1" in shown


def test_another_method_may_look_at_the_same_run(lichen: Lichen) -> None:
    assert json.loads(lichen("apply", "--method", "greenframe-2", "--json").stdout)["method"]["id"] == "greenframe-2"


def test_an_unknown_figure_names_the_journeys(lichen: Lichen) -> None:
    answer = lichen("nope")
    assert answer.exit_code == 2
    assert "Journeys: apply, follow." in answer.stderr
