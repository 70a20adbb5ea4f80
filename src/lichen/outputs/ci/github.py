# SPDX-License-Identifier: Apache-2.0
"""What a step of GitHub Actions shows: annotations, its summary, its outputs.

Workflow commands: https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands. Names are data: whatever
could end a command or begin another one is escaped.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from lichen.errors import StorageError
from lichen.render.gating import GateText, state
from lichen.service.gating.outcome import Check, GateResult

ANNOTATIONS_MAX: Final = 5
_COMMANDS: Final = {
    "fail": "error", "error": "error", "inconclusive": "warning", "warn": "warning", "accepted": "notice",
}  # fmt: skip


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def commands(gate: GateResult, lang: str) -> Iterator[str]:
    """Workflow commands for what does not simply hold, what matters most first; `ANNOTATIONS_MAX` at most."""
    text = GateText(gate, lang)
    shown = [check for check in text.ordered() if _command(check, gate)]
    for check in shown[:ANNOTATIONS_MAX]:
        place = f"file={_property(check.file)},line={check.line or 1}," if check.file else ""
        title = _property(f"{text.code(check)} {text.place(check)}")
        yield f"::{_command(check, gate)} {place}title={title}::{_data(text.sentence(check))}"


def _command(check: Check, gate: GateResult) -> str:
    if gate.quiet and check.outcome == "inconclusive":
        return ""
    return _COMMANDS.get(state(check), "")


def append_summary(markdown: bytes, env: Mapping[str, str]) -> bool:
    """Adds to the summary of the step; False where there is none.

    Raises:
        StorageError: its file cannot be written.
    """
    return _append(env.get("GITHUB_STEP_SUMMARY", ""), markdown)


def append_outputs(gate: GateResult, env: Mapping[str, str]) -> bool:
    """Sets the step's outputs ``verdict``, ``breaches`` and ``delta_pct``, the largest change; False without a step."""
    changes = [check.change for check in gate.checks if check.change is not None]
    delta = "" if not changes else f"{100 * max(changes):.2f}"
    mark = secrets.token_hex(8)  # nothing that is written below can end a value early
    rows = {"verdict": gate.outcome, "breaches": str(len(gate.breaches)), "delta_pct": delta}
    text = "".join(f"{name}<<{mark}\n{value}\n{mark}\n" for name, value in rows.items())
    return _append(env.get("GITHUB_OUTPUT", ""), text.encode())


def _append(path: str, content: bytes) -> bool:
    if not path:
        return False
    try:
        with Path(path).open("ab") as file:
            file.write(content)
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}.",
            repair="Leave --github out, or repair it.",
            culprit=path,
        ) from error
    return True
