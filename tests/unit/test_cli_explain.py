# SPDX-License-Identifier: Apache-2.0
"""``lichen explain`` on a stored run, as text in both languages and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.fixtures import run as stored

from lichen.cli.app import root
from lichen.cli.derivation import TERMS_SHOWN
from lichen.render.numbers import Numbers

Lichen = Callable[..., Result]


@pytest.fixture
def lichen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lichen:
    monkeypatch.chdir(tmp_path)
    stored.write(tmp_path / "lichen-runs")
    return lambda *args: CliRunner().invoke(
        root, ["explain", *args], prog_name="lichen", env={"COLUMNS": "1000", "LANG": "C"}
    )


def test_a_sum_lists_its_largest_rows_and_opens_the_largest(lichen: Lichen) -> None:
    figure = json.loads(lichen("apply#energy", "--json").stdout)["figure"]
    shown = lichen("apply#energy").stdout
    assert re.match(r"apply#energy *\nEnergy ", shown)
    ids = [term["impact_id"] for term in figure["terms"]]
    assert len(ids) > TERMS_SHOWN
    assert [impact_id in shown for impact_id in ids] == [True] * TERMS_SHOWN + [False] * (len(ids) - TERMS_SHOWN)
    assert f"{len(ids) - TERMS_SHOWN} smaller rows" in shown
    largest = figure["terms"][0]
    for step in largest["steps"]:
        assert re.search(rf"formula: {re.escape(step['formula'])} *\n", shown)
        assert step["expression"] in shown
        for argument in step["arguments"]:
            if "factor" in argument:
                assert argument["factor"]["id"] in shown
                assert argument["factor"]["source_title"] in shown
                assert f"licence: {argument['factor']['licence']}" in shown
    assert f"→ {Numbers('en').raw(largest['value'])} kWh" in shown
    assert f"lichen explain {ids[1]}" in shown


def test_constants_of_a_formula_are_told(lichen: Lichen) -> None:
    assert re.search(r"JOULE_PER_KWH +3,600,000", lichen("apply/open#energy").stdout)


def test_a_source_is_told_in_full_once(lichen: Lichen) -> None:
    terms = json.loads(lichen("apply", "--json").stdout)["figure"]["terms"]
    impact = next(term for term in terms if term["rule"] == "device.embodied.gwp100")
    factors = [argument["factor"] for step in impact["steps"] for argument in step["arguments"] if "factor" in argument]
    sources = [factor["source_title"] for factor in factors]
    shown = lichen(impact["impact_id"]).stdout
    assert [shown.count(title) for title in sources] == [1] * len(sources)
    assert shown.count("source: the same as above") == len(sources) - len(set(sources))


def test_an_impact_opens_down_to_the_raw_values_of_each_sample(lichen: Lichen) -> None:
    terms = json.loads(lichen("apply/open/browser#energy", "--json").stdout)["figure"]["terms"]
    impact = next(term for term in terms if term["activities"][0]["quantity"] == "cpu_time")
    shown = lichen(impact["impact_id"]).stdout
    activity = impact["activities"][0]
    kept = [value for i, value in enumerate(activity["samples"]) if i in activity["kept"]]
    dropped = [value for i, value in enumerate(activity["samples"]) if i not in activity["kept"]]
    assert 1.04 in dropped
    assert re.search(rf"samples: {' · '.join(f'{value:.6g}' for value in kept)} *\n", shown)
    assert re.search(rf"dropped: {' · '.join(f'{value:.6g}' for value in dropped)} *\n", shown)
    assert "source: " in shown
    assert "lichen-runs/2026-03-01-" in shown


def test_it_speaks_french(lichen: Lichen) -> None:
    shown = lichen("apply/open", "--lang", "fr").stdout
    assert re.search(r"\nClimat \d", shown)
    assert "fourchette du modèle\u00a0: " in shown
    assert "\nmesure\u00a0: " in shown
    assert "méthode\u00a0: lichen-1" in shown


def test_another_method_may_look_at_the_same_run(lichen: Lichen) -> None:
    assert json.loads(lichen("apply", "--method", "greenframe-2", "--json").stdout)["method"]["id"] == "greenframe-2"


def test_an_unknown_figure_names_the_journeys(lichen: Lichen) -> None:
    answer = lichen("nope")
    assert answer.exit_code == 2
    assert "Journeys: apply, follow." in answer.stderr
