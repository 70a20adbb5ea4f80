# SPDX-License-Identifier: Apache-2.0
"""``lichen factors``: search, one row opened, packs compared, licences; in both languages, with the user's own rows marked."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from lichen.cli.app import root
from lichen.factors import PACK_ELECTRICITY

Factors = Callable[..., Result]
PACK = """
[pack]
id = "our-house"
version = "{version}"
description = "Contracts."
[source.contract]
title = "Supply contract"
publisher = "Our supplier"
year = 2026
url = "https://intranet.example"
licence = "internal"
retrieved_at = 2026-01-01
[defaults]
source = "contract"
boundary = "none"
comment = "As billed."
valid_from = 2025-01-01
[[factor]]
id = "grid.gwp100"
geography = "FR"
value = {value}
pedigree = "A"
unit = "gCO2e/kWh"
{more}
"""


@pytest.fixture
def factors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Factors:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("LANG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    return lambda *args: CliRunner().invoke(root, ["factors", *args], prog_name="lichen")


def document(answer: Result) -> Any:
    assert answer.exit_code == 0, answer.stderr
    return json.loads(answer.stdout)


def pack(folder: Path, name: str = "our-house.toml", **said: object) -> Path:
    path = folder / name
    path.write_text(PACK.format(**{"version": 1, "value": 12.0, "more": "", **said}), encoding="utf-8")
    return path


def test_a_search_needs_every_word_and_answers_for_the_place(factors: Factors) -> None:
    rows = document(factors("grid", "gwp100", "--zone", "FRA", "--json"))
    by_id = {row["id"]: row for row in rows}
    assert by_id["grid.gwp100"]["geography"] == "FR"
    assert by_id["grid.gwp100"]["places"] > 200
    assert "grid.water" not in by_id
    assert document(factors("search", "grid", "gwp100", "--zone", "FRA", "--json")) == rows


def test_a_search_has_the_vintage_of_a_day_and_the_rows_of_a_source(factors: Factors) -> None:
    (row,) = document(factors("grid.gwp100", "--zone", "FR", "--on", "2022-06-01", "--source", "owid", "--json"))
    assert (row["value"], row["valid_from"]) == (pytest.approx(78.55, abs=0.1), "2022-01-01")
    assert document(factors("grid.gwp100", "--source", "nobody", "--json")) == []
    assert "Fewer words" in factors("grid.gwp100", "--source", "nobody").stdout


def test_a_table_says_which_place_stood_in(factors: Factors) -> None:
    assert "US (stands in for US-MIDA-PJM)" in factors("grid.gwp100", "--zone", "US-MIDA-PJM").stdout
    assert "US (remplace US-MIDA-PJM)" in factors("grid.gwp100", "--zone", "US-MIDA-PJM", "--lang", "fr").stdout


def test_a_factor_is_shown_with_its_path_source_and_vintages(factors: Factors) -> None:
    shown = document(factors("show", "grid.gwp100", "--zone", "US-MIDA-PJM", "--json"))
    assert shown["asked"] == [
        {"place": "US-MIDA-PJM", "has_row": False},
        {"place": "US", "has_row": True},
        {"place": "WORLD", "has_row": True},
    ]
    assert shown["source_record"]["licence"] == shown["licence"] == "CC-BY-4.0"
    assert [one["valid_from"][:4] for one in shown["vintages"]] == [str(year) for year in range(2019, 2026)]
    text = factors("show", "grid.gwp100", "--zone", "US-MIDA-PJM").stdout
    assert "asked: US-MIDA-PJM (no row) > US > WORLD" in text
    assert "licence: CC-BY-4.0" in text


def test_a_list_of_figures_and_a_factor_without_a_world_are_shown(factors: Factors) -> None:
    assert "6 figures" in factors("show", "swdm3.rating").stdout
    answer = factors("--lang", "fr", "show", "swdm3.rating")
    assert answer.exit_code == 0
    assert "6 chiffres" in answer.stdout


def test_an_own_row_is_marked_wherever_it_answers(factors: Factors, tmp_path: Path) -> None:
    pack(tmp_path)
    (tmp_path / "lichen.toml").write_text('[extend]\nfactors = ["our-house.toml"]\n', encoding="utf-8")
    shown = document(factors("show", "grid.gwp100", "--zone", "FR", "--json"))
    assert (shown["value"], shown["pack"], shown["own"], shown["replaces"]) == (
        12.0, "our-house 1", True, "electricity 2026.1",
    )  # fmt: skip
    assert "(your own, in place of electricity 2026.1)" in factors("grid.gwp100", "--zone", "FR").stdout
    assert "(le vôtre, au lieu de electricity 2026.1)" in factors(
        "show", "grid.gwp100", "--zone", "FR", "--lang", "fr"
    ).stdout  # fmt: skip
    elsewhere = document(factors("show", "grid.gwp100", "--zone", "DE", "--json"))
    assert (elsewhere["own"], "replaces" in elsewhere) == (False, False)


def test_two_packs_are_compared_in_per_cent(factors: Factors, tmp_path: Path) -> None:
    more = '[[factor]]\nid = "grid.gwp100"\ngeography = "{}"\nvalue = 5.0\npedigree = "A"\nunit = "gCO2e/kWh"'
    old = pack(tmp_path, "old.toml", more=more.format("IE"))
    new = pack(tmp_path, "new.toml", value=15.0, more=more.format("ES"))
    found = document(factors("diff", str(old), str(new), "--json"))
    (change,) = found["changed"]
    assert (change["geography"], change["old"], change["new"], change["percent"]) == ("FR", 12.0, 15.0, 25.0)
    assert set(change["fields"]) == {"value", "low", "high"}
    assert ([row["geography"] for row in found["added"]], [row["geography"] for row in found["removed"]]) == (
        ["ES"],
        ["IE"],
    )
    assert "12 → 15 gCO2e/kWh (+25.0 %) [high, low]" in factors("diff", str(old), str(new)).stdout
    assert factors("diff", str(old), str(old)).stdout == "No row differs.\n"


def test_a_pack_is_compared_with_the_factors_in_force(factors: Factors, tmp_path: Path) -> None:
    assert document(factors("diff", str(PACK_ELECTRICITY), "--json")) == {"changed": [], "added": [], "removed": []}
    assert factors("diff", str(tmp_path)).exit_code == 2  # a folder without packs
    pack(tmp_path)
    (tmp_path / "sources.toml").write_text("", encoding="utf-8")
    found = document(factors("diff", str(tmp_path), str(tmp_path / "our-house.toml"), "--json"))
    assert found == {"changed": [], "added": [], "removed": []}
    # The shipped rows of the factor that the pack speaks of are additions, the pack's own row is gone.
    found = document(factors("diff", str(tmp_path), "--json"))
    assert {row["id"] for row in found["added"]} == {"grid.gwp100"}
    assert [row["old"] for row in found["changed"]] == [12.0]


def test_a_run_file_says_whether_its_factors_are_those_of_now(factors: Factors, tmp_path: Path) -> None:
    run = tmp_path / "x.run.json"
    now = document(factors("diff", _run(run, "0" * 64), "--json"))
    assert (now["same"], now["then"]) == (False, "0" * 64)
    assert document(factors("diff", _run(run, now["now"]), "--json"))["same"] is True
    assert "in force" in factors("diff", str(run)).stdout
    assert factors("diff", str(run), str(run)).exit_code == 2


def _run(path: Path, factors_hash: str) -> str:
    path.write_text(json.dumps({"activities": [], "method": {"factors_hash": factors_hash}}), encoding="utf-8")
    return str(path)


def test_licences_count_every_row(factors: Factors) -> None:
    found = document(factors("licences", "--json"))
    rows = {row["licence"]: row["rows"] for row in found}
    assert rows["CC-BY-4.0"] > 1000
    assert "" not in rows
    assert "CC-BY-4.0" in factors("licences").stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("show", "grid.gwp10"), "Did you mean 'grid.gwp100'?"),
        (("show", "grid.gwp100", "--zone", "US-NOPE"), "'US-NOPE' is not a zone of US."),
        (("grid", "--zone", "france"), "'france' is not a place"),
        (("diff", "nowhere.toml"), "nowhere.toml cannot be read"),
        (("grid", "--on", "yesterday"), "yesterday"),
    ],
)
def test_a_mistake_is_one_sentence_with_exit_code_2(factors: Factors, args: tuple[str, ...], said: str) -> None:
    answer = factors(*args)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert said in answer.stderr
