# SPDX-License-Identifier: Apache-2.0
"""Cypress (``npx cypress run``), in Electron or any other browser."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
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
        """Adds the reporter by an environment variable, or in the place of the one on the command line."""
        reporter = draft.inject("cypress_reporter.cjs")
        config = draft.inject("cypress_config.cjs")
        draft.inject("hook.cjs")
        asked = draft.env.get("CYPRESS_REPORTER")
        if any(True for _ in _reporters(call.arguments)):
            asked = _replace_reporter(draft.command, str(reporter))
            if asked is None:
                draft.notes.append("The reporter is set inside a script: test cases and bytes are not told apart.")
                return
        draft.env["CYPRESS_REPORTER"] = str(reporter)
        if asked:
            draft.folder.joinpath(_ASKED).write_text(json.dumps({"reporter": asked}), encoding="utf-8")
        _require_in_config(draft, config)


def _require_in_config(draft: Draft, file: Path) -> None:
    """Loads ``file`` where Cypress reads the configuration. Electron refuses such options, and says so: it must not see them.

    Cypress itself keeps the user's options for that process in ``ORIGINAL_NODE_OPTIONS``, unless the user has none.
    """
    if "NODE_OPTIONS" in draft.env:
        draft.notes.append("NODE_OPTIONS is set: a reporter that cypress.config names is replaced by mocha's 'spec'.")
    else:
        draft.env["ORIGINAL_NODE_OPTIONS"] = f'--require "{file}"'


def _reporters(words: tuple[str, ...] | list[str]) -> Iterator[tuple[int, str]]:
    """Where a command line names a reporter: index of the word, and the option's part of it that stays."""
    for index, word in enumerate(words):
        if word in ("--reporter", "-r") and index + 1 < len(words):
            yield index + 1, ""
        elif word.startswith("--reporter="):
            yield index, "--reporter="


def _replace_reporter(words: list[str], reporter: str) -> str | None:
    """Puts ``reporter`` where the command line names one; gives the name that was there, None when there is none."""
    asked = None
    for index, option in list(_reporters(words)):
        asked = words[index].removeprefix(option)
        words[index] = option + reporter
    return asked
