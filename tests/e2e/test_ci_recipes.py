# SPDX-License-Identifier: Apache-2.0
"""The recipes of ci/, templates/ and action.yml: their scripts are run in a bare shell, in a new Git repository."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml
from tests.fixtures.gating import write_run

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "ci" / "gate.sh"
REPORTS = {"gate.json", "junit.xml", "codequality.json", "metrics.txt", "lichen.sarif", "summary.md"}
PROJECT = """
[project]
name = "loans"

[[budget]]
code = "LB001"
what = "network_bytes"
max = "{limit}"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with a budget that holds and a recorded run."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "lichen.toml").write_text(PROJECT.format(limit="1 MB"), encoding="utf-8")
    run = write_run(tmp_path / "runs", "apply", "follow")
    run.path.rename(folder / run.path.name)
    subprocess.run(["git", "init", "-q", str(folder)], check=True)
    return folder


def recorded(folder: Path) -> str:
    return next(folder.glob("*.run.json.gz")).name


def bare(folder: Path, command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    """A shell with nothing but a path and what the platform sets."""
    binaries = folder.parent / "bin"
    binaries.mkdir(exist_ok=True)
    if not (binaries / "lichen").exists():
        (binaries / "lichen").symlink_to(Path(sys.executable).with_name("lichen"))
    env = {"PATH": f"{binaries}:{os.defpath}", "HOME": str(folder.parent), "LC_ALL": "C.UTF-8", **variables}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


def gitlab_jobs() -> dict[str, dict[str, Any]]:
    return {
        "component": list(yaml.safe_load_all((ROOT / "templates" / "lichen.yml").read_text(encoding="utf-8")))[1],
        "plain": yaml.safe_load((ROOT / "ci" / "gitlab" / "lichen.yml").read_text(encoding="utf-8")),
    }


def gitlab_script(which: str) -> str:
    (job,) = gitlab_jobs()[which].values()
    return "\n".join(job["script"])


def jenkins_script() -> str:
    found = re.search(r"script: '([^']+)'", (ROOT / "ci" / "Jenkinsfile").read_text(encoding="utf-8"))
    assert found is not None
    return found[1]


def action() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    return document


pytestmark = [pytest.mark.slow, pytest.mark.beside]
RECIPES = ["shell", "component", "plain", "jenkins", "action"]


def run_recipe(name: str, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    variables.setdefault("GATE_RUN", recorded(folder))
    if name == "shell":
        return bare(folder, ["sh", str(SCRIPT)], **variables)
    if name == "jenkins":  # a copy of the script lies in the team's repository
        (folder / "ci").mkdir(exist_ok=True)
        (folder / "ci" / "gate.sh").write_text(SCRIPT.read_text(encoding="utf-8"), encoding="utf-8")
        return bare(folder, ["sh", "-c", jenkins_script()], **variables)
    if name == "action":
        (step,) = action()["runs"]["steps"]
        return bare(folder, [step["shell"], "-ec", step["run"]], GITHUB_ACTION_PATH=str(ROOT), **variables)
    return bare(folder, ["sh", "-ec", gitlab_script(name)], **variables)


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_writes_every_report_and_passes(name: str, checkout: Path) -> None:
    done = run_recipe(name, checkout)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("✔ PASS: 2 bounds hold")
    assert {path.name for path in (checkout / "lichen-reports").iterdir()} == REPORTS


@pytest.mark.parametrize("name", ["component", "action"])
def test_a_recipe_hands_the_exit_code_on(name: str, checkout: Path) -> None:
    (checkout / "lichen.toml").write_text(PROJECT.format(limit="1 kB"), encoding="utf-8")
    done = run_recipe(name, checkout, GATE_JOURNEYS="apply\nfollow", GATE_REPORTS="out put")
    assert done.returncode == 1, done.stderr
    root = ET.parse(checkout / "out put" / "junit.xml").getroot()
    assert root.get("failures") == "2"


def test_a_usage_error_is_2_and_leaves_no_comment(checkout: Path) -> None:
    done = run_recipe("shell", checkout, GATE_JOURNEYS="nosuch", GATE_COMMENT="gitlab")
    assert done.returncode == 2
    assert "'nosuch'" in done.stderr
    assert "comment" not in done.stderr


@pytest.mark.parametrize("variable", ["GATE_JOURNEYS", "GATE_BASE", "GATE_CHANGED", "GATE_SERVER", "GATE_RUN"])
def test_what_a_variable_holds_is_never_run(variable: str, checkout: Path) -> None:
    """Names of branches and journeys are data."""
    done = bare(checkout, ["sh", str(SCRIPT)], **{variable: "$(touch pwned); touch pwned; `touch pwned` *"})
    assert done.returncode == 2, done.stdout
    assert not (checkout / "pwned").exists()


def test_the_scripts_of_gitlab_are_that_of_the_shell() -> None:
    body = SCRIPT.read_text(encoding="utf-8").split("\nset -euf\n", 1)[1]
    for name in ("component", "plain"):
        assert gitlab_script(name).strip() == f"set -euf\n{body}".strip()


def test_the_action_hands_inputs_over_as_variables() -> None:
    document = action()
    (step,) = document["runs"]["steps"]
    assert document["runs"]["using"] == "composite"
    assert "${{" not in step["run"]  # an input inside a script would be read as shell
    read = set(re.findall(r"\$\{(GATE_\w+)", SCRIPT.read_text(encoding="utf-8")))
    assert read <= set(step["env"])
    used = set(re.findall(r"inputs\.([\w-]+)", json.dumps(document)))
    assert used == set(document["inputs"])


def test_what_gitlab_reads_is_what_the_script_writes() -> None:
    for name, jobs in gitlab_jobs().items():
        (job,) = jobs.values()
        files = {Path(path).name for path in job["artifacts"]["reports"].values()}
        assert files == {"junit.xml", "codequality.json", "metrics.txt"}, name
        assert job["allow_failure"] == {"exit_codes": 6}


def test_the_component_declares_the_inputs_that_it_uses() -> None:
    text = (ROOT / "templates" / "lichen.yml").read_text(encoding="utf-8")
    header = next(iter(yaml.safe_load_all(text)))
    assert set(re.findall(r"\$\[\[ inputs\.(\w+) \]\]", text)) == set(header["spec"]["inputs"])


def test_every_variable_of_the_script_is_explained() -> None:
    text = SCRIPT.read_text(encoding="utf-8")
    explained = set(re.findall(r"(?m)^#   (GATE_\w+)", text))
    assert explained == set(re.findall(r"\$\{(GATE_\w+)", text))


def test_github_gets_annotations_a_summary_and_outputs(checkout: Path) -> None:
    (checkout / "lichen.toml").write_text(PROJECT.format(limit="1 kB"), encoding="utf-8")
    (checkout / "summary").write_text("earlier\n", encoding="utf-8")
    done = run_recipe(
        "action", checkout, GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(checkout / "summary"),
        GITHUB_OUTPUT=str(checkout / "outputs"),
    )  # fmt: skip
    assert done.returncode == 1
    assert len(re.findall(r"(?m)^::error file=lichen\.toml,line=6,", done.stdout)) == 2
    summary = (checkout / "summary").read_text(encoding="utf-8")
    assert summary.startswith("earlier\n## ✘ Lichen")
    assert re.search(r"verdict<<(\w+)\nfail\n\1\n", (checkout / "outputs").read_text(encoding="utf-8"))


def test_lichen_is_installed_where_it_is_missing(checkout: Path) -> None:
    """`python3 -m pip` is asked for it, with the requirement that was given."""
    folder = checkout.parent / "fake"
    folder.mkdir()
    lichen = Path(sys.executable).with_name("lichen")
    (folder / "python3").write_text(f'#!/bin/sh\necho "$@" > asked\nln -s {lichen} {folder}/lichen\n', encoding="utf-8")
    (folder / "python3").chmod(0o755)
    env = {
        "PATH": f"{folder}:{os.defpath}", "HOME": str(checkout.parent), "LC_ALL": "C.UTF-8", "GATE_RUN": recorded(checkout),
        "GATE_INSTALL": "lichen[journeys]==0.1.0",
    }  # fmt: skip
    done = subprocess.run(["sh", str(SCRIPT)], cwd=checkout, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (checkout / "asked").read_text(encoding="utf-8") == "-m pip install --quiet lichen[journeys]==0.1.0\n"
