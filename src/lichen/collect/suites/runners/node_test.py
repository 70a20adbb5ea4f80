# SPDX-License-Identifier: Apache-2.0
"""The test runner of Node.js (``node --test``), with Puppeteer or anything else that starts a browser from there."""

from __future__ import annotations

from typing import ClassVar, Final

from lichen.collect.suites.command import NODE_TEST, Invocation
from lichen.collect.suites.suite import ONE_WORKER, Draft

_CONCURRENCY: Final = "--test-concurrency"


class NodeTest:
    """Hooks in the process of each test file tell its tests; the files run one after the other."""

    name: ClassVar[str] = "Node.js test runner"
    tells_cases: ClassVar[bool] = True

    def accepts(self, call: Invocation) -> bool:
        """``node --test``."""
        return call.script == NODE_TEST

    def prepare(self, call: Invocation, draft: Draft) -> None:
        """Adds the hook by an environment variable; Node.js takes the number of files at a time on its command line only."""
        draft.require_in_node("node_test.cjs")
        before = len(draft.command) - len(call.arguments)
        if tuple(draft.command[before:]) != call.arguments:
            draft.notes.append("The command is inside a script: test files may run side by side.")
            return
        kept = [word for word in call.arguments if not word.startswith(f"{_CONCURRENCY}=")]
        draft.command[before:] = [f"{_CONCURRENCY}=1", *kept]
        draft.notes.append(ONE_WORKER)
