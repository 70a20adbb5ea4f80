# SPDX-License-Identifier: Apache-2.0
"""Files written through output plug-ins, and the doctor's verdict on a machine without the browser asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.fixtures.result import sample_result

from lichen import plugins
from lichen.cli import outputs
from lichen.cli.app import root
from lichen.errors import ConfigError, StorageError, UsageError

FAILING = """
class Failing:
    name, media_type, suffix = "failing", "text/plain", ".txt"

    def render(self, result, *, lang):
        raise ZeroDivisionError("by design")

PLUGINS = {"lichen.outputs": {"failing": Failing}}
"""


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    yield
    plugins._local.clear()


def test_each_target_is_written_by_its_plug_in() -> None:
    result = sample_result()
    Path("folder").mkdir()
    targets = outputs.plan(Path("folder/report.html"), ["json=result.json"])
    assert [target.name for target in targets] == ["html", "json"]
    assert list(Path("folder").iterdir()) == []
    outputs.write(targets, result, "fr")
    assert json.loads(Path("result.json").read_text(encoding="utf-8"))["run_id"] == result.run_id
    assert '<html lang="fr"' in Path("folder/report.html").read_text(encoding="utf-8")


def test_a_plug_in_that_fails_is_named_and_the_run_is_kept() -> None:
    Path("own.py").write_text(FAILING)
    plugins.register_file(Path("own.py"))
    result = sample_result()
    with pytest.raises(ConfigError, match=r"The output 'failing' failed: ZeroDivisionError: by design\.") as caught:
        outputs.write(outputs.plan(None, ["failing=a.txt"]), result, "en")
    assert result.run_path in caught.value.repair
    assert not Path("a.txt").exists()


def test_a_folder_that_became_a_file_is_one_sentence() -> None:
    Path("made").mkdir()
    targets = outputs.plan(None, ["json=made/later.json"])
    Path("made").rmdir()
    Path("made").write_text("")
    with pytest.raises(StorageError, match="made"):
        outputs.write(targets, sample_result(), "en")


@pytest.mark.parametrize("name", ["nowhere/report.html", "nowhere/deep/report.html", "link.html"])
def test_a_missing_folder_is_refused_and_not_made(name: str) -> None:
    Path("link.html").symlink_to("nowhere/report.html")
    with pytest.raises(StorageError, match=r"cannot be written: there is no folder .*nowhere") as refusal:
        outputs.plan(Path(name), [])
    assert refusal.value.repair == "Correct the path, or make the folder first."
    assert not Path("nowhere").exists()


def test_what_is_not_a_regular_file_is_refused_before_measuring(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "circle").symlink_to("circle")
    for name in ("pipe", "link"):
        with pytest.raises(StorageError, match=f"{name} is not a regular file"):
            outputs.plan(tmp_path / name, [])
    with pytest.raises(StorageError, match="circle"):
        outputs.plan(tmp_path / "circle", [])
    assert (tmp_path / "pipe").is_fifo()


def test_the_settings_file_in_use_is_no_output() -> None:
    Path("lichen.toml").write_text('project.name = "kept"')
    Path("alias.html").symlink_to("lichen.toml")
    for word in ("lichen.toml", "../" + Path.cwd().name + "/lichen.toml", "alias.html"):
        with pytest.raises(UsageError, match="is the settings file in use"):
            outputs.plan(Path(word), [], keep=Path("lichen.toml").absolute())
    answer = CliRunner().invoke(root, ["measure", "http://127.0.0.1:1/", "--html", "lichen.toml"], prog_name="lichen")
    assert answer.exit_code == 2
    assert Path("lichen.toml").read_text() == 'project.name = "kept"'


@pytest.mark.parametrize("second", ["a.html", "b/../a.html", "link.html"])
def test_two_outputs_are_two_files(second: str) -> None:
    Path("link.html").symlink_to("a.html")
    with pytest.raises(UsageError, match="is to be written twice"):
        outputs.plan(Path("a.html"), [f"json={second}"])


def test_the_doctor_exits_5_when_the_browser_lacks() -> None:
    Path("lichen.toml").write_text('browser.executable = "./absent-browser"')
    answer = CliRunner().invoke(root, ["doctor"], prog_name="lichen")
    assert answer.exit_code == 5
    assert "✗ lacks  browser (fidelity): " in answer.stdout
    rows = json.loads(CliRunner().invoke(root, ["doctor", "--json"], prog_name="lichen").stdout)
    browser = next(row for row in rows if row["topic"] == "browser (fidelity)")
    assert (browser["ok"], "absent-browser" in browser["what"]) == (False, True)


def test_the_doctor_speaks_french_about_what_works() -> None:
    answer = CliRunner().invoke(root, ["doctor", "--lang", "fr"], prog_name="lichen")
    assert "✓ ok  fichiers de mesure\u00a0: on peut écrire dans " in answer.stdout


def test_junit_has_a_flag_of_its_own_beside_others() -> None:
    from lichen.cli.invocation import Invocation
    from lichen.config import load_settings

    settings = load_settings(None)
    asked = Invocation(junit=Path("junit.xml"), formats=("json=result.json",))
    assert [(target.name, target.path.name) for target in outputs.planned(asked, settings)] == [
        ("junit", "junit.xml"), ("json", "result.json"),
    ]  # fmt: skip
    with pytest.raises(UsageError, match="written twice"):
        outputs.planned(Invocation(junit=Path("a"), formats=("json=a",)), settings)
