# SPDX-License-Identifier: Apache-2.0
"""``lichen ledger``: what it prints in both languages, and mistakes as one sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.fixtures import run as stored
from tests.ledger_support import run_of

from lichen.cli.app import root
from lichen.ledger import runfile

Lichen = Callable[..., Result]


@pytest.fixture
def lichen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lichen:
    monkeypatch.chdir(tmp_path)
    for name in ("LANG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)

    def call(*args: str) -> Result:
        return CliRunner().invoke(root, args, prog_name="lichen")

    return call


def printed(answer: Result) -> Any:
    assert answer.exit_code == 0, answer.output
    return json.loads(answer.stdout)


def test_a_folder_is_ingested_once(lichen: Lichen, tmp_path: Path) -> None:
    stored.write(tmp_path / "lichen-runs", "apply")
    stored.write(tmp_path / "lichen-runs", "follow")
    first = printed(lichen("ledger", "ingest", "--json"))
    assert (first["files"], first["runs"], first["activities"], first["already"]) == (2, 2, 106, 0)
    assert first["ledger"] == str(tmp_path / ".lichen" / "ledger")
    again = printed(lichen("ledger", "ingest", "lichen-runs", "--json"))
    assert (again["runs"], again["activities"], again["already"]) == (0, 0, 2)
    found = printed(lichen("ledger", "status", "--json"))
    assert (found["runs"], found["activities"], found["first_day"]) == (2, {"runs": 106}, "2026-03-01")


def test_the_place_is_read_from_the_settings_and_paths_start_from_their_file(lichen: Lichen, tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "lichen.toml").write_text('[server]\nledger = "facts"\n')
    stored.write(tmp_path / "shop" / "lichen-runs", "apply")
    done = printed(lichen("ledger", "ingest", "--json", "--config", "shop/lichen.toml"))
    assert done["ledger"] == str(tmp_path / "shop" / "facts")
    other = printed(lichen("ledger", "ingest", "--json", "--config", "shop/lichen.toml", "--ledger", "elsewhere"))
    assert (other["ledger"], other["runs"]) == (str(tmp_path / "elsewhere"), 1)


def test_a_damaged_file_is_told_and_the_others_are_ingested(lichen: Lichen, tmp_path: Path) -> None:
    folder = tmp_path / "lichen-runs"
    good = stored.write(folder, "apply")
    (folder / "2026-03-01-000000000000.run.json.gz").write_bytes(good.path.read_bytes()[:-20])
    refused = runfile.write(folder, run_of({"entity": "a/b", "quantity": "cpu_time", "value": True}).content)
    answer = lichen("ledger", "ingest", "--json")
    assert answer.exit_code == 2
    done = json.loads(answer.stdout)
    assert (done["files"], done["runs"]) == (3, 1)
    assert sorted(one["culprit"] for one in done["left_out"]) == sorted([
        str(folder / "2026-03-01-000000000000.run.json.gz"), f"activities[0] of the run {refused.run_id[:12]}",
    ])  # fmt: skip
    assert "is damaged" in answer.stderr
    assert "has a value that is no number" in answer.stderr


@pytest.mark.parametrize(
    ("lang", "lines"),
    [
        ("en", ["run files: 1", "runs added: 1", "rows added: 53", "there already: 0"]),
        (
            "fr",
            [
                "fichiers de mesure\u00a0: 1",
                "mesures ajoutées\u00a0: 1",
                "lignes ajoutées\u00a0: 53",
                "déjà présentes\u00a0: 0",
            ],
        ),
    ],
)
def test_results_speak_both_languages(lichen: Lichen, tmp_path: Path, lang: str, lines: list[str]) -> None:
    stored.write(tmp_path / "lichen-runs", "apply")
    said = lichen("ledger", "ingest", "--lang", lang)
    assert said.stdout.splitlines()[1:] == lines
    status = lichen("ledger", "status", "--lang", lang).stdout.splitlines()
    assert status[3:5] == {
        "en": ["applications: 1", "days: 2026-03-01 to 2026-03-01"],
        "fr": ["applications\u00a0: 1", "jours\u00a0: du 2026-03-01 au 2026-03-01"],
    }[lang]  # fmt: skip


def test_compaction_and_retention(lichen: Lichen, tmp_path: Path) -> None:
    for number, name in enumerate(("apply", "follow", "third")):
        stored.write(tmp_path / f"runs-{number}", name)
        lichen("ledger", "ingest", f"runs-{number}")
    done = printed(lichen("ledger", "compact", "--json"))
    assert (done["files_before"], done["files_after"]) == (6, 2)
    done = printed(lichen("ledger", "retain", "--before", "2026-03-02", "--json"))
    assert done == {"first_day": "2026-03-02", "runs": 3, "activities": 159, "evidence_removed": 3}
    assert "from before the days kept: 1" in lichen("ledger", "ingest", "runs-0").stdout


@pytest.mark.parametrize("command", [["status"], ["compact"], ["retain", "--before", "2026-01-01"]], ids=" ".join)
def test_only_ingest_makes_a_ledger(lichen: Lichen, tmp_path: Path, command: list[str]) -> None:
    answer = lichen("ledger", *command)
    assert answer.exit_code == 2
    assert "There is no ledger in" in answer.stderr
    assert "lichen ledger ingest makes one." in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_mistakes_are_sentences(lichen: Lichen, tmp_path: Path) -> None:
    missing = lichen("ledger", "ingest", "nowhere")
    assert (missing.exit_code, "nowhere is not a folder." in missing.stderr) == (2, True)
    place = lichen("ledger", "status", "--ledger", "gs://bucket/x")
    assert (place.exit_code, "gs://bucket/x is no place for a ledger." in place.stderr) == (2, True)
    day = lichen("ledger", "retain", "--before", "soon")
    assert day.exit_code == 2
