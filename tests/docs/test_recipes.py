# SPDX-License-Identifier: Apache-2.0
"""Recipes are followed to the letter: their files are written, their commands are run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

RECIPES: Final = Path(__file__).resolve().parents[2] / "docs" / "recipes"
_FILE: Final = re.compile(r"^```\w+ title=(\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMANDS: Final = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
FOLLOWED: Final = sorted(page for page in RECIPES.glob("*.md") if _FILE.search(page.read_text(encoding="utf-8")))


def test_the_recipes_are_found() -> None:
    assert {page.stem for page in FOLLOWED} >= {
        "add-a-collector", "add-a-formula", "add-a-method", "add-a-place", "add-an-indicator", "add-an-output",
    }  # fmt: skip


@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: page.stem)
def test_a_recipe_works(page: Path, tmp_path: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for name, content in _FILE.findall(text):
        (tmp_path / name).write_text(content, encoding="utf-8")
    commands = _COMMANDS.findall(text)
    assert commands
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LICHEN_")} | {"PATH": path}
    for command in commands:
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        assert done.stdout.strip()
