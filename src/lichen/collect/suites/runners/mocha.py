# SPDX-License-Identifier: Apache-2.0
"""Mocha, with Puppeteer or anything else that starts a browser from Node.js."""

from __future__ import annotations

from typing import ClassVar

from lichen.collect.suites.command import Invocation
from lichen.collect.suites.suite import ONE_WORKER, Draft


class Mocha:
    """Root hooks tell each test; they are added to the arguments of mocha's own process."""

    name: ClassVar[str] = "Mocha"
    tells_cases: ClassVar[bool] = True

    def accepts(self, call: Invocation) -> bool:
        """``mocha``."""
        return call.program in ("mocha", "_mocha")

    def prepare(self, call: Invocation, draft: Draft) -> None:
        """Adds the hook by an environment variable; the command stays as it is."""
        del call
        draft.notes.append(ONE_WORKER)
        draft.require_in_node("mocha.cjs")
