# SPDX-License-Identifier: Apache-2.0
"""Robot Framework, with its Browser library, SeleniumLibrary or anything else that starts a browser."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import ClassVar, Final

from lichen.collect.suites.command import Invocation
from lichen.collect.suites.suite import ONE_WORKER, Draft

_PABOT: Final = "pabot"
_PROCESSES: Final = "--processes"


class Robot:
    """A listener tells each test. The Browser library's driver is Node.js: the hook tells its browsers; those of Selenium are
    told from Python.
    """

    name: ClassVar[str] = "Robot Framework"
    tells_cases: ClassVar[bool] = True

    def accepts(self, call: Invocation) -> bool:
        """``robot``, ``python -m robot`` or ``pabot``."""
        return call.program in ("robot", "robot.run", "pybot", _PABOT)

    def prepare(self, call: Invocation, draft: Draft) -> None:
        """Adds listener and hooks by environment variables; of the command only pabot's number of processes changes."""
        listener = draft.inject("lichen_robot.py")
        draft.customise_python()
        draft.prepend("ROBOT_OPTIONS", f"--listener {shlex.quote(str(listener))}", " ")
        draft.require_in_node()
        if call.program == _PABOT:
            before = len(draft.command) - len(call.arguments)
            if tuple(draft.command[before:]) == call.arguments:
                draft.command[before:] = _one_process(call.arguments)
                draft.notes.append(ONE_WORKER)


def _one_process(arguments: Sequence[str]) -> list[str]:
    """pabot's arguments with one process, whatever they said; its options come before Robot Framework's."""
    kept = list(arguments)
    while _PROCESSES in kept:
        at = kept.index(_PROCESSES)
        del kept[at : at + 2]
    return [_PROCESSES, "1", *kept]
