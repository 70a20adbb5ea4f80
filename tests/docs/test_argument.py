# SPDX-License-Identifier: Apache-2.0
"""The page that argues for lichen-1 is current in both languages, and says the same in both."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))
import argument  # noqa: E402
import prose  # noqa: E402


@pytest.mark.parametrize(("language", "name"), argument.PAGES.items())
def test_a_page_is_current(language: str, name: str) -> None:
    assert (argument.FOLDER / name).read_text(encoding="utf-8") == argument.page(language), "run `make pages`"


def test_both_languages_compute_the_same_and_number_the_same_sections() -> None:
    english, french = ((argument.SOURCE / f"lichen-1.{name}.md.j2").read_text() for name in ("en", "fr"))
    computed = [
        [re.sub(r'"[^"]*"|\s', "", text) for text in re.findall(r"{{(.*?)}}", page)] for page in (english, french)
    ]
    assert [text for text in computed[0] if "part" not in text] == [t for t in computed[1] if "part" not in t]
    assert re.findall(r"^#+ ([\d.]+)", english, re.MULTILINE) == re.findall(r"^#+ ([\d.]+)", french, re.MULTILINE)
    assert english.count("\n|") == french.count("\n|")


def test_the_laptop_lies_where_whole_laptops_were_measured() -> None:
    published = argument.tomllib.loads((argument.SOURCE / "alternatives.toml").read_text())
    low, high = (published[f"laptop_measured_{end}"]["value"] for end in ("low", "high"))
    idle, screen, joules = (
        argument._store().lookup(f"device.laptop.{name}").value for name in ("idle_power", "screen_power", "cpu_energy")
    )
    assert low <= idle + screen + 0.3 * joules
    assert idle + screen + joules <= high


def test_terms_of_the_reference_visit_sum_to_its_total() -> None:
    visit = argument.visit("FR")
    parts = ("device.(idle|screen)", "device.cpu", "device.(memory|disk)", "network", "server.(cpu|memory|disk)$")
    assert sum(visit.sum("energy", rules=rules) for rules in parts) == pytest.approx(visit.sum("energy"), rel=1e-12)
    assert visit.sum("gwp100") == pytest.approx(
        visit.sum("gwp100", phase="use") + visit.sum("gwp100", phase="embodied"), rel=1e-12
    )
    # By hand: 60 s of (4.4 + 3.2) W and 3 CPU-seconds of 4.7 J, 9 W of the line.
    assert visit.sum("energy", rules="device.(idle|screen)") == pytest.approx(60 * 7.6 / 3.6e6)
    assert visit.sum("energy", rules="network.time") == pytest.approx(60 * 9 / 3.6e6)


def test_a_swing_is_what_the_bound_does_by_hand() -> None:
    visit, life = argument.visit("FR"), argument._store().lookup("device.laptop.lifetime_use")
    made = visit.sum("gwp100", rules="device.embodied")
    swing = next(swing for swing in argument.swings("gwp100") if swing.factor_id == life.factor_id)
    assert swing.low == pytest.approx(made * (life.value / life.low - 1) / visit.sum("gwp100"), rel=1e-9)
    assert swing.high == pytest.approx(made * (life.value / life.high - 1) / visit.sum("gwp100"), rel=1e-9)


def test_statements_of_the_prose_hold() -> None:
    store, visit = argument._store(), argument.visit("FR")
    assert {swing.factor_id for swing in argument.swings("gwp100")[:2]} == {
        "device.laptop.lifetime_use", "device.laptop.embodied_gwp100",
    }  # fmt: skip
    assert visit.sum("gwp100", phase="embodied") > 0.9 * visit.sum("gwp100")
    assert argument.visit("PL").sum("gwp100", phase="embodied") > 0.5 * argument.visit("PL").sum("gwp100")
    published = argument.tomllib.loads((argument.SOURCE / "alternatives.toml").read_text(encoding="utf-8"))
    assert store.lookup("server.memory_power").high == pytest.approx(published["memory_ccf"]["value"], rel=0.01)
    line, laptop = (store.lookup(name).value for name in ("network.fixed.power", "device.laptop.idle_power"))
    assert laptop < line < 2 * laptop + store.lookup("device.laptop.screen_power").value


def test_every_factor_that_the_method_uses_is_in_one_family_of_the_pedigree_matrix() -> None:
    families = argument.tomllib.loads((argument.SOURCE / "data_quality.toml").read_text())["family"]
    used = {f["id"] for zone in ("FR", None) for row in argument.visit(zone).result["impacts"] for f in row["factors"]}
    for factor_id in used - {"grid.loss_share"}:
        assert sum(re.fullmatch(family["match"], factor_id) is not None for family in families) == 1, factor_id
    for row in argument.quality("fr"):
        assert {row.reliability, row.completeness, row.time, row.place, row.technology} <= set(range(1, 6))


@pytest.mark.parametrize(
    ("value", "digits", "language", "text"),
    [(1234.5, 2, "en", "1,200"), (0.00456, 2, "fr", "0,0046"), (9.0, 3, "en", "9"), (0.0, 2, "en", "0"),
     (1.24e-12, 2, "en", "1.2 × 10⁻¹²"), (-0.5, 1, "en", "-0.5")],
)  # fmt: skip
def test_numbers(value: float, digits: int, language: str, text: str) -> None:
    assert prose.number(value, digits, language=language) == text


def test_shares() -> None:
    assert prose.share(0.5, language="en") == "50%"
    assert prose.share(0.125, 1, language="fr", signed=True) == "+12,5\u202f%"
    assert prose.share(0.0001, 1, language="en") == "<0.1%"


def test_french_marks_stay_with_their_words() -> None:
    assert all("\n:" not in prose.filled(f"{'x' * length} : {'mot ' * 40}") for length in range(120, 145))


def test_paragraphs_are_filled_and_tables_are_not() -> None:
    page = f"{'word ' * 40}\n\n- item {'word ' * 40}\n\n| {'cell ' * 40} |\n```sh\n{'x ' * 90}\n```\n"
    lines = prose.filled(page).splitlines()
    assert all(len(line) <= prose.WIDTH for line in lines if line[:1] not in "|x")
    assert f"| {'cell ' * 40} |" in lines
    assert [line[:2] for line in lines if "word" in line] == ["wo", "wo", "- ", "  "]
