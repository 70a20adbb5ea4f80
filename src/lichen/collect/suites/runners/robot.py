# SPDX-License-Identifier: Apache-2.0
"""Robot Framework, with its Browser library, SeleniumLibrary or anything else that starts a browser."""

from __future__ import annotations

import shlex
from typing import ClassVar

from lichen.collect.suites.command import Invocation
from lichen.collect.suites.suite import Draft


class Robot:
    """A listener tells each test. The Browser library's driver is Node.js: the hook tells its browsers."""

    name: ClassVar[str] = "Robot Framework"
    tells_cases: ClassVar[bool] = True

    def accepts(self, call: Invocation) -> bool:
        """``robot`` or ``python -m robot``."""
        return call.program in ("robot", "robot.run", "pybot")

    def prepare(self, call: Invocation, draft: Draft) -> None:
        """Adds listener and hook by environment variables; the command stays as it is."""
        del call
        listener = draft.inject("lichen_robot.py")
        draft.customise_python()
        draft.prepend("ROBOT_OPTIONS", f"--listener {shlex.quote(str(listener))}", " ")
        draft.require_in_node()
