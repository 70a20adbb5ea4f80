# SPDX-License-Identifier: Apache-2.0
"""``lichen explain`` on a stored run, as text in both languages and as JSON."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tests.fixtures import run as stored

from lichen import nomenclature
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


def test_without_an_id_the_only_journey_is_opened_and_several_are_listed(lichen: Lichen, tmp_path: Path) -> None:
    refused = lichen()
    assert refused.exit_code == 2
    assert "has 2 journeys." in refused.stderr
    assert "Name one: apply, follow." in refused.stderr
    only = str(stored.write(tmp_path / "only", "follow").path)
    assert lichen("--run", only).stdout == lichen("follow", "--run", only).stdout
    assert lichen("--run", only).stdout.startswith("follow")


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
    assert re.search(rf"samples: {' · '.join(f'{value:.6g}' for value in kept)}\u00a0s *\n", shown)
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


def test_a_mean_of_devices_opens_into_each_device_and_its_publication(tmp_path: Path, lichen: Lichen) -> None:
    """The default visitor has no device of their own: what the figure rests on are four, weighted by share."""
    from lichen.config import load_settings
    from lichen.service.sources import components
    from lichen.service.workspace import Workspace

    workspace = Workspace(load_settings(None, env={}))
    mix = workspace.lookup("device.mix.idle_power", None)
    found = components(workspace, mix)
    assert [row["device"] for row in found] == ["smartphone", "laptop", "desktop", "tablet"]
    mean = sum(row["share"]["value"] * row["factor"]["value"] for row in found)
    assert mean == pytest.approx(mix.value, rel=1e-3)
    assert all(row["factor"]["source"] != "lichen-pedigree" or row["factor"]["comment"] for row in found)
    assert components(workspace, workspace.lookup("device.laptop.idle_power", None)) == []
    assert components(workspace, workspace.lookup("device.mix.share_tablet", None)) == []

    run = json.loads(json.dumps(stored.runfile.read(next((tmp_path / "lichen-runs").iterdir())).content))
    for row in run["activities"]:
        if row.get("device"):
            row["device"] = "mix"
    written = stored.runfile.write(tmp_path / "mixed", run)
    shown = lichen("apply", "--run", str(written.path)).stdout
    for text in (
        "mean of 4 devices by share of visits, per hour of use",
        "- smartphone 64%: 55,500 gCO2e",
        "shares from: ",
    ):
        assert text in shown
    publication = "product carbon footprints declared by manufacturers"
    assert shown.index(publication) < shown.index("Pedigree table of Lichen")
    assert "moyenne de 4 terminaux" in lichen("apply", "--run", str(written.path), "--lang", "fr").stdout


def test_a_row_of_ones_own_is_told_as_such(tmp_path: Path, lichen: Lichen) -> None:
    grid = (
        'id = "grid.gwp100"\ngeography = "FR"\nvalue = 12.0\npedigree = "A"\nunit = "gCO2e/kWh"\nboundary = "none"\n'
        'valid_from = 2020-01-01\nsource = "owid-energy"\ncomment = "As billed."\n'
    )
    header = '[pack]\nid = "ours"\nversion = "1"\ndescription = "Contract."\n'
    (tmp_path / "ours.toml").write_text(f"{header}[[factor]]\n{grid}", encoding="utf-8")
    assert "your own, in place of" not in lichen(_of_electricity(lichen)).stdout
    (tmp_path / "lichen.toml").write_text('extend.factors = ["ours.toml"]\n', encoding="utf-8")
    impact_id = _of_electricity(lichen)  # another factor makes another figure
    assert "pack: ours 1 (your own, in place of electricity" in lichen(impact_id).stdout
    assert "au lieu de electricity" in lichen(impact_id, "--lang", "fr").stdout


def _of_electricity(lichen: Lichen) -> str:
    """Id of a row that electricity enters."""
    for term in json.loads(lichen("apply#gwp100", "--json").stdout)["figure"]["terms"]:
        arguments = [argument for step in term["steps"] for argument in step["arguments"]]
        if any(argument.get("factor", {}).get("id") == "grid.gwp100" for argument in arguments):
            return str(term["impact_id"])
    raise AssertionError("no row of electricity")


def test_a_counter_opens_into_its_samples_and_its_host(lichen: Lichen) -> None:
    tree = json.loads(lichen("apply/open/browser#cpu_time", "--json").stdout)["figure"]
    assert tree["rows"][0]["samples"] == pytest.approx([0.8 * noise for noise in stored.NOISE])
    shown = lichen("apply/open/browser#cpu_time").stdout
    assert re.search(r"\nopen, browser: 811\u00a0ms", shown)
    assert "samples: 0.8 · 0.816 · 0.84 · 0.792 · 0.808" in shown
    assert "dropped: 0.776 · 1.04" in shown
    assert "read on: fixture, Fixture CPU" in shown


def test_a_counter_is_the_one_of_the_table(lichen: Lichen) -> None:
    """Bytes and time are read from the browser alone: what a server receives is what the browser has sent."""
    whole = json.loads(lichen("apply#network_bytes", "--json").stdout)["figure"]
    assert whole["value"] == 420_000
    assert {row["entity"].split("/")[1] for row in whole["rows"]} == {"browser"}
    cpu = json.loads(lichen("apply#cpu_time", "--json").stdout)["figure"]
    assert cpu["value"] == pytest.approx(sum(row["value"] for row in cpu["rows"]), rel=1e-12)
    assert {row["entity"].split("/")[1] for row in cpu["rows"]} == {"browser", "portal"}


@pytest.mark.parametrize(
    ("word", "name"),
    [("climate", "gwp100"), ("Climat", "gwp100"), ("eau", "water"), ("carbon", "gwp100"), ("Énergie", "energy")],
)
def test_words_of_the_tables_name_indicators(lichen: Lichen, word: str, name: str) -> None:
    assert json.loads(lichen(f"apply#{word}", "--json").stdout)["figure"]["indicator"] == name


@pytest.mark.parametrize(("word", "name"), [("CPU", "cpu_time"), ("écran", "screen_time"), ("ecran", "screen_time")])
def test_words_of_the_tables_name_counters(lichen: Lichen, word: str, name: str) -> None:
    assert json.loads(lichen(f"apply#{word}", "--json").stdout)["figure"]["quantity"] == name


@pytest.mark.parametrize(
    ("figure_id", "said"),
    [
        ("aply", "Did you mean 'apply'? Journeys: apply, follow."),
        ("apply/opne", "Did you mean 'open'? Steps of apply: open, pay <b>now, (between)."),
        ("apply/open/portl", "Did you mean 'portal'? Parts of apply: browser, portal."),
        ("apply#watr", "Did you mean 'water'? Indicators: energy, gwp100, adpe, pe, water"),
        ("apply#bytes", "Counters: cpu_time"),
        ("apply/open/portal#screen_time", "It does not apply there"),
        ("apply#ecoindex", "lichen-1 gives no ecoindex"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(lichen: Lichen, figure_id: str, said: str) -> None:
    answer = lichen(figure_id)
    assert answer.exit_code == 2
    assert said in answer.stderr


def test_a_run_is_named_by_its_id_and_an_older_one_is_found(lichen: Lichen, tmp_path: Path) -> None:
    older = next((tmp_path / "lichen-runs").iterdir())
    os.utime(older, (1, 1))
    newer = stored.write(tmp_path / "lichen-runs", "other")
    identity = stored.runfile.read(older).run_id[:12]
    answer = lichen("apply")
    assert answer.exit_code == 2
    assert f"An older run has it: add --run {identity}." in answer.stderr
    assert json.loads(lichen("apply", "--run", identity, "--json").stdout)["run_id"].startswith(identity)
    assert lichen("other", "--run", newer.run_id).exit_code == 0
    absent = lichen("apply", "--run", "0123456789ab")
    assert "There is no run 0123456789ab" in absent.stderr


def test_one_row_is_not_told_in_the_plural(lichen: Lichen) -> None:
    shown = lichen("apply#energy").stdout
    count = len(json.loads(lichen("apply#energy", "--json").stdout)["figure"]["terms"]) - TERMS_SHOWN
    assert (f"{count} smaller rows" in shown) == (count > 1)
    assert "1 smaller rows" not in shown


def test_the_documented_examples_name_steps_of_the_demo() -> None:
    """`docs/commands.md` and the help name figures of the bundled portal's journeys."""
    root_folder = Path(__file__).parents[2]
    said = (root_folder / "docs/commands.md").read_text(encoding="utf-8")
    said += (root_folder / "src/lichen/cli/commands/explain.py").read_text(encoding="utf-8")
    examples = re.findall(r'lichen explain "([^"#]+)#(\w+)"', said)
    assert len(examples) >= 4
    terms = nomenclature.load()
    for place, name in examples:
        journey, _, step = place.partition("/")
        source = (root_folder / f"src/lichen/demo/journeys/{journey}.py").read_text(encoding="utf-8")
        assert not step or f'step("{step}"' in source
        assert name in {"sci", *terms.names("indicator"), *terms.names("quantity")}
