# SPDX-License-Identifier: Apache-2.0
"""A diagnosis looks and changes nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from scipy.stats import t

from lichen.config import load_settings
from lichen.render.i18n import catalogue
from lichen.render.sentences import finding_words, told
from lichen.service.doctor import diagnose, fix
from lichen.service.workspace import Workspace
from lichen.stats.detectable import smallest_change


def workspace(folder: Path, text: str) -> Workspace:
    (folder / "lichen.toml").write_text(text)
    return Workspace(load_settings(folder / "lichen.toml", overrides={}, env={}))


def finding(rows: list[dict[str, Any]], topic: str) -> dict[str, Any]:
    (row,) = [row for row in rows if row["topic"] == topic]
    return row


def test_the_folder_of_the_runs_is_not_made(tmp_path: Path) -> None:
    found = finding(diagnose(workspace(tmp_path, 'output.runs = "deep/er/runs"')), "run files")
    assert found["ok"]
    assert [path.name for path in tmp_path.iterdir()] == ["lichen.toml"]


@pytest.mark.parametrize("place", ["lichen.toml/runs", "/proc/1/lichen-runs"])
def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, place: str) -> None:
    found = finding(diagnose(workspace(tmp_path, f'output.runs = "{place}"')), "run files")
    assert not found["ok"]
    assert place.rpartition("/")[0] in found["what"]
    assert "--out" in found["repair"]


def test_the_configured_browser_is_that_of_the_configured_profile(tmp_path: Path) -> None:
    program = tmp_path / "mine"
    program.write_text("#!/bin/sh\necho Chromium 123.0.1.2\n")
    program.chmod(0o755)
    for profile, other in (("fast", "fidelity"), ("fidelity", "fast")):
        here = workspace(tmp_path, f'measure.profile = "{profile}"\nbrowser.executable = "{program}"')
        rows = diagnose(here)
        assert str(program) in finding(rows, f"browser ({profile})")["what"]
        assert str(program) not in finding(rows, f"browser ({other})")["what"]
        assert fix(here, [profile]) == ["Nothing to repair: the browsers are there."]  # type: ignore[list-item]


def test_calibration_says_how_small_a_change_can_show(tmp_path: Path) -> None:
    rows = diagnose(workspace(tmp_path, ""), calibrate=True, seconds=0.1)
    noise = re.search(r"vary by ([\d.]+)% ", finding(rows, "precision")["what"])
    said = re.fullmatch(
        r"7 samples a side show a change of ([\d.]+)% or more, 30 samples one of ([\d.]+)%",
        finding(rows, "smallest change")["what"],
    )
    assert noise is not None
    assert said is not None
    cv, change, less = float(noise[1]), float(said[1]), float(said[2])
    assert change == pytest.approx(1.6310537 * cv, abs=0.15)
    assert less == pytest.approx(0.7358 * cv, abs=0.15)


def test_calibration_counts_the_samples_that_the_settings_take(tmp_path: Path) -> None:
    here = workspace(tmp_path, "measure.min_samples = 9\nmeasure.max_samples = 12")
    said = finding(diagnose(here, calibrate=True, seconds=0.1), "smallest change")["what"]
    assert said.startswith("9 samples a side show")
    assert ", 12 samples one of " in said


def test_shares_are_written_as_the_reader_does() -> None:
    row = {
        "topic": "precision",
        "repair": "",
        "what": "7 samples a side show a change of 22.2% or more, 30 samples one of 9%",
    }
    assert finding_words(row, catalogue("en"))[1] == row["what"]
    assert (
        finding_words(row, catalogue("fr"))[1]
        == "7 échantillons par côté montrent un écart de 22,2\u00a0% ou plus, 30 échantillons un écart de 9\u00a0%"
    )


def test_all_that_is_found_here_is_said_in_french_too(tmp_path: Path) -> None:
    here = workspace(tmp_path, 'output.runs = "lichen.toml/runs"')
    rows = diagnose(here, calibrate=True, seconds=0.1)
    english, french = catalogue("en"), catalogue("fr")
    same = {"machine", "conditions", "factors", "containers"}
    for row in rows:
        assert finding_words(row, english) == (row["topic"], row["what"], row["repair"])
        topic, what, repair = finding_words(row, french)
        assert topic != row["topic"] or topic in {"machine", "conditions"}, row
        if not row["topic"].startswith("browser") and row["topic"] not in same:
            assert what != row["what"], row
        assert repair != row["repair"] or not repair, row


@pytest.mark.parametrize(
    ("sentence", "expected"),
    [
        ("6.8 tasks compete for 2 CPUs.", "6.8 tâches se disputent 2 processeurs."),
        ("http://localhost:9090 answers", "http://localhost:9090 répond"),
        ("the cluster of ~/.kube/config answers", "la grappe de ~/.kube/config répond"),
        ("CPU, memory, storage and pressure of whole groups, version 2",
         "processeur, mémoire, stockage et attentes de groupes entiers, version 2"),
        ("/usr/bin/chromium, version 156.0", "/usr/bin/chromium, version 156.0"),
        ("a sentence of an engine", "a sentence of an engine"),
    ],
)  # fmt: skip
def test_the_more_exact_sentence_is_recognised(sentence: str, expected: str) -> None:
    assert told(sentence, catalogue("fr"), family="doctor") == expected


@pytest.mark.parametrize("samples", [2, 7, 30])
def test_smallest_change_by_another_library(samples: int) -> None:
    freedom = 2 * samples - 2
    expected = (t.ppf(0.975, freedom) + t.ppf(0.8, freedom)) * 0.03 * (2 / samples) ** 0.5
    assert smallest_change(0.03, samples) == pytest.approx(expected, rel=1e-9)
    assert smallest_change(0.0, samples) == 0.0


def test_one_sample_shows_nothing() -> None:
    with pytest.raises(ValueError, match="two samples"):
        smallest_change(0.03, 1)
