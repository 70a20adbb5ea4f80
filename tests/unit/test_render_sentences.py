# SPDX-License-Identifier: Apache-2.0
"""Sentences that arrive as data: every one that the code can write is known in French."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from lichen import nomenclature, plugins
from lichen.factors.store import UNKNOWN_PLACE
from lichen.model.method_reader import load_method
from lichen.model.reasons import METHOD, SENTENCES, Missing, Reason
from lichen.records import Factor
from lichen.render.i18n import catalogue
from lichen.render.sentences import reason_words, told
from lichen.service.summary import fallbacks
from lichen.service.unknown import SENTENCES as UNKNOWN_SENTENCES
from lichen.service.unknown import with_causes

EN, FR = catalogue("en"), catalogue("fr")
COLLECT = Path(__file__).resolve().parents[2] / "src" / "lichen" / "collect"


def _row(reason: Reason) -> dict[str, Any]:
    return {"reason": str(reason), "code": reason.code, "arguments": reason.arguments}


ARGUMENTS = {
    key: f"<{key}>"
    for key in ("en", "fr", "factor", "place", "name", "method", "quantity", "tier", "meter", "platform", "near")
}


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_every_reason_has_the_same_english_and_a_french_sentence(code: str) -> None:
    for reason in (Reason(code, ARGUMENTS), Missing(code, **ARGUMENTS).reason("water", "use")):
        row = _row(reason)
        english = reason_words(row, EN)
        assert english.lower() == row["reason"].lower()
        assert reason_words(row, FR) != english


def test_the_catalogues_know_no_other_reason() -> None:
    assert {key.removeprefix("reason.") for key in FR.messages if key.startswith("reason.")} == {*SENTENCES, "only"}


@pytest.mark.parametrize(("quantity", "cause"), sorted(UNKNOWN_SENTENCES))
def test_why_a_quantity_is_unknown_is_told_in_both_languages(quantity: str, cause: str) -> None:
    row = {"part": "runner", "quantity": quantity, **_row(Missing("unknown_value").reason("gwp100", "use"))}
    [told_so] = with_causes([row], [{"part": "runner", "quantity": quantity, "cause": cause}])
    english = reason_words(told_so, EN)
    assert english == told_so["reason"] == UNKNOWN_SENTENCES[quantity, cause]
    assert reason_words(told_so, FR) not in (english, reason_words(row, FR))


@pytest.mark.parametrize("other", [{"part": "browser"}, {"quantity": "disk_bytes"}, {"cause": "of a later version"}])
def test_a_cause_that_is_not_known_here_or_of_something_else_changes_nothing(other: dict[str, str]) -> None:
    row = {"part": "runner", "quantity": "network_bytes", **_row(Reason("unknown_value"))}
    cause = {"part": "runner", "quantity": "network_bytes", "cause": "parts"} | other
    assert with_causes([row], [cause]) == (row,)
    assert reason_words(row, EN).startswith("its bytes cannot be told from those of other processes")


def test_a_reason_of_another_version_keeps_its_english_sentence() -> None:
    assert reason_words({"reason": "no sun", "code": "no_sun", "arguments": {}}, FR) == "no sun"
    assert reason_words({"reason": "no sun"}, FR) == "no sun"


@pytest.mark.parametrize("method_id", plugins.names("lichen.methods"))
def test_shipped_methods_give_each_reason_in_both_languages(method_id: str) -> None:
    method = load_method(method_id, nomenclature.load())
    assert method.reasons
    assert method.reasons_fr.keys() == method.reasons.keys()
    for key, text in method.reasons.items():
        quantity, _, tier = key.partition(".")
        row = _row(Reason(METHOD, method.reason(quantity, tier)))
        assert (reason_words(row, EN), reason_words(row, FR)) == (text, method.reasons_fr[key])
        assert text != method.reasons_fr[key]


def _text(node: ast.expr) -> str | None:
    """The sentence that an expression writes, with a letter for each value that it fills in (a digit for a count)."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return None
    pieces = []
    for part in node.values:
        count = isinstance(part, ast.FormattedValue) and ast.unparse(part.value).startswith("len(")
        pieces.append(str(part.value) if isinstance(part, ast.Constant) else "7" if count else "x")
    return "".join(pieces)


def _notes() -> Iterator[str]:
    for path in sorted(COLLECT.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            found: ast.expr | None = None
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith((".note", "notes.append")):
                found = node.args[0]
            elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "notes":
                found = node.value.elt if isinstance(node.value, ast.ListComp) else None
            if found is not None and (text := _text(found)):
                yield text


def test_every_note_that_a_collector_writes_is_known_in_french() -> None:
    notes = list(_notes())
    assert len(notes) >= 8
    assert [note for note in notes if told(note, FR) == note] == []
    assert [note for note in notes if told(note, EN) != note] == []


def test_what_fills_a_sentence_is_kept() -> None:
    assert (
        told("dialog closed: alert 'It's (late): go?'", FR)
        == "dialogue fermé\u00a0: alert «\u00a0It's (late): go?\u00a0»"
    )
    assert (
        told("download stopped, its bytes are a lower bound: a (2 times).pdf (3 times)", FR)
        == "téléchargement arrêté, ses octets sont un minimum\u00a0: a (2 times).pdf (3 fois)"
    )
    assert told("The page kept 2 requests open.", FR) == "The page kept 2 requests open."


def test_a_fall_back_is_told_in_both_languages() -> None:
    factor = Factor(
        factor_id="facility.wue", value=1.0, low=0.5, high=2.0, unit="L/kWh", boundary="", geography="WORLD",
        valid_from=date(2024, 1, 1), valid_to=None, source="s", source_title="S", licence="CC0-1.0", fallback=("FR",),
    )  # fmt: skip
    evaluation: Any = SimpleNamespace(impacts=[SimpleNamespace(factors=[factor])])
    (sentence,) = fallbacks(evaluation)
    assert told(sentence, EN) == sentence == "facility.wue: no value for FR, WORLD stands in"
    assert told(sentence, FR) == "facility.wue\u00a0: pas de valeur pour FR, WORLD la remplace"
    grid = [
        replace(factor, factor_id=name, fallback=("KP",))
        for name in ("grid.gwp100", "grid.adpe", "grid.pe", "grid.water")
    ]
    unset = [replace(one, fallback=(UNKNOWN_PLACE,)) for one in grid]
    several: Any = SimpleNamespace(impacts=[SimpleNamespace(factors=[one]) for one in (*grid, *unset)])
    assert [told(text, EN) for text in fallbacks(several)] == [
        "no figures for the electricity of KP: those of WORLD stand in",
        "no place is set (context.zone): the electricity of WORLD stands in",
    ]
    assert [told(text, FR) for text in fallbacks(several)] == [
        "pas de chiffres pour l’électricité de KP\u00a0: ceux de WORLD les remplacent",
        "aucun lieu n’est indiqué (context.zone)\u00a0: l’électricité de WORLD le remplace",
    ]


def test_a_row_of_another_time_is_told_with_its_year() -> None:
    factor = Factor(
        factor_id="grid.gwp100", value=1.0, low=0.5, high=2.0, unit="gCO2e/kWh", boundary="", geography="FR",
        valid_from=date(2025, 1, 1), valid_to=date(2025, 12, 31), source="s", source_title="S", licence="CC0-1.0",
        fallback=("FR 2031",),
    )  # fmt: skip
    evaluation: Any = SimpleNamespace(impacts=[SimpleNamespace(factors=[factor])])
    (sentence,) = fallbacks(evaluation)
    assert told(sentence, EN) == "no figures for the electricity of FR 2031: those of FR 2025 stand in"
    assert told(sentence, FR) == "pas de chiffres pour l’électricité de FR 2031\u00a0: ceux de FR 2025 les remplacent"


def test_shares_in_notes_are_written_as_the_language_does() -> None:
    note = "other programs used 73% of the machine during the measurement"
    assert told(note, EN) == note
    assert "73\u202f%" in told(note, FR) or "73\u00a0%" in told(note, FR)
    busy = (
        "the page stays busy at rest (share of a core: 'open' 9%): the 8 s of dwell that were not observed are not charged; "
        "measure.rest_s = 4 observes more"
    )
    assert re.search("'open' 9[\u202f\u00a0]%", told(busy, FR))
