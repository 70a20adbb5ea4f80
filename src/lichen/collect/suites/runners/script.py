# SPDX-License-Identifier: Apache-2.0
"""A plain script of Node.js or Python that drives a browser: one case from its start to its end."""

from __future__ import annotations

from typing import ClassVar

from lichen.collect.suites.command import NODE_TEST, Invocation
from lichen.collect.suites.suite import Draft


class NodeScript:
    """``node script.js``, and Node.js test runners that have no runner of their own here."""

    name: ClassVar[str] = "Node.js script"
    tells_cases: ClassVar[bool] = False

    def accepts(self, call: Invocation) -> bool:
        """A script, or a runner of scripts."""
        return (call.program == "node" and call.script not in (None, NODE_TEST)) or call.program in (
            "jest",
            "vitest",
            "tsx",
            "ava",
        )

    def prepare(self, call: Invocation, draft: Draft) -> None:
        """Adds the hook by an environment variable."""
        del call
        draft.require_in_node()


class PythonScript:
    """``python script.py``: Playwright's driver is Node.js and takes the hook, Selenium tells, others are found."""

    name: ClassVar[str] = "Python script"
    tells_cases: ClassVar[bool] = False

    def accepts(self, call: Invocation) -> bool:
        """A script file."""
        return call.program == "python" and call.script is not None

    def prepare(self, call: Invocation, draft: Draft) -> None:
        """Adds the hooks by environment variables."""
        del call
        draft.customise_python()
        draft.require_in_node()
