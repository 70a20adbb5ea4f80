# SPDX-License-Identifier: Apache-2.0
"""Robot Framework listener: tells where each test begins and ends. Copied beside the pipes; Python 3.8 or newer."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any, Dict, Optional, Set

sys.path.insert(0, str(Path(__file__).resolve().parent))
import lichen_events  # it lies beside this file, which Robot Framework imports by its path

sys.path.pop(0)

ROBOT_LISTENER_API_VERSION = 2
"""The interface with plain dictionaries, the same in all versions of Robot Framework."""

_suites: Dict[str, str] = {}
_tests: Set[str] = set()
# Under pabot the listener is there twice, by the environment and by pabot's own command line: what is known is left alone.


def _relative(source: Optional[str]) -> Optional[str]:
    return os.path.relpath(source) if source else None


def start_suite(name: str, attributes: Dict[str, Any]) -> None:
    """Suites nest: a test is named by all of them."""
    _suites.setdefault(attributes["id"], name)


def end_suite(name: str, attributes: Dict[str, Any]) -> None:
    """Back in the outer suite."""
    del name
    _suites.pop(attributes["id"], None)


def start_test(name: str, attributes: Dict[str, Any]) -> None:
    """Before the test's set-up."""
    if attributes["id"] in _tests:
        return
    _tests.add(attributes["id"])
    lichen_events.tell(
        {
            "event": "start",
            "source": "robot",
            "case": attributes["id"],
            "test": " \u203a ".join([*_suites.values(), name]),
            "file": _relative(attributes.get("source")),
        }
    )


def end_test(name: str, attributes: Dict[str, Any]) -> None:
    """After the test's teardown."""
    del name
    if attributes["id"] not in _tests:
        return
    _tests.discard(attributes["id"])
    status = {"PASS": "passed", "FAIL": "failed", "SKIP": "skipped"}.get(attributes["status"], attributes["status"])
    lichen_events.tell({"event": "end", "source": "robot", "case": attributes["id"], "status": status})
