# SPDX-License-Identifier: Apache-2.0
"""A method file that is wrong in any one place is refused in a sentence, or works: it never breaks Lichen."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.mutations import ABSENT, document_to_toml, mutated, paths

from lichen.config import load_settings
from lichen.errors import MethodError, UsageError
from lichen.model import methods
from lichen.model.method_reader import read_method
from lichen.service.evaluation import evaluate_activities, parse_document
from lichen.service.workspace import Workspace

WORKSPACE = Workspace(load_settings(None))
FOLDER = Path(methods.__file__).parent
VALUES: tuple[Any, ...] = (7, -1.5, True, "", "zzz", "a.{b", [], [1], ["x"], [{}], {}, {"k": "v"}, {"k": [[]]}, ABSENT)
ROWS, CONTEXT = parse_document(
    WORKSPACE,
    {
        "activities": [
            {"entity": "a/browser", "quantity": name, "value": 1.0, "tier": "device", "zone": "FR", "duration_s": 2.0}
            for name in ("cpu_time", "cpu_time_share", "network_bytes", "screen_time", "memory_peak", "disk_bytes")
        ],
        "context": {"parts": 1},
    },
)


def document(name: str) -> dict[str, Any]:
    """A shipped method with its first rules: the others are of the same make."""
    whole = tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))
    kept = [rule for rule in whole["rule"] if rule["id"].startswith("device")][:4]
    return {**whole, "rule": kept, "known_defects": whole["known_defects"][:1]}


@pytest.mark.parametrize("name", ["lichen-1.toml", "greenframe-2.toml"])
def test_one_wrong_value_anywhere_is_refused_in_a_sentence_or_harmless(tmp_path: Path, name: str) -> None:
    path, good = tmp_path / "own.toml", document(name)
    refused = 0
    for place in paths(good):
        for value in VALUES:
            path.write_text(document_to_toml(mutated(good, place, value)), encoding="utf-8")
            try:
                method = read_method(path, WORKSPACE.nomenclature)
            except MethodError:
                refused += 1
                continue
            try:
                evaluate_activities(WORKSPACE, method, ROWS, CONTEXT, on=None)
            except UsageError:
                refused += 1
    assert refused > 500


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [
        (("rule", 0, "when"), 7, "rule 'device.cpu': when is not a table"),
        (("rule", 0, "step", 0, "bind"), ["x"], r"rule 'device.cpu': step\[0\].bind is not a table of texts"),
        (("rule", 0, "step"), {}, r"rule 'device.cpu': step is not repeated tables, \[\[step\]\]"),
        (("rule", 0, "indicator"), "gwp", "rule 'device.cpu': Indicator 'gwp' is not in the nomenclature"),
        (("rule", 0, "quantities"), [], "rule 'device.cpu': quantities is not a list of one or more texts"),
        (("defaults",), [1], "defaults is not a table"),
        (("defaults",), {"duration_s": "long"}, "defaults.duration_s is 'long', not a number"),
        (("sources",), "me", "sources is not a list of texts"),
        (("rule", 0, "step", 0, "bind", "power_w"), "factor:a.{b", "bound to 'factor:a.{b'"),
        (("rule", 0, "when"), {"teir": "device"}, "rule 'device.cpu' names 'teir', which is no attribute"),
        (
            ("rule", 0, "step", 0, "bind", "power_w"),
            "factor:a.{devise}",
            "power_w names 'devise', which is no attribute",
        ),
        (("defaults",), {"context.part": 1}, "defaults names 'context.part', which is no attribute"),
        (("reasons",), {"cpu_tim": "why"}, "reasons: Quantity 'cpu_tim' is not in the nomenclature"),
        (
            ("reasons",),
            {"cpu_time.moon": "why"},
            "reasons has 'cpu_time.moon', whose second half is neither a tier nor an attribute",
        ),
        (("derive", 0, "indicator"), "energy", "derivation 'energy' would be counted twice"),
        (("rule", 0, "step", 0, "bind", "power_w"), "attribute:tier", "which is a word, and formulas take numbers"),
    ],
)
def test_the_sentence_names_file_rule_and_key(
    tmp_path: Path, place: tuple[str | int, ...], value: Any, said: str
) -> None:
    path = tmp_path / "own.toml"
    path.write_text(document_to_toml(mutated(document("greenframe-2.toml"), place, value)), encoding="utf-8")
    with pytest.raises(MethodError, match=said) as caught:
        read_method(path, WORKSPACE.nomenclature)
    assert str(path) in caught.value.problem
    assert caught.value.repair


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a = " + b"[" * 3000, "nested too deeply"),
        (b"a = " + b"9" * 5000, "too many digits"),
        (b"\xff\xfe", "not UTF-8 text"),
        (b"a = ", "not valid TOML"),
    ],
)
def test_what_is_no_toml_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "own.toml"
    path.write_bytes(content)
    with pytest.raises(MethodError, match=said):
        read_method(path, WORKSPACE.nomenclature)
