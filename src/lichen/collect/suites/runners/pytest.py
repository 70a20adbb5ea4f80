# SPDX-License-Identifier: Apache-2.0
"""pytest, with Playwright for Python, Selenium or anything else that starts a browser."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
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
        draft.require_in_node()
        if _is_isolated(draft.command):
            draft.notes.append("Python takes nothing from the environment (-I or -E): test cases are not told.")
            return
        plugin = draft.inject("lichen_pytest.py")
        draft.customise_python()
        draft.prepend("PYTEST_ADDOPTS", f"-p {plugin.stem}", " ")


def _is_isolated(words: Sequence[str]) -> bool:
    """Whether the interpreter ignores PYTHONPATH: then pytest would look for the plug-in in vain, and stop."""
    options = itertools.takewhile(lambda word: word != "-m", words)
    return any(re.fullmatch(r"-[a-zA-Z]*[EI][a-zA-Z]*", word) for word in options)
