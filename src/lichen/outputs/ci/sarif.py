# SPDX-License-Identifier: Apache-2.0
"""SARIF 2.1.0 (https://docs.oasis-open.org/sarif/sarif/v2.1.0/), for code scanning: bounds that a line of a file declares.

A comparison of what no file declares is left out: a finding without a place is no use there.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar, Final

from lichen import __version__
from lichen.render.gating import GateText, state
from lichen.service.gating.outcome import Check, GateResult

_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_LEVELS: Final = {"fail": "error", "inconclusive": "note", "warn": "warning"}
_MOST: Final = 5_000
"""Results that GitHub shows of a run."""


class Sarif:
    """Broken bounds are errors, warnings and what cannot be told are less; what is accepted is suppressed, with its reason."""

    name: ClassVar[str] = "sarif"
    media_type: ClassVar[str] = "application/sarif+json"
    suffix: ClassVar[str] = ".sarif"

    def render(self, gate: GateResult, *, lang: str) -> bytes:
        """UTF-8 JSON."""
        text = GateText(gate, lang)
        checks = [
            check for check in text.ordered() if check.file and (state(check) == "accepted" or state(check) in _LEVELS)
        ]
        checks = checks[:_MOST]
        rules = list(dict.fromkeys(check.code for check in checks))
        document = {
            "$schema": _SCHEMA,
            "version": "2.1.0",
            "runs": [
                {
                    "tool": {
                        "driver": {
                            "name": "Lichen",
                            "semanticVersion": __version__,
                            "rules": [_rule(text, next(one for one in checks if one.code == code)) for code in rules],
                        }
                    },
                    "results": [_result(text, check, rules.index(check.code)) for check in checks],
                }
            ],
        }
        return f"{json.dumps(document, indent=2, ensure_ascii=False)}\n".encode()


def _rule(text: GateText, check: Check) -> dict[str, Any]:
    return {
        "id": check.code,
        "shortDescription": {"text": text.what(check)},
        "help": {"text": check.anchor},
    }


def _result(text: GateText, check: Check, rule: int) -> dict[str, Any]:
    found: dict[str, Any] = {
        "ruleId": check.code,
        "ruleIndex": rule,
        "level": _LEVELS[check.outcome],
        "message": {"text": f"{text.place(check)}: {text.sentence(check)}"},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": check.file, "uriBaseId": "%SRCROOT%"},
                    "region": {"startLine": check.line or 1},
                }
            }
        ],
        "partialFingerprints": {"lichenCheck/v1": check.fingerprint},
    }
    if check.accepted is not None:
        found["suppressions"] = [{"kind": "external", "status": "accepted", "justification": text.remark(check)}]
    return found
