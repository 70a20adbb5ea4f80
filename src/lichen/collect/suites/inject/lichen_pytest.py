# SPDX-License-Identifier: Apache-2.0
"""pytest plug-in: tells where each test begins and ends. No parallel workers while it is there."""

from __future__ import annotations

from typing import Any, Dict, Generator

import lichen_events
import pytest

_ORDER = ("passed", "skipped", "failed")
_RECORDS = "The suite records traces or videos itself: their work is in the figures."
_outcomes: Dict[str, str] = {}


def _note(text: str) -> None:
    lichen_events.tell({"event": "note", "text": text}, wait=False)


@pytest.hookimpl(hookwrapper=True)
def pytest_cmdline_main(config: Any) -> Generator[None, None, None]:
    """Takes pytest-xdist's workers back before it starts them."""
    asked = getattr(config.option, "numprocesses", None)
    if asked:
        config.option.numprocesses = None
        config.option.dist = "no"
        config.option.tx = []
        _note(f"Tests run in one process while they are measured (the suite asks for {asked}).")
    if any(getattr(config.option, name, None) not in ("off", None) for name in ("tracing", "video")):
        _note(_RECORDS)
    yield


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: Any) -> Generator[None, None, None]:
    """Around set-up, call and tear-down of one test."""
    file, _, name = item.nodeid.partition("::")
    _outcomes.pop(item.nodeid, None)
    case = {"case": item.nodeid, "source": "pytest"}
    lichen_events.tell({"event": "start", "test": name.replace("::", " \u203a ") or file, "file": file, **case})
    yield
    lichen_events.tell({"event": "end", "status": _outcomes.pop(item.nodeid, "unknown"), **case})


def pytest_runtest_logreport(report: Any) -> None:
    """The outcome of a test is the worst of its three phases."""
    known = _outcomes.get(report.nodeid, "passed")
    _outcomes[report.nodeid] = max(known, report.outcome, key=_ORDER.index)
