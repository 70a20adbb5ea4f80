# SPDX-License-Identifier: Apache-2.0
"""The page of the tests names files that exist, and the stages that the tests run in."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = (ROOT / "tests" / "README.md").read_text(encoding="utf-8")
NAMED: Final = sorted(set(re.findall(r"`((?:[a-z0-9]+/)(?:test_\w+\.py)?)`", PAGE)))


def test_there_are_names() -> None:
    assert len(NAMED) > 30


@pytest.mark.parametrize("name", NAMED)
def test_a_named_test_exists(name: str) -> None:
    assert (ROOT / "tests" / name).exists()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(\w+\.py)[ `]", PAGE))))
def test_a_named_benchmark_exists(name: str) -> None:
    assert (ROOT / "benchmarks" / name).is_file()


def test_every_marker_of_a_stage_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    declared = {marker.split(":")[0] for marker in project["tool"]["pytest"]["ini_options"]["markers"]}
    assert {"browser", "slow", "beside"} <= declared
    assert all(f"`{marker}`" in PAGE for marker in ("browser", "slow", "beside"))
