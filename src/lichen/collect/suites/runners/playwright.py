# SPDX-License-Identifier: Apache-2.0
"""Playwright Test (``npx playwright test``)."""

from __future__ import annotations

from typing import ClassVar

from lichen.collect.suites.command import Invocation
from lichen.collect.suites.suite import ONE_WORKER, Draft


class PlaywrightTest:
    """Edges are told by the worker, names by a reporter that prints nothing; the hook reduces the workers to one."""

    name: ClassVar[str] = "Playwright Test"
    tells_cases: ClassVar[bool] = True

    def accepts(self, call: Invocation) -> bool:
        """``playwright test``; its other commands are no suites."""
        return call.program == "playwright" and call.arguments[:1] == ("test",)

    def prepare(self, call: Invocation, draft: Draft) -> None:
        """Adds hook and reporter by environment variables; the command stays as it is."""
        del call
        draft.notes.append(ONE_WORKER)
        reporter = draft.inject("playwright_reporter.cjs")
        draft.require_in_node("playwright.cjs")
        if "PW_TEST_REPORTER" in draft.env:
            draft.notes.append("PW_TEST_REPORTER was taken already: test cases bear the runner's ids for names.")
        else:
            draft.env["PW_TEST_REPORTER"] = str(reporter)
