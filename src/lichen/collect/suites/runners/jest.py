# SPDX-License-Identifier: Apache-2.0
"""Jest, with jest-puppeteer or anything else that starts a browser from Node.js."""

from __future__ import annotations

from typing import ClassVar

from lichen.collect.suites.command import Invocation
from lichen.collect.suites.suite import ONE_WORKER, Draft


class Jest:
    """Test environments are told of each test by Jest, and tell it on; workers are replaced by ``--runInBand``."""

    name: ClassVar[str] = "Jest"
    tells_cases: ClassVar[bool] = True

    def accepts(self, call: Invocation) -> bool:
        """``jest``."""
        return call.program == "jest"

    def prepare(self, call: Invocation, draft: Draft) -> None:
        """Adds the hook by an environment variable; the command stays as it is."""
        del call
        draft.notes.append(ONE_WORKER)
        draft.require_in_node("jest.cjs")
