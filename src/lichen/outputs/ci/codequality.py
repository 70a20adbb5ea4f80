# SPDX-License-Identifier: Apache-2.0
"""GitLab's Code Quality report: what is not settled, beside the line that declares it.

Fields: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format. GitLab tells findings apart by their
fingerprint, which holds no figure: a bound that stays broken is one finding.
"""

from __future__ import annotations

import json
from typing import ClassVar, Final

from lichen.render.gating import GateText, state
from lichen.service.gating.outcome import Check, GateResult

_SEVERITIES: Final = {
    "fail": "major", "error": "major", "inconclusive": "minor", "warn": "minor", "accepted": "info",
}  # fmt: skip
_FALLBACK: Final = "lichen.toml"
"""A finding has to have a place; a comparison of what is declared nowhere has none."""


class CodeQuality:
    """Breaches, accepted ones too, and what cannot be told; what holds is no finding."""

    name: ClassVar[str] = "codequality"
    media_type: ClassVar[str] = "application/json"
    suffix: ClassVar[str] = ".json"

    def render(self, gate: GateResult, *, lang: str) -> bytes:
        """UTF-8 JSON: a list."""
        text = GateText(gate, lang)
        found = [_finding(text, check) for check in text.ordered() if state(check) in _SEVERITIES]
        return f"{json.dumps(found, indent=2, ensure_ascii=False)}\n".encode()


def _finding(text: GateText, check: Check) -> dict[str, object]:
    severity = "major" if check.outcome == "inconclusive" and text.gate.strict else _SEVERITIES[state(check)]
    return {
        "type": "issue",
        "check_name": text.code(check),
        "description": f"{text.place(check)}: {text.sentence(check)}",
        "fingerprint": check.fingerprint,
        "severity": severity,
        "categories": ["Performance"],
        "location": {"path": check.file or _FALLBACK, "lines": {"begin": check.line or 1}},
    }
