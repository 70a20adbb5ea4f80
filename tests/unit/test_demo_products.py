# SPDX-License-Identifier: Apache-2.0
"""Product declarations: what ships, what a third file brings, what is refused and how it is told."""

import shutil
from pathlib import Path

import pytest

from lichen.demo import LANGUAGES
from lichen.demo.forms import loan_fields
from lichen.demo.i18n import Translator, catalogue, choose_language
from lichen.demo.products import PICTURES, PRODUCTS_DIR, load, load_all
from lichen.demo.variants import Variant
from lichen.errors import ConfigError, UsageError

SOURCE = PRODUCTS_DIR / "treasury-guarantee.toml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(PRODUCTS_DIR, tmp_path / "products")
    return tmp_path / "products"


def changed(folder: Path, old: str, new: str) -> Path:
    text = SOURCE.read_text(encoding="utf-8")
    assert old in text
    path = folder / SOURCE.name
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    return path


def test_two_products_ship() -> None:
    assert list(load_all()) == ["treasury-guarantee", "green-investment"]


def test_a_third_file_is_a_third_product(folder: Path) -> None:
    text = SOURCE.read_text(encoding="utf-8").replace('"treasury-guarantee"', '"export-advance"')
    (folder / "export-advance.toml").write_text(text.replace("order = 10", "order = 5"), encoding="utf-8")
    assert list(load_all(folder)) == ["export-advance", "treasury-guarantee", "green-investment"]


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ('name = "turnover_eur"', 'nme = "turnover_eur"', "`fields.0.nme` is an unknown key; did you mean `name`?"),
        ("term_max_months = 72\n", "", "`loan.term_max_months` is missing"),
        ("not in_proceedings", "not in_proceeding", "unknown field `in_proceeding`; did you mean `in_proceedings`?"),
        ("amount_eur <= 3000000", "open('x')", "`open('x')` is not allowed"),
        ("share_percent = 90", "share_percent = 190", "`guarantee.share_percent`: input should be less than"),
        ('picture = "workshop"', 'picture = "workshp"', "did you mean `workshop`?"),
        ('id = "jobs"', 'id = "cash-need"', "rule `cash-need` is declared twice"),
        ("deferral_max_months = 12", "deferral_max_months = 13", "deferral months"),
        ("schema = 1", "schema = 2", "`schema`"),
        ("schema = 1", "schema = ", "not valid TOML"),
    ],
)
def test_a_bad_declaration_is_told_in_one_sentence(folder: Path, old: str, new: str, sentence: str) -> None:
    path = changed(folder, old, new)
    with pytest.raises(ConfigError) as caught:
        load(path)
    told = caught.value.sentence()
    assert told.startswith(f"{path}: ")
    assert sentence in told
    assert "\n" not in told


def test_two_products_may_not_share_a_key(folder: Path) -> None:
    shutil.copy(SOURCE, folder / "copy.toml")
    with pytest.raises(ConfigError, match="taken by another product"):
        load_all(folder)


def test_no_product_and_no_file_are_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no product declaration"):
        load_all(tmp_path)
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path / "absent.toml")


def test_loan_questions_carry_the_limits_of_the_product() -> None:
    amount, term, deferral = loan_fields(load(SOURCE).loan)
    assert (amount.minimum, amount.maximum) == (5_000, 5_000_000)
    assert (term.minimum, term.maximum) == (12, 72)
    assert (deferral.minimum, deferral.maximum) == (0, 12)


def test_every_picture_of_the_catalogue_is_there() -> None:
    pictures = PRODUCTS_DIR.parent / "static" / "pictures"
    assert sorted(path.stem for path in pictures.glob("*.webp")) == sorted(PICTURES)


def test_the_bundled_files_stay_light() -> None:
    folder = PRODUCTS_DIR.parent
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert sum(sizes) < 1_000_000


def test_both_languages_have_the_same_texts_with_the_same_parameters() -> None:
    english, french = (catalogue(language) for language in LANGUAGES)
    assert set(english) == set(french)
    for key, text in english.items():
        assert text.count("{") == french[key].count("{"), key


def test_numbers_are_written_as_each_language_does() -> None:
    english, french = Translator("en"), Translator("fr")
    assert english.cents(123_456_78) == "€123,456.78"
    assert french.cents(123_456_78) == "123\u202f456,78\xa0€"
    assert english.euros(None) == french.percent(None) == "–"
    assert french.percent("2.10") == "2,1\xa0%"


@pytest.mark.parametrize(
    ("asked", "remembered", "header", "language"),
    [
        ("fr", "en", "en", "fr"),
        (None, "fr", "en", "fr"),
        ("xx", None, "de-DE,fr;q=0.5,en", "fr"),
        (None, None, None, "en"),
    ],
)
def test_choice_of_language(asked: str | None, remembered: str | None, header: str | None, language: str) -> None:
    assert choose_language(asked, remembered, header) == language


def test_variants() -> None:
    assert Variant.parse(None) == Variant()
    assert Variant.parse("all") == Variant(images=True, polling=True, nplus1=True)
    assert Variant.parse("polling, nplus1") == Variant(polling=True, nplus1=True)
    with pytest.raises(UsageError, match="`pictures` is unknown"):
        Variant.parse("pictures")
