# SPDX-License-Identifier: Apache-2.0
"""The examples in the texts of the portfolio, and of what is imported into it, are true."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from typing import Final

import pytest

import lichen.collect.declared
import lichen.collect.traffic
import lichen.portfolio

MODULES: Final = sorted(
    found.name
    for package in (lichen.portfolio, lichen.collect.declared, lichen.collect.traffic)
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    assert doctest.testmod(importlib.import_module(name)).failed == 0


def test_most_modules_of_the_portfolio_have_one() -> None:
    finder = doctest.DocTestFinder()
    with_one = [name for name in MODULES if any(test.examples for test in finder.find(importlib.import_module(name)))]
    assert len([name for name in with_one if "portfolio" in name]) >= 8
