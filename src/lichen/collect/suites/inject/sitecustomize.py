# SPDX-License-Identifier: Apache-2.0
"""Loaded by every Python process of a suite before its own code: watches Selenium, then runs the environment's own file."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import PathFinder
from pathlib import Path

import lichen_selenium

_FOLDER = Path(__file__).resolve().parent

lichen_selenium.watch()

_others = [place for place in sys.path if not place or Path(place).resolve() != _FOLDER]
_own = PathFinder.find_spec("sitecustomize", _others)
if _own is not None and _own.loader is not None:
    _module = importlib.util.module_from_spec(_own)
    sys.modules["sitecustomize"] = _module
    _own.loader.exec_module(_module)
