# SPDX-License-Identifier: Apache-2.0
"""What a gate says: one check per budget and journey, and the outcome of all. Plain data, and its JSON document.

`lichen gate --json` prints `gate_document`; `read_gate` reads it back, for comments.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from lichen.errors import ExitCode, StorageError
from lichen.service.verdict import Verdict, read_verdict, verdict_document

SCHEMA: Final = "lichen-gate/1"
REGRESSION: Final = "regression"
"""Code of the check that a comparison is."""

CheckOutcome = Literal["pass", "fail", "inconclusive", "warn", "skipped", "error"]
"""``warn``: above the bound, by what cannot decide. ``skipped``: there was nothing to hold it against."""
Rule = Literal["max", "increase", "regression"]
Reason = Literal[
    "within", "above", "not_sure", "one_sample", "unknown", "no_history", "few_sessions", "other_machine", "not_compared",
    "from_nothing", "journey_failed",
]  # fmt: skip
"""Why a check has its outcome; `lichen.render.gating` says it in words."""

_ANCHORS: Final[Mapping[Rule, str]] = {
    "max": "upper-bound",
    "increase": "bound-of-increase",
    "regression": "regression",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """A breach that somebody answers for until the end of a day (ISO 8601)."""

    code: str
    journey: str
    step: str | None
    reason: str
    owner: str
    until: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A bound held against a journey, or against one step of it.

    Attributes:
        code: of the budget, or `REGRESSION`.
        what: indicator, quantity or ``sci``; unit: its canonical one.
        limit: with the rule ``max`` in ``unit``, else a relative increase.
        value: measured [unit]; base: what it is compared with [unit]; change: relative. None when unknown.
        low, high: 99 % interval of the value, or of the change where there is one; None when unknown.
        samples: of the journey, or pairs of a comparison.
        p: one-sided, after Holm over all checks of the gate that are not exact; None when exact or unknown.
        counted: that the reason speaks of, such as sessions.
        stated: why the budget exists, in its owner's words.
        file, line: where it is declared, from the root of the Git repository; empty and 0 without a file.
        accepted: why a failing check does not fail the gate; lapsed: an acceptance that is over.
    """

    code: str
    rule: Rule
    journey: str
    step: str | None
    what: str
    unit: str
    limit: float
    outcome: CheckOutcome
    reason: Reason
    value: float | None = None
    base: float | None = None
    change: float | None = None
    low: float | None = None
    high: float | None = None
    samples: int = 0
    exact: bool = False
    p: float | None = None
    counted: int = 0
    stated: str = ""
    file: str = ""
    line: int = 0
    accepted: Acceptance | None = None
    lapsed: Acceptance | None = None

    @property
    def breach(self) -> bool:
        """Whether it fails the gate."""
        return self.outcome == "fail" and self.accepted is None

    @property
    def anchor(self) -> str:
        """Where the documentation explains it."""
        return f"docs/gate.md#{_ANCHORS[self.rule]}"

    @property
    def fingerprint(self) -> str:
        """Identity that stays while the figure changes."""
        identity = "\0".join((self.code, self.rule, self.journey, self.step or "", self.what))
        return hashlib.sha256(identity.encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A sentence about the whole gate: a key of the catalogue (``gate.note``) and what fills it."""

    key: str
    values: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class GateResult:
    """All checks of a gate.

    Attributes:
        outcome: the worst of the checks': error, fail, inconclusive, pass; an accepted breach counts as passed.
        strict: whether inconclusive fails.
        started_at: when it was measured (UTC), of the newest run; empty without one.
        method: id, version and factors_hash of the figures.
        runs: ids of the run files that were held to the budgets.
        failed: journeys that failed while they were measured, and the sentence of each.
        figures: journey -> quantity or indicator -> value, low, high, unit, of what was measured.
    """

    outcome: Literal["pass", "fail", "inconclusive", "error"]
    project: str
    checks: tuple[Check, ...]
    notes: tuple[Note, ...] = ()
    strict: bool = False
    quiet: bool = False
    started_at: str = ""
    method: Mapping[str, str] = field(default_factory=dict)
    runs: tuple[str, ...] = ()
    failed: Mapping[str, str] = field(default_factory=dict)
    figures: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(default_factory=dict)
    verdict: Verdict | None = None

    @property
    def accepted(self) -> tuple[Check, ...]:
        """Breaches that somebody answers for."""
        return tuple(check for check in self.checks if check.outcome == "fail" and check.accepted is not None)

    @property
    def breaches(self) -> tuple[Check, ...]:
        """Checks that fail the gate."""
        return tuple(check for check in self.checks if check.breach)

    @property
    def exit_code(self) -> ExitCode:
        """What the shell sees."""
        if self.outcome == "error":
            return ExitCode.JOURNEY_FAILED
        if self.outcome == "fail":
            return ExitCode.BUDGET
        return ExitCode.INCONCLUSIVE if self.outcome == "inconclusive" and self.strict else ExitCode.PASS


def outcome_of(
    checks: tuple[Check, ...], failed: Mapping[str, str]
) -> Literal["pass", "fail", "inconclusive", "error"]:
    """The outcome of all checks and of the journeys that failed."""
    if any(check.breach for check in checks):
        return "fail"
    if failed or any(check.outcome == "error" for check in checks):
        return "error"
    return "inconclusive" if any(check.outcome == "inconclusive" for check in checks) else "pass"


def gate_document(gate: GateResult) -> dict[str, Any]:
    """The JSON document of a gate; what is unknown is null."""
    return {
        "schema": SCHEMA,
        "outcome": gate.outcome,
        "exit_code": int(gate.exit_code),
        "project": gate.project,
        "started_at": gate.started_at,
        "strict": gate.strict,
        "quiet": gate.quiet,
        "method": dict(gate.method),
        "runs": list(gate.runs),
        "checks": [asdict(check) | {"anchor": check.anchor, "fingerprint": check.fingerprint} for check in gate.checks],
        "notes": [asdict(note) for note in gate.notes],
        "failed": dict(gate.failed),
        "figures": {name: {what: dict(row) for what, row in rows.items()} for name, rows in gate.figures.items()},
        "verdict": None if gate.verdict is None else verdict_document(gate.verdict),
    }


def read_gate(document: Any, *, source: str) -> GateResult:
    """A gate from its document.

    Args:
        document: as `gate_document` gives it, through JSON.
        source: how it is called in an error.

    Raises:
        StorageError: it is none, or of a newer version.
    """
    said = document.get("schema") if isinstance(document, Mapping) else None
    if said != SCHEMA:
        raise StorageError(
            f"{source} is no result of a gate{f', but {said}' if isinstance(said, str) else ''}; this Lichen reads {SCHEMA}.",
            repair="Write it again: lichen gate --format json=FILE.",
            culprit=source,
        )
    try:
        verdict = document["verdict"]
        return GateResult(
            outcome=document["outcome"],
            project=document["project"],
            checks=tuple(_check(row) for row in document["checks"]),
            notes=tuple(Note(key=row["key"], values=dict(row["values"])) for row in document["notes"]),
            strict=document["strict"],
            quiet=document["quiet"],
            started_at=document["started_at"],
            method=dict(document["method"]),
            runs=tuple(document["runs"]),
            failed=dict(document["failed"]),
            figures=document["figures"],
            verdict=None if verdict is None else read_verdict(verdict, source=source),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise StorageError(
            f"{source} is no whole result of a gate: {type(error).__name__}: {error}.",
            repair="Write it again: lichen gate --format json=FILE.",
            culprit=source,
        ) from error


def _check(row: Mapping[str, Any]) -> Check:
    fields = {name: row[name] for name in Check.__dataclass_fields__}
    for name in ("accepted", "lapsed"):
        fields[name] = None if row[name] is None else Acceptance(**row[name])
    return Check(**fields)
