# SPDX-License-Identifier: Apache-2.0
"""Each thing that can be wrong with a pack is refused in one sentence that names file, row and repair."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from lichen.errors import FactorError
from lichen.factors.reader import COLUMNS, PEDIGREE, read_pack
from lichen.factors.schema import problems, unit_is_known, validate
from lichen.factors.store import FactorStore

HEADER = '[pack]\nid = "p"\nversion = "1"\ndescription = "d"\n'
GOOD = {
    "id": '"grid.gwp100"',
    "value": "44.0",
    "low": "30.0",
    "high": "80.0",
    "unit": '"gCO2e/kWh"',
    "boundary": '"none"',
    "geography": '"FR"',
    "valid_from": "2024-01-01",
    "source": '"owid-energy"',
}


def pack_with(tmp_path: Path, *rows: dict[str, str], header: str = HEADER, tail: str = "") -> Path:
    text = header + "".join("[[factor]]\n" + "".join(f"{k} = {v}\n" for k, v in row.items()) for row in rows) + tail
    path = tmp_path / "pack.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_row_passes(tmp_path: Path) -> None:
    validate(read_pack(pack_with(tmp_path, GOOD)))


def test_a_list_of_figures_is_a_factor_without_a_range(tmp_path: Path) -> None:
    row = {name: value for name, value in GOOD.items() if name not in ("value", "low", "high")} | {
        "vector": "[0, 47, 75.5]"
    }
    (factor,) = FactorStore.load([pack_with(tmp_path, row)])
    assert (factor.vector, factor.value, factor.distribution) == ((0.0, 47.0, 75.5), 0.0, "fixed")
    assert FactorStore([factor]).hash() != FactorStore([replace(factor, vector=(0.0, 47.0, 75.6))]).hash()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"source": None}, "source is missing"),
        ({"source": '"nowhere"'}, "source 'nowhere' is not declared"),
        ({"low": None}, "low is missing"),
        ({"high": None}, "high is missing"),
        ({"low": "50.0"}, "low <= value <= high is broken (50, 44, 80)"),
        ({"high": "40.0"}, "low <= value <= high is broken (30, 44, 40)"),
        ({"unit": '"gCO2/kWh"'}, "unit 'gCO2/kWh' is not known"),
        ({"unit": None}, "unit is missing"),
        ({"geography": '"France"'}, "geography 'France' is malformed"),
        ({"geography": '"FRA"'}, "geography 'FRA' is malformed"),
        ({"boundary": None}, "boundary is missing"),
        ({"boundary": '"socket"'}, "boundary 'socket' is not known"),
        ({"valid_from": None}, "valid_from is missing"),
        ({"valid_from": '"2024"'}, "is not a date"),
        ({"valid_to": "2023-01-01"}, "valid_to lies before valid_from"),
        ({"value": '"much"'}, "is not a finite number"),
        ({"value": "nan"}, "is not a finite number"),
        ({"high": "inf"}, "is not a finite number"),
        ({"id": '"Grid"'}, "'Grid' is not a factor id"),
        ({"distribution": '"normal"'}, "distribution 'normal' is not known"),
        ({"distribution": '"fixed"'}, "a fixed factor has a range"),
        ({"low": "44.0", "high": "44.0"}, "the range is empty"),
        ({"low": "0.0"}, "log-normal factor reaches zero"),
        ({"range_basis": '"assumed"'}, "nothing says why"),
        ({"redistributable": '"perhaps"'}, "redistributable is 'perhaps'"),
        ({"colour": '"green"'}, "'colour' is not a field"),
        ({"vector": "[1.0, 2.0]"}, "both a vector and a value"),
        ({"vector": "[]", "value": None, "low": None, "high": None}, "not a list of finite numbers"),
        ({"vector": "[1.0, nan]", "value": None, "low": None, "high": None}, "not a list of finite numbers"),
        ({"vector": '"1, 2"', "value": None, "low": None, "high": None}, "not a list of finite numbers"),
    ],
)
def test_a_bad_row_is_refused_with_file_row_and_repair(
    tmp_path: Path, change: dict[str, str | None], words: str
) -> None:
    row = {k: v for k, v in {**GOOD, **change}.items() if v is not None}
    with pytest.raises(FactorError) as caught:
        validate(read_pack(pack_with(tmp_path, row)))
    assert words in caught.value.problem
    assert "pack.toml, factor 1" in caught.value.problem
    assert caught.value.repair
    assert "\n" not in caught.value.sentence()


def test_a_source_without_licence_needs_one_on_the_row(tmp_path: Path) -> None:
    source = (
        '[source.bare]\ntitle = "t"\npublisher = "p"\nyear = 2024\nurl = "u"\nlicence = ""\nretrieved_at = 2024-01-01\n'
    )
    with pytest.raises(FactorError, match="licence"):
        validate(read_pack(pack_with(tmp_path, {**GOOD, "source": '"bare"'}, tail=source)))
    validate(read_pack(pack_with(tmp_path, {**GOOD, "source": '"bare"', "licence": '"CC0-1.0"'}, tail=source)))


def test_every_problem_is_found_and_the_first_one_counts_the_others(tmp_path: Path) -> None:
    bad = {**GOOD, "unit": '"x"', "boundary": '"x"', "geography": '"x"'}
    pack = read_pack(pack_with(tmp_path, bad, {**GOOD, "low": "99.0"}))
    assert len(list(problems(pack))) == 4
    with pytest.raises(FactorError) as caught:
        validate(pack)
    assert "(3 more in this pack.)" in caught.value.repair


def test_the_same_factor_place_and_day_twice_is_refused_and_another_vintage_is_not(tmp_path: Path) -> None:
    with pytest.raises(FactorError, match="is already at"):
        validate(read_pack(pack_with(tmp_path, GOOD, GOOD)))
    validate(read_pack(pack_with(tmp_path, GOOD, {**GOOD, "valid_from": "2025-01-01"})))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id": '"facility.pue"', "value": "1.2", "low": "0.9", "high": "1.5"}, "a PUE reaches 0.9"),
        ({"id": '"ccf.pue.acme"', "value": "0.8", "low": "0.7", "high": "0.9"}, "a PUE reaches 0.7"),
        ({"id": '"grid.loss_share"', "value": "0.9", "low": "0.5", "high": "1.0"}, "losses reach from 0.5 to 1"),
        ({"id": '"grid.loss_share"', "value": "0.1", "low": "-0.1", "high": "0.2"}, "losses reach from -0.1 to 0.2"),
        ({"id": '"device.kiosk.lifetime_use"', "value": "5", "low": "0", "high": "9"}, "a lifetime reaches 0"),
        ({"id": '"acme.server_lifetime"', "value": "5", "low": "-1", "high": "9"}, "a lifetime reaches -1"),
    ],
)
def test_a_range_that_nothing_can_have_is_refused(tmp_path: Path, change: dict[str, str], words: str) -> None:
    row = {**GOOD, "distribution": '"triangular"', **change}
    assert words in [problem.what for problem in problems(read_pack(pack_with(tmp_path, row)))]
    touching = {"PUE": "1.0", "losses": "0.0", "lifetime": "0.1"}[words.removeprefix("a ").split()[0]]
    row |= {"low": touching, "value": "1.1" if "PUE" in words else "0.5", "high": "1.5" if "PUE" in words else "0.9"}
    assert not list(problems(read_pack(pack_with(tmp_path, row))))


@pytest.mark.parametrize(("grade", "spread"), PEDIGREE.items())
def test_a_pedigree_grade_stands_for_its_bounds(tmp_path: Path, grade: str, spread: float) -> None:
    row = {k: v for k, v in GOOD.items() if k not in ("low", "high")} | {"pedigree": f'"{grade}"', "comment": '"why"'}
    (read,) = read_pack(pack_with(tmp_path, row)).rows
    assert read.data["low"] == pytest.approx(44.0 / spread)
    assert read.data["high"] == pytest.approx(44.0 * spread)
    assert read.data["range_basis"] == "assumed"


def test_a_pedigree_grade_and_bounds_together_or_an_unknown_grade_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FactorError, match="both a pedigree grade and bounds"):
        read_pack(pack_with(tmp_path, {**GOOD, "pedigree": '"A"'}))
    with pytest.raises(FactorError, match="unknown pedigree grade 'Z'"):
        read_pack(pack_with(tmp_path, {"id": '"a.b"', "value": "1.0", "pedigree": '"Z"'}))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no complete \\[pack\\] header"),
        (HEADER + "[[factors]]\nid = 1\n", "unknown section 'factors'"),
        ("[pack\n", "not valid toml"),
        (HEADER + '[[table]]\nfile = "absent.csv"\n', "absent.csv .* cannot be read"),
        (HEADER + '[source.x]\ntitle = "t"\n', "source 'x' .* is incomplete"),
    ],
)
def test_a_file_that_is_no_pack_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "pack.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FactorError, match=words):
        read_pack(path)


def test_an_absent_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FactorError, match="cannot be read"):
        read_pack(tmp_path / "absent.toml")


@pytest.mark.parametrize("suffix", ["csv", "csv.gz"])
def test_a_table_gives_the_rows_that_toml_would_give(tmp_path: Path, suffix: str) -> None:
    line = "grid.gwp100,44,30,80,gCO2e/kWh,none,FR,2024-01-01,2024-12-31,owid-energy,,,,,\n"
    content = (",".join(COLUMNS) + "\n" + line).encode()
    (tmp_path / f"t.{suffix}").write_bytes(gzip.compress(content) if suffix.endswith("gz") else content)
    pack = read_pack(pack_with(tmp_path, tail=f'[[table]]\nfile = "t.{suffix}"\n'))
    validate(pack)
    assert pack.rows[0].where == f"t.{suffix}, line 2"
    assert (pack.rows[0].data["value"], pack.rows[0].data["distribution"]) == ("44", "lognormal")


def test_a_table_with_other_columns_or_a_torn_archive_is_refused(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,value\n", encoding="utf-8")
    with pytest.raises(FactorError, match="columns of a factor row"):
        read_pack(pack_with(tmp_path, tail='[[table]]\nfile = "t.csv"\n'))
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(b"x" * 1000)[:20])
    with pytest.raises(FactorError, match="cannot be read"):
        read_pack(pack_with(tmp_path, tail='[[table]]\nfile = "t.csv.gz"\n'))


@pytest.mark.parametrize("unit", ["W", "W/GB", "gCO2e/GB.h", "L/kWh", "1", "J/s", "gSbe/s"])
def test_units_of_the_packs_are_known(unit: str) -> None:
    assert unit_is_known(unit)


@pytest.mark.parametrize("unit", ["", "kw", "W/GB/h", "g", "gCO2", "W per GB"])
def test_other_units_are_not(unit: str) -> None:
    assert not unit_is_known(unit)
