# SPDX-License-Identifier: Apache-2.0
"""Commands that need no browser: flags, files, results, and mistakes as one sentence with its exit code."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from tests.fixtures import run as stored

from lichen import __version__
from lichen.cli.app import COMMANDS, root

ROW = {"entity": "shop/browser", "quantity": "cpu_time", "value": 1.25, "unit": "s", "tier": "device", "zone": "FR"}
DOCUMENT = json.dumps({"activities": [ROW]})

Lichen = Callable[..., Result]


@pytest.fixture
def lichen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lichen:
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    for name in ("LANG", "LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)

    def call(*args: str, stdin: str | bytes | None = None) -> Result:
        return CliRunner().invoke(root, args, input=stdin, prog_name="lichen")

    return call


def error_of(answer: Result) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(answer.stderr)["error"]
    return content


def test_version(lichen: Lichen) -> None:
    assert lichen("--version").stdout == f"lichen {__version__}\n"


def test_the_one_line_helps_are_the_commands_own(lichen: Lichen) -> None:
    context = root.make_context("lichen", [], resilient_parsing=True)
    for name, line in COMMANDS.items():
        command = root.get_command(context, name)
        assert command is not None
        assert (command.help or "").splitlines()[0] == line
        assert line in " ".join(lichen("--help").stdout.split())


def test_a_missing_command_is_answered_with_the_nearest_one(lichen: Lichen) -> None:
    answer = lichen("mesure")
    assert answer.exit_code == 2
    assert answer.stderr.startswith(
        "error: There is no command 'mesure'. Did you mean 'measure'?\nhint: Try 'lichen --help'.\n"
    )
    assert answer.stdout == ""


@pytest.mark.parametrize(
    "args", [("--json", "config", "show"), ("config", "--json", "show"), ("config", "show", "--json")]
)
def test_global_flags_stand_before_or_after_the_command(lichen: Lichen, args: tuple[str, ...]) -> None:
    assert json.loads(lichen(*args).stdout)["lang"] == "en"


def test_config_show_tells_each_origin(lichen: Lichen, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("own.toml").write_text('[context]\nzone = "FR"\n')
    monkeypatch.setenv("LICHEN_MEASURE_SAMPLES", "10")
    answer = lichen("config", "show", "--origin", "--config", "own.toml", "--lang", "fr")
    lines = {line.partition(" =")[0]: line for line in answer.stdout.splitlines()}
    assert lines["context.zone"].endswith(f"# file {Path.cwd()}/own.toml:2")
    assert lines["measure.samples"].endswith("# env LICHEN_MEASURE_SAMPLES")
    assert lines["project.lang"].endswith("# flag")
    assert lines["measure.discard"].startswith("measure.discard = 1 ")
    assert lines["measure.discard"].endswith("# default")
    assert lines["output.html"].startswith("output.html = (not set)")
    values = {row["key"]: row for row in json.loads(lichen("config", "show", "--json", "--origin").stdout)["settings"]}
    assert values["measure.samples"] == {"key": "measure.samples", "value": 10, "origin": "env LICHEN_MEASURE_SAMPLES"}


def test_a_missing_settings_file_is_exit_2(lichen: Lichen) -> None:
    answer = lichen("--config", "absent.toml", "config", "show", "--json")
    assert answer.exit_code == 2
    assert error_of(answer) == {
        "code": "E210",
        "exit_code": 2,
        "problem": "There is no configuration file absent.toml.",
        "repair": "Name an existing file with --config, or write one with `lichen init`.",
        "culprit": "absent.toml",
        "docs": "docs/errors.md#e210",
    }


def test_init_writes_what_measure_reads_and_never_overwrites(lichen: Lichen) -> None:
    assert lichen("init").stdout == "written: lichen.toml\nwritten: journeys/example.py\n"
    journey = Path("journeys/example.py").read_text()
    compile(journey, "example.py", "exec")
    assert json.loads(lichen("config", "show", "--json").stdout)["file"] == str(Path.cwd() / "lichen.toml")
    Path("lichen.toml").write_text('project.name = "kept"')
    again = lichen("init")
    assert again.exit_code == 2
    assert "lichen.toml exists already." in again.stderr
    assert "overwrite it with --force, journeys/example.py too" in again.stderr
    assert Path("lichen.toml").read_text() == 'project.name = "kept"'
    assert lichen("init", "--force").exit_code == 0
    assert 'name = "shop"' in Path("lichen.toml").read_text()


def test_init_refuses_before_it_writes_anything(lichen: Lichen) -> None:
    Path("journeys").mkdir()
    Path("journeys/example.py").mkdir()
    assert lichen("init", "--force").exit_code == 2
    assert not Path("lichen.toml").exists()
    Path("journeys/example.py").rmdir()
    Path("journeys").rmdir()
    Path("journeys").write_text("a file where a folder is needed")
    answer = lichen("init")
    assert answer.exit_code == 2
    assert answer.stderr.startswith("error: journeys/example.py cannot be written: ")
    assert "nothing was written" in answer.stderr
    assert [path.name for path in Path().iterdir()] == ["journeys"]


def test_init_keeps_a_journey_that_exists(lichen: Lichen) -> None:
    lichen("init")
    Path("journeys/example.py").write_text("mine")
    answer = lichen("init", "--config", "other.toml")
    assert (answer.exit_code, answer.stdout) == (0, "written: other.toml\nkept: journeys/example.py\n")
    assert Path("journeys/example.py").read_text() == "mine"
    assert Path("other.toml").exists()
    answer = lichen("init", "--config", "third.toml", "--json")
    assert json.loads(answer.stdout) == {"written": ["third.toml"], "kept": ["journeys/example.py"]}


def test_init_says_once_why_nothing_can_be_written(lichen: Lichen) -> None:
    Path("lichen.toml").symlink_to("lichen.toml")
    answer = lichen("init", "--force")
    assert answer.exit_code == 2
    assert answer.stderr.count("lichen.toml") == 1


def test_init_puts_back_what_it_replaced_when_the_second_file_fails(lichen: Lichen) -> None:
    Path("lichen.toml").write_text('project.name = "kept"')
    Path("journeys").write_text("a file where a folder is needed")
    assert lichen("init", "--force").exit_code == 2
    assert Path("lichen.toml").read_text() == 'project.name = "kept"'
    Path("journeys").unlink()
    Path("journeys").mkdir()
    os.mkfifo("journeys/example.py")
    answer = lichen("init", "--force")
    assert answer.exit_code == 2
    assert "not a regular file" in answer.stderr
    assert Path("lichen.toml").read_text() == 'project.name = "kept"'
    assert Path("journeys/example.py").is_fifo()


def test_init_speaks_french(lichen: Lichen) -> None:
    lichen("init", "--lang", "fr")
    assert "# Terminal des visiteurs." in Path("lichen.toml").read_text(encoding="utf-8")
    journey = Path("journeys/example.py").read_text(encoding="utf-8")
    assert 'with step("ouvrir", dwell=5):' in journey
    compile(journey, "example.py", "exec")


def test_evaluate_reads_stdin_files_and_gzip_alike(lichen: Lichen) -> None:
    Path("a.json").write_text(DOCUMENT)
    Path("a.json.gz").write_bytes(gzip.compress(DOCUMENT.encode()))
    answers = [
        lichen("evaluate", "lichen-1", stdin=DOCUMENT),
        lichen("evaluate", "lichen-1", "-", stdin=b"\xef\xbb\xbf" + DOCUMENT.encode()),
        lichen("evaluate", "lichen-1", "-", stdin=gzip.compress(DOCUMENT.encode())),
        lichen("evaluate", "lichen-1", "a.json"),
        lichen("evaluate", "lichen-1", "a.json.gz"),
    ]
    assert {answer.exit_code for answer in answers} == {0}
    assert len({answer.stdout for answer in answers}) == 1
    content = json.loads(answers[0].stdout)
    assert content["method"]["id"] == "lichen-1"
    assert {impact["indicator"] for impact in content["impacts"]} >= {"energy", "gwp100"}
    assert list(Path.cwd().glob("lichen-runs")) == []


def test_evaluate_applies_several_methods(lichen: Lichen) -> None:
    results = json.loads(lichen("evaluate", "lichen-1, greenframe-2", stdin=DOCUMENT).stdout)["results"]
    assert [result["method"]["id"] for result in results] == ["lichen-1", "greenframe-2"]


@pytest.mark.parametrize(
    ("stdin", "sentence"),
    [
        ("", "Standard input is empty."),
        ("  \n", "Standard input is empty."),
        ('{"activities": [}', "Standard input is not JSON: Expecting value at line 1, column 17."),
        ('{"activities":\n [1,\n', "at line 3, column 1."),
        ("[" * 100_000, "Standard input is not JSON: it is nested too deeply."),
        (b"\xff\xfe\x00", "Standard input is not JSON: "),
        (b"\x1f\x8b\x08", "Standard input is damaged: "),
        ("9" * 5000, "Standard input is not JSON: "),
        ("3", "The input has no list 'activities'."),
        (json.dumps({"activities": [ROW | {"value": float("nan")}]}), "value"),
        (json.dumps({"activities": [ROW | {"value": -1}]}), "value"),
        (json.dumps({"activities": [ROW | {"quantity": "cpu_tme"}]}), "Quantity 'cpu_tme' is not in the nomenclature."),
    ],
)
def test_evaluate_refuses_wrong_input_in_one_sentence(lichen: Lichen, stdin: str | bytes, sentence: str) -> None:
    answer = lichen("evaluate", "lichen-1", "-", stdin=stdin)
    assert answer.exit_code == 2
    assert answer.stdout == ""
    error, *rest = answer.stderr.splitlines()
    assert error.startswith("error: ")
    assert sentence in error
    assert [line.partition(" ")[0] for line in rest] == ["hint:", "docs:"]


def test_evaluate_refuses_wrong_words(lichen: Lichen) -> None:
    assert "There is no method 'lichen-9'." in lichen("evaluate", "lichen-9", stdin=DOCUMENT).stderr
    assert "has an empty method name" in lichen("evaluate", "lichen-1,", stdin=DOCUMENT).stderr
    Path("bad.json").write_text("{")
    for word, sentence in (("absent.json", "No such file"), ("bad.json", "line 1"), (".", "Is a directory")):
        answer = lichen("evaluate", "lichen-1", word)
        assert answer.exit_code == 2
        assert sentence in answer.stderr


def test_evaluate_answers_a_missing_file_with_the_newest_run(lichen: Lichen) -> None:
    assert "RUN cannot be read" in lichen("evaluate", "lichen-1", "RUN").stderr
    written = stored.write(Path("lichen-runs"))
    answer = lichen("evaluate", "lichen-1", "RUN")
    assert (answer.exit_code, "RUN cannot be read: there is no such file." in answer.stderr) == (2, True)
    assert f"such as the newest one: {written.path.absolute()}." in answer.stderr


def test_evaluate_keeps_the_last_of_two_equal_keys(lichen: Lichen) -> None:
    twice = DOCUMENT.replace('"value": 1.25', '"value": 7, "value": 1.25')
    assert lichen("evaluate", "lichen-1", stdin=twice).stdout == lichen("evaluate", "lichen-1", stdin=DOCUMENT).stdout


def test_methods_are_listed_and_shown(lichen: Lichen) -> None:
    rows = json.loads(lichen("methods", "--json").stdout)
    assert [row["id"] for row in rows][:1] == ["lichen-1"]
    for row in rows:
        assert row["id"] in lichen("methods").stdout
        french = lichen("methods", "show", row["id"], "--lang", "fr").stdout
        assert row["title"]["fr"] in french
        assert all(text in french for text in (row["validity_fr"], *row["known_defects_fr"]))
        shown = lichen("methods", "show", row["id"]).stdout
        whole = json.loads(lichen("--json", "methods", "show", row["id"]).stdout)
        assert all(f"{quantity} ({reason})" in french for quantity, reason in whole["not_covered_fr"].items())
        assert whole["not_covered"].keys() == whole["not_covered_fr"].keys()
        for key in ("validity", "known_defects"):  # written in both languages, not taken from the other
            assert row[key] != row[f"{key}_fr"]
        assert [f"rule: {rule['id']}" for rule in whole["rules"]] == [
            line.partition(",")[0] for line in shown.splitlines() if line.startswith("rule: ")
        ]
    assert lichen("methods", "show", "lichen-9").exit_code == 2


def test_plugins_are_listed_with_local_ones(lichen: Lichen) -> None:
    Path("own.py").write_text('PLUGINS = {"lichen.outputs": {"mine": object}}')
    Path("lichen.toml").write_text('extend.modules = ["own.py"]')
    assert "mine" in json.loads(lichen("plugins", "--json").stdout)["lichen.outputs"]
    methods = next(line for line in lichen("plugins").stdout.splitlines() if line.startswith("lichen.methods: "))
    assert {"greenframe-2", "lichen-1"} <= set(methods.removeprefix("lichen.methods: ").split(", "))


@pytest.mark.parametrize(
    ("args", "sentence"),
    [
        (("measure", "--samples", "0"), "measure.samples is '0' (command line)."),
        (("measure", "--samples", "many"), "measure.samples is 'many' (command line)."),
        (("measure", "--profile", "slow"), "Invalid value for '--profile'"),
        (("measure", "--zone", "France"), "context.zone is 'France' (command line)."),
        (("measure", "--format", "json"), "'json' is not NAME=FILE."),
        (("measure", "--format", "pdf=a.pdf"), "There is no output 'pdf'."),
        (("measure", "--format", "json=a", "--format", "json=./a"), "a is to be written twice."),
        (("measure", "--format", "json=."), ". cannot be written."),
        (("measure", "--format", "json=lichen.toml/a"), "lichen.toml/a cannot be written."),
        (("measure",), "There is no journey to measure."),
        (("measure", "frob"), "'frob' is neither a declared journey"),
        (("measure", "--method", "lichen-9", "http://127.0.0.1:9"), "There is no method 'lichen-9'."),
        (("measure", "--methods", "lichen-1,swdm-9", "http://127.0.0.1:9"), "There is no method 'swdm-9'."),
        (("measure", "--methods", "lichen-1,,swdm-4"), "'lichen-1,,swdm-4' has an empty method name."),
        (("evaluate", "swdm-4,lichen-1,swdm-4"), "'swdm-4,lichen-1,swdm-4' names swdm-4 twice."),
        (("demo", "--config", "lichen.toml"), "lichen demo has its own settings file."),
        (("doctor", "--fix", "--calibrate"), "--fix and --calibrate exclude each other."),
        (("measure", "--frob"), "No such option"),
        (("explain", "apply"), "There is no run in "),
        (("explain", "apply", "--run", "absent.gz"), "absent.gz cannot be read"),
    ],
)
def test_a_wrong_word_is_refused_before_anything_starts(lichen: Lichen, args: tuple[str, ...], sentence: str) -> None:
    Path("lichen.toml").write_text("")
    answer = lichen(*args)
    assert answer.exit_code == 2, answer.stderr
    assert sentence in answer.stderr
    assert answer.stdout == ""
