# SPDX-License-Identifier: Apache-2.0
"""Cypress (``npx cypress run``), in Electron or any other browser."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import ClassVar, Final

from lichen.collect.suites.command import Invocation
from lichen.collect.suites.suite import Draft

_ASKED: Final = "cypress_reporter_asked.json"


class Cypress:
    """A mocha reporter in Cypress' server tells each test and what its proxy exchanges with the site.

    It stands in the place of the project's own reporter and hands on to it. Bytes are those between proxy and site:
    what crosses the network; what Cypress adds between browser and proxy does not.
    """

    name: ClassVar[str] = "Cypress"
    tells_cases: ClassVar[bool] = True

    def accepts(self, call: Invocation) -> bool:
        """``cypress run``; its other commands are no suites."""
        return call.program == "cypress" and call.arguments[:1] == ("run",)

    def prepare(self, call: Invocation, draft: Draft) -> None:
        """Adds reporter and hook by environment variables; a reporter on the command line is replaced there."""
        reporter = draft.inject("cypress_reporter.cjs")
        draft.require_in_node("cypress_config.cjs")
        asked = draft.env.get("CYPRESS_REPORTER")
        named = _where_named(call.arguments)
        if named:
            before = len(draft.command) - len(call.arguments)
            if tuple(draft.command[before:]) != call.arguments:
                draft.notes.append("The reporter is named inside a script: test cases and bytes are not told.")
                return
            for index, option in named:
                asked = call.arguments[index].removeprefix(option)
                draft.command[before + index] = f"{option}{reporter}"
        draft.env["CYPRESS_REPORTER"] = str(reporter)
        if asked:
            draft.folder.joinpath(_ASKED).write_text(json.dumps({"reporter": asked}), encoding="utf-8")


def _where_named(words: Sequence[str]) -> list[tuple[int, str]]:
    """Where a command line names a reporter: index of the word, and the part of it that is the option."""
    found = []
    for index, word in enumerate(words):
        if word in ("--reporter", "-r") and index + 1 < len(words):
            found.append((index + 1, ""))
        elif word.startswith("--reporter="):
            found.append((index, "--reporter="))
    return found
