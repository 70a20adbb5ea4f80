# SPDX-License-Identifier: Apache-2.0
"""Catalogues: complete, used, with the same placeholders in both languages."""

from __future__ import annotations

import re
import string
from pathlib import Path

import pytest

from lichen.errors import LichenError, UsageError
from lichen.render.i18n import LANGUAGES, Catalogue, catalogue

SOURCE = Path(__file__).resolve().parents[2] / "src" / "lichen"
OPEN_FAMILIES = {
    "unit", "quantity", "indicator", "functional_unit", "tier", "quality", "status", "kind", "party", "equipment", "how",
    "fact", "column", "reason", "sentence", "phase", "power_note", "power_basis", "power_with",
    "advice_effort", "advice_kind", "advice_do", "advice_why",
    "cause", "follows", "unknown", "explain_from", "doctor", "doctor_topic", "difference", "doing", "factor",
    "simulate_even", "simulate_way", "simulate_near", "simulate_cpu", "simulate_role", "simulate_limit", "simulate_verdict",
    "simulate_note",
    "bill_advice_do", "bill_advice_why", "bill_advice_risk", "bill_advice_sure", "bill_advice_latency", "bill_advice_proof",
    "bill_count", "bill_meter", "cloud",
}  # fmt: skip
"""Families whose names come from the data: their keys do not stand in the source, but the family does."""


def _sources() -> str:
    rooms = [SOURCE / "render", SOURCE / "outputs"]
    files = [path for room in rooms for path in room.rglob("*") if path.suffix in {".py", ".j2"}]
    return "\n".join(path.read_text(encoding="utf-8") for path in files).replace("'", '"')


def _fields(message: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(message) if name}


def test_every_message_exists_in_every_language() -> None:
    keys = {lang: set(catalogue(lang).messages) for lang in LANGUAGES}
    assert keys["en"] ^ keys["fr"] == set()


def test_every_message_has_the_same_placeholders() -> None:
    english, french = catalogue("en"), catalogue("fr")
    different = [key for key in english.messages if _fields(english.messages[key]) != _fields(french.messages[key])]
    assert different == ["reason.method"]  # the method's own file holds this sentence in each language


def test_no_message_is_empty() -> None:
    assert [key for lang in LANGUAGES for key, text in catalogue(lang).messages.items() if not text.strip()] == []


def test_french_has_its_own_apostrophe_and_spaces() -> None:
    """Not the typewriter's ``'``, and a space before ``:;?!`` and beside guillemets at which no line breaks."""
    wrong = re.compile(r"[^\W\d_]'[^\W\d_{«]|\w [:;?!](?:\s|$)|« | »")
    assert [key for key, text in catalogue("fr").messages.items() if wrong.search(text)] == []


def _composed(text: str) -> tuple[str, ...]:
    """Beginnings of the keys that pages put together: ``say("web.mend." ~ code)``, ``word("web.problem", code)``."""
    begun = re.findall(r'"((?:web|server|gate|verdict)\.[a-z_.]*[._])["{]', text)
    families = re.findall(r'word\(\s*"(web\.[a-z_.]+)"', text)
    return (*begun, *(f"{family}." for family in families))


def test_every_message_is_used() -> None:
    text = _sources()
    composed = _composed(text)
    families = {match for match in OPEN_FAMILIES if re.search(rf'["\'({{]{match}(\.|["\'])', text)}
    assert families == OPEN_FAMILIES
    unused = [
        key
        for key in catalogue("en").messages
        if key.split(".")[0] not in OPEN_FAMILIES
        and f'"{key}"' not in text
        and f'"{key.removesuffix(".one").removesuffix(".other")}"' not in text
        and not key.startswith(composed)
        and not (key.startswith("precision.") and key.split(".")[1] in {"reached", "low_precision", "fixed", "single"})
    ]
    assert unused == []


def test_every_message_that_is_asked_for_exists() -> None:
    asked = set(re.findall(r'say\(\s*"([a-z_.0-9]+[a-z_0-9])"', _sources())) | set(
        re.findall(r'_line\("([a-z_.]+)"', _sources())
    )
    assert len(asked) > 40
    whole = {key for key in asked if not key.endswith(("_", "."))}
    assert {key for key in whole if key not in catalogue("en")} == set()
    plurals = set(re.findall(r'\.count\(\s*"([a-z_.0-9]+)"', _sources()))
    assert {
        key for key in plurals if f"{key}.one" not in catalogue("en") or f"{key}.other" not in catalogue("en")
    } == set()


def test_french_spaces_before_signs_do_not_break() -> None:
    breakable = [key for key, text in catalogue("fr").messages.items() if re.search(r" [:;?!%»]", text)]
    assert breakable == []


def test_a_language_that_is_not_spoken_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="'de'"):
        Catalogue("de")


def test_a_missing_message_or_value_names_the_key() -> None:
    with pytest.raises(LichenError, match=r"no\.such"):
        catalogue("en").say("no.such")
    with pytest.raises(LichenError, match=r"number\.range"):
        catalogue("fr").say("number.range", low=1)


@pytest.mark.parametrize(
    ("lang", "texts"),
    [("en", ["0 CPUs", "1 CPU", "2 CPUs"]), ("fr", ["0 processeur", "1 processeur", "2 processeurs"])],
)
def test_plurals_follow_the_language(lang: str, texts: list[str]) -> None:
    assert [catalogue(lang).count("host.cpus", n) for n in (0, 1, 2)] == texts
