# SPDX-License-Identifier: Apache-2.0
"""pytest, with Playwright for Python, Selenium or anything else that starts a browser."""

from __future__ import annotations

from typing import ClassVar

from lichen.collect.suites.command import Invocation
from lichen.collect.suites.suite import Draft


class Pytest:
    """A plug-in in pytest's own process tells each test. Playwright's driver is Node.js: the hook tells its browsers;
    those of Selenium are told from Python.
    """

    name: ClassVar[str] = "pytest"
    tells_cases: ClassVar[bool] = True

    def accepts(self, call: Invocation) -> bool:
        """``pytest`` or ``python -m pytest``."""
        return call.program in ("pytest", "py.test")

    def prepare(self, call: Invocation, draft: Draft) -> None:
        """Adds plug-in and hook by environment variables; the command stays as it is."""
        del call
        plugin = draft.inject("lichen_pytest.py")
        draft.customise_python()
        draft.prepend("PYTEST_ADDOPTS", f"-p {plugin.stem}", " ")
        draft.require_in_node()
