# SPDX-License-Identifier: Apache-2.0
"""The wheel works without extras: installed into an environment that holds the base dependencies and nothing else.

The environment is put together from the packages already installed beside the tests (the locked versions), so that no network is
needed; the dependencies are read from the wheel's own metadata, and pip confirms that none lacks.
"""

from __future__ import annotations

import json
import os
import runpy
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from importlib.metadata import Distribution, distribution
from pathlib import Path
from typing import Final

import pytest
from packaging.requirements import Requirement

pytestmark = [pytest.mark.install]

ROOT: Final = Path(__file__).resolve().parents[2]
HEAVY: Final = (
    "alembic",
    "deltalake",
    "duckdb",
    "fastapi",
    "ibis",
    "playwright",
    "pyarrow",
    "sqlalchemy",
    "starlette",
    "uvicorn",
)
BLOCKER: Final = f"""
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {HEAVY!r}:
            raise ImportError(f"{{name}} belongs to an extra")
        return None

sys.meta_path.insert(0, Blocker())
"""


def _closure(requirements: list[str]) -> Iterator[Distribution]:
    """Installed distributions that these requirements need, extras left out."""
    pending = [Requirement(text) for text in requirements]
    seen: set[str] = set()
    while pending:
        requirement = pending.pop()
        wanted = [{"extra": ""}, *({"extra": extra} for extra in requirement.extras)]
        if requirement.marker and not requirement.marker.evaluate({"extra": ""}):
            continue
        found = distribution(requirement.name)
        if found.name in seen:
            continue
        seen.add(found.name)
        yield found
        for text in found.requires or ():
            child = Requirement(text)
            if child.marker is None or any(child.marker.evaluate(extra) for extra in wanted):
                pending.append(Requirement(text.split(";")[0]))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this source."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*build, "-w", str(folder), str(ROOT)], check=True, timeout=120)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def lichen(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of a base installation in which every heavy library is blocked."""
    folder = tmp_path_factory.mktemp("base")
    venv.create(folder, with_pip=True, symlinks=True)
    python = folder / "bin" / "python"
    site = next((folder / "lib").glob("python*/site-packages"))
    with zipfile.ZipFile(wheel) as archive:
        metadata = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = archive.read(metadata).decode().splitlines()
    requirements = [line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-Dist: ")]
    for found in _closure(requirements):
        for top in {file.parts[0] for file in found.files or () if file.parts[0] != ".."}:
            target = site / top
            if not target.exists() and top != "__pycache__":
                target.symlink_to(Path(str(found.locate_file(top))))
    (site / "blocker.pth").write_text("import lichen_test_blocker\n", encoding="utf-8")
    (site / "lichen_test_blocker.py").write_text(BLOCKER, encoding="utf-8")
    pip = [str(python), "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "-q", "--no-deps", "--no-index", str(wheel)], check=True, timeout=120)
    done = subprocess.run([*pip, "check"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout
    return folder / "bin" / "lichen"


def _run(lichen: Path, cwd: Path, *arguments: str, given: str = "") -> str:
    environment = {
        k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV") and not k.startswith("LICHEN_")
    }
    done = subprocess.run(
        [str(lichen), *arguments],
        cwd=cwd,
        env=environment,
        input=given,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_blocker_blocks(lichen: Path) -> None:
    done = subprocess.run(
        [str(lichen.with_name("python")), "-c", "import playwright"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "belongs to an extra" in done.stderr


def test_the_wheel_holds_the_data_and_no_test(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert "lichen/nomenclature.csv" in names
    assert "lichen/py.typed" in names
    assert any(name.startswith("lichen/model/methods/") and name.endswith(".toml") for name in names)
    assert any(name.startswith("lichen/factors/packs/") for name in names)
    assert any(name.endswith("LICENSE") for name in names)
    assert not any(name.startswith(("tests", "benchmarks", "tools")) for name in names)


def test_help(lichen: Path, tmp_path: Path) -> None:
    assert "evaluate" in _run(lichen, tmp_path, "--help")


def test_evaluate(lichen: Path, tmp_path: Path) -> None:
    document = {"activities": [{"entity": "shop/browser", "quantity": "cpu_time", "value": 1.5, "zone": "FR"}]}
    answer = json.loads(_run(lichen, tmp_path, "evaluate", "lichen-1", "-", given=json.dumps(document)))
    assert {impact["indicator"] for impact in answer["impacts"]} >= {"energy", "gwp100", "adpe", "pe", "water"}
    assert all(impact["low"] < impact["value"] < impact["high"] for impact in answer["impacts"])


def test_methods_and_settings(lichen: Path, tmp_path: Path) -> None:
    assert "greenframe-2" in _run(lichen, tmp_path, "methods")
    assert "method.use" in _run(lichen, tmp_path, "config", "show", "--origin")


def test_a_stored_run_is_evaluated_and_explained(lichen: Path, tmp_path: Path) -> None:
    write = runpy.run_path(str(ROOT / "tests" / "fixtures" / "run.py"))["write"]
    write(tmp_path / "runs", "apply")
    (run,) = (tmp_path / "runs").glob("*.gz")
    answer = json.loads(_run(lichen, tmp_path, "evaluate", "lichen-1", str(run)))
    impact = next(i for i in answer["impacts"] if i["indicator"] == "gwp100")
    explained = _run(lichen, tmp_path, "explain", impact["impact_id"], "--run", str(run), "--json")
    assert json.loads(explained)
    for factor in impact["factors"]:
        assert factor["source_title"] in explained
    assert _run(lichen, tmp_path, "explain", "apply#gwp100", "--run", str(run)).strip()
