# SPDX-License-Identifier: Apache-2.0
"""The house's rules fail when they are broken: planted into a copy of the source, each defect must be named with its place."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
LINT: Final = "from importlinter.cli import lint_imports_command as main; main()"


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A copy of the source and of the rules, free to be broken."""
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__", "*.csv.gz", "static"))
    for name in ("pyproject.toml", "requirements.lock", "requirements-dev.lock"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def _run(house: Path, *arguments: str) -> tuple[int, str]:
    environment = os.environ | {"PYTHONPATH": str(house / "src"), "COLUMNS": "300", "NO_COLOR": "1"}
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=house / "src",
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    # Long lines are wrapped by the linter; its words matter here, not its layout.
    return done.returncode, re.sub(r"\s+", " ", done.stdout + done.stderr)


def _imports(house: Path) -> tuple[int, str]:
    return _run(house, "-c", LINT, "--config", str(house / "pyproject.toml"), "--no-cache")


def _constants(house: Path) -> tuple[int, str]:
    return _run(house, str(ROOT / "tools" / "check_constants.py"), str(house / "src" / "lichen" / "model"))


def _locks(house: Path) -> tuple[int, str]:
    return _run(house, str(ROOT / "tools" / "check_locks.py"), str(house))


def _append(path: Path, text: str) -> int:
    """Adds a line at the end of a file; returns its number."""
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{before}{text}\n", encoding="utf-8")
    return before.count("\n") + 1


def test_nothing_planted_nothing_found(house: Path) -> None:
    for check in (_imports, _constants, _locks):
        code, output = check(house)
        assert code == 0, output


@pytest.mark.parametrize(
    ("module", "imported"),
    [
        ("model/energy.py", "lichen.service.result"),
        ("errors.py", "lichen.units"),
        ("records.py", "lichen.model.energy"),
        ("model/energy.py", "lichen.factors"),
        ("collect/base.py", "lichen.factors"),
        ("collect/base.py", "lichen.model.energy"),
        ("collect/machine/__init__.py", "lichen.collect.journeys"),
        ("outputs/export/__init__.py", "lichen.outputs.report"),
        ("render/__init__.py", "lichen.outputs"),
        ("service/__init__.py", "lichen.demo"),
        ("demo/__init__.py", "lichen.records"),
        ("service/__init__.py", "playwright"),
        ("demo/__init__.py", "playwright.sync_api"),
        ("collect/machine/__init__.py", "playwright.sync_api"),
        ("service/__init__.py", "sqlalchemy"),
        ("ledger/__init__.py", "alembic"),
        ("outputs/report/__init__.py", "fastapi"),
        ("stats/__init__.py", "duckdb"),
        ("service/__init__.py", "ibis"),
        ("model/energy.py", "deltalake"),
        ("service/__init__.py", "starlette.applications"),
    ],
)
def test_an_import_against_the_house_is_named(house: Path, module: str, imported: str) -> None:
    line = _append(house / "src" / "lichen" / module, f"import {imported}")
    code, output = _imports(house)
    assert code == 1, output
    importer = "lichen." + module.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    target = imported if imported.startswith("lichen") else imported.split(".", maxsplit=1)[0]
    assert re.search(rf"{re.escape(importer)}\b.*{re.escape(target)}\b", output), output
    assert f"l.{line}" in output, output


def test_a_room_without_a_place_is_named(house: Path) -> None:
    _append(house / "src" / "lichen" / "attic" / "__init__.py", '"""Nobody said where this lies."""')
    code, output = _imports(house)
    assert code == 1
    assert "attic" in output


def test_a_heavy_library_in_its_own_room_is_fine(house: Path) -> None:
    _append(house / "src" / "lichen" / "store" / "models.py", "import sqlalchemy")
    _append(house / "src" / "lichen" / "ledger" / "writer.py", "import duckdb")
    _append(house / "src" / "lichen" / "outputs" / "web" / "__init__.py", "import fastapi")
    code, output = _imports(house)
    assert code == 0, output


@pytest.mark.parametrize(
    "code",
    ["PUE = 1.4", "def f(x: float) -> float:\n    return x * 442.0", "def f(x: float = 0.5) -> float:\n    return x"],
)
def test_a_constant_in_the_model_is_named(house: Path, code: str) -> None:
    path = house / "src" / "lichen" / "model" / "energy.py"
    first = _append(path, code)
    status, output = _constants(house)
    assert status == 1
    line = first + next(i for i, text in enumerate(code.splitlines()) if re.search(r"\d\.\d", text))
    assert f"model/energy.py:{line}: naked constant" in output


def test_a_number_bound_in_a_method_is_named(house: Path) -> None:
    path = house / "src" / "lichen" / "model" / "methods" / "lichen-1.toml"
    line = _append(
        path, '[[derive]]\nindicator = "gwp100"\nformula = "electricity.use/1"\nbind = { grid_x_per_kwh = 442 }'
    )
    code, output = _constants(house)
    assert code == 1
    assert f"lichen-1.toml:{line}: derive 'gwp100' binds the number 442" in output


def test_a_number_smuggled_in_as_a_default_is_named(house: Path) -> None:
    path = house / "src" / "lichen" / "model" / "methods" / "planted.toml"
    _append(path, '[defaults]\npue = 1.4\n[[rule]]\nid = "x"\n[[rule.step]]\nbind = { pue = "attribute:pue" }')
    code, output = _constants(house)
    assert code == 1
    assert "default pue = 1.4 is bound by a rule" in output


def test_a_moved_model_does_not_pass_unread(house: Path) -> None:
    shutil.rmtree(house / "src" / "lichen" / "model")
    assert _constants(house)[0] != 0


@pytest.mark.parametrize(
    ("find", "replace", "complaint"),
    [
        ("click==", "# click==", "click>=.* of pyproject.toml is not pinned"),
        ("babel==2.18.0", "babel==2.1.0", "babel==2.1.0 does not satisfy babel>="),
        (
            "alembic==",
            "--index-url somewhere\nalembic==",
            r"requirements\.lock:1: an option, an address",
        ),
        ("alembic==", "thing @ ../thing\nalembic==", "an address or a path"),
    ],
)
def test_a_lock_that_does_not_fit_is_named(house: Path, find: str, replace: str, complaint: str) -> None:
    path = house / "requirements.lock"
    text = path.read_text(encoding="utf-8")
    assert find in text
    path.write_text(text.replace(find, replace, 1), encoding="utf-8")
    code, output = _locks(house)
    assert code == 1
    assert re.search(complaint, output), output


def test_a_pin_without_a_hash_is_named(house: Path) -> None:
    path = house / "requirements.lock"
    text = re.sub(r"(?m)^(click==\S+) \\\n(    --hash=\S+( \\)?\n)+", r"\1\n", path.read_text(encoding="utf-8"))
    path.write_text(text, encoding="utf-8")
    code, output = _locks(house)
    assert code == 1
    assert "click has no hash" in output


@pytest.mark.parametrize(
    ("name", "find", "replace", "complaint"),
    [
        ("requirements.lock", "selenium==", "# selenium==", "selenium>=.* of requirements.in is not pinned"),
        ("package-lock.json", '"integrity": "', '"resolved": "somewhere", "integrity": "', "has an address"),
        ("package-lock.json", '"integrity": "', '"was": "', "has no hash"),
        ("package.json", '"cypress": "14', '"cypress": "13', "package.json asks for something else"),
    ],
)
def test_a_lock_of_the_measured_suites_that_does_not_fit_is_named(
    house: Path, name: str, find: str, replace: str, complaint: str
) -> None:
    shutil.copytree(
        ROOT / "tests" / "suites", house / "tests" / "suites", ignore=shutil.ignore_patterns(".venv", "node_modules")
    )
    path = house / "tests" / "suites" / name
    assert _locks(house)[0] == 0
    text = path.read_text(encoding="utf-8")
    assert find in text
    path.write_text(text.replace(find, replace, 1), encoding="utf-8")
    code, output = _locks(house)
    assert code == 1
    assert re.search(rf"tests/suites/\S+: .*{complaint}", output), output
