# SPDX-License-Identifier: Apache-2.0
"""What all tests share: a time ceiling per marker, and golden files."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Final

import pytest

# Helpers of the tests tell what they compared, as the tests do.
pytest.register_assert_rewrite("suites_checks")

ROOT: Final = Path(__file__).resolve().parent.parent
CEILING_S: Final = {"browser": 180, "slow": 300, "install": 300}
"""Marker -> seconds after which a test has failed; the others have the ceiling of pyproject.toml."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--update-golden`` writes golden files instead of comparing with them; read the difference before committing it."""
    parser.addoption("--update-golden", action="store_true", help="rewrite the files of tests/golden")


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes that are no short text are called by their length: a packed file holds the second it was packed in.

    Processes that share the tests have to find the same names in all of them.
    """
    return f"{argname}: {len(val)} bytes" if isinstance(val, bytes) and not (val.isascii() and len(val) < 40) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Gives each marked test its ceiling, unless it names one itself. Its own file has the marker: run_tests.py looks there."""
    for item in items:
        markers = [marker for marker in CEILING_S if item.get_closest_marker(marker)]
        if markers and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(max(CEILING_S[marker] for marker in markers)))
        if any(f"mark.{marker}" not in _text(item.path) for marker in markers):
            raise pytest.UsageError(f"{item.nodeid}: write its marker ({', '.join(markers)}) into its own file")


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """``golden("help/lichen.txt", text)``: the text equals the golden file, or becomes it with ``--update-golden``."""

    def check(name: str, text: str) -> None:
        path = ROOT / "tests" / "golden" / name
        if request.config.getoption("--update-golden"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        assert path.is_file(), f"no golden file {path.relative_to(ROOT)}: run `make golden` and read it"
        assert text == path.read_text(encoding="utf-8"), (
            f"{path.relative_to(ROOT)} differs: run `make golden` and read the change"
        )

    return check
