# SPDX-License-Identifier: Apache-2.0
"""The suites of ``tests/suites``, each in a copy of its own, with the commands that their authors type."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

SUITES: Final = Path(__file__).resolve().parents[1] / "suites"
BIN: Final = SUITES / ".venv" / "bin"
NODE_MODULES: Final = SUITES / "node_modules"
COMMANDS: Final[dict[str, tuple[str, ...]]] = {
    "playwright": ("npx", "playwright", "test"),
    "playwright-python": ("python", "-m", "pytest", "-q"),
    "playwright-python/script": ("python", "script.py"),
    "puppeteer": ("node", "script.js"),
    "mocha": ("npx", "mocha", "shop.test.js"),
    "jest": ("npx", "jest"),
    "selenium": ("pytest", "-q"),
    "selenium/script": ("python", "script.py"),
    "robot": ("robot", "shop.robot"),
    "cypress": ("npx", "cypress", "run"),
    "cypress/chromium": ("npx", "cypress", "run", "--browser", "/usr/bin/chromium"),
}
"""Suite, with what follows the folder's name telling variants apart -> its command."""


@dataclass(frozen=True)
class Copy:
    """A suite that may write around itself.

    Attributes:
        folder: where its command runs.
        command: as its author types it.
        env: of the command: finds the runners, knows the site.
    """

    folder: Path
    command: tuple[str, ...]
    env: dict[str, str]


def copy(name: str, folder: Path, base_url: str, **variables: str) -> Copy:
    """The suite ``name`` of ``COMMANDS``, copied below ``folder``; skips the test where its runner is not installed."""
    python = COMMANDS[name][0] not in ("npx", "node")
    installed = (BIN if python else NODE_MODULES) / ("../.installed" if python else ".installed")
    if not installed.is_file():
        pytest.skip(f"the runner of '{name}' is not installed (make suites)")
    if name.startswith("cypress") and not (NODE_MODULES / ".cypress").is_dir():
        pytest.skip("Cypress is not installed (make suites)")
    for program in {"selenium": ("chromedriver",), "cypress": ("Xvfb",)}.get(name.partition("/")[0], ()):
        if shutil.which(program) is None:
            pytest.skip(f"'{name}' needs {program} (make suites)")
    target = folder / "suite"
    shutil.copytree(SUITES / name.partition("/")[0], target)
    if not python:
        (target / "node_modules").symlink_to(NODE_MODULES)
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTEST_", "NODE_", "npm_"))}
    env |= {
        "PATH": f"{BIN}:{env['PATH']}",
        "BASE_URL": base_url,
        "CYPRESS_BASE_URL": base_url,
        "CYPRESS_CACHE_FOLDER": str(NODE_MODULES / ".cypress"),
        **variables,
    }
    return Copy(target, COMMANDS[name], env)
