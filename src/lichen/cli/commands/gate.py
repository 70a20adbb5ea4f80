# SPDX-License-Identifier: Apache-2.0
"""``lichen gate``."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from lichen.cli import outputs, pushing
from lichen.cli.gating import show
from lichen.cli.invocation import F, Invocation, common_options, setting_option
from lichen.cli.pushing import push_option
from lichen.errors import JourneyFailed, UsageError

if TYPE_CHECKING:
    from lichen.config import Settings
    from lichen.service.gating.outcome import GateResult
    from lichen.service.verdict import Verdict
    from lichen.service.workspace import Workspace

_SHORT: Final = {
    "junit": "junit", "codequality": "codequality", "openmetrics": "openmetrics", "sarif": "sarif", "summary": "markdown",
}  # fmt: skip
"""Flags that stand for ``--format NAME=FILE``."""
_RUN: Final = "run:"
_GIT: Final = "git:"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the command line says."""

    journeys: tuple[str, ...]
    run: tuple[Path, ...]
    verdict: Path | None
    base: str | None
    head: str | None
    strict: bool
    github: bool
    changed_paths: str | None
    measure_next: int | None
    formats: tuple[str, ...]
    junit: Path | None
    codequality: Path | None
    openmetrics: Path | None
    sarif: Path | None
    summary: Path | None


def _file(flag: str, text: str) -> Callable[[F], F]:
    return click.option(flag, type=click.Path(path_type=Path), metavar="FILE", help=text)


@click.command(
    "gate",
    epilog="""\b
Examples:
  lichen gate
  lichen gate apply --junit junit.xml --codequality codequality.json
  lichen gate --run lichen-runs/2026-01-31-0123456789ab.run.json.gz --github
  lichen gate --base git:origin/main
  lichen gate --measure-next 3 --server https://lichen.example.org""",
)
@click.argument("journeys", nargs=-1, metavar="[JOURNEY]...")
@click.option(
    "--run", type=click.Path(path_type=Path), multiple=True, metavar="FILE", help="Recorded run; may be repeated."
)
@_file("--verdict", "Comparison that lichen compare wrote with --format json=FILE.")
@click.option(
    "--base", metavar="OPERAND", help="Compare with this first: git:REF, url:…, cmd:…; run:FILE is a baseline."
)
@click.option("--head", metavar="OPERAND", help="What is compared with --base; git:HEAD beside git:REF.")
@click.option("--changed-paths", metavar="REF", help="Only journeys whose paths changed since this Git reference.")
@click.option("--measure-next", type=click.IntRange(min=1), metavar="N", help="Only the N journeys worth it most.")
@click.option("--strict", is_flag=True, help="End with 6 when it is inconclusive.")
@_file("--junit", "Write JUnit XML.")
@_file("--codequality", "Write a Code Quality report of GitLab.")
@_file("--openmetrics", "Write OpenMetrics text.")
@_file("--sarif", "Write SARIF 2.1.0.")
@_file("--summary", "Write Markdown.")
@click.option("--github", is_flag=True, help="Annotations, summary and outputs of a step of GitHub Actions.")
@click.option("--format", "formats", multiple=True, metavar="NAME=FILE", help="Write FILE through an output plug-in.")
@setting_option("--samples", "measure.samples", "N|auto")
@setting_option("--baseline", "gate.baseline", "PATH")
@setting_option("--method", "method.use", "ID")
@setting_option("--out", "output.runs", "DIR")
@push_option
@common_options
@click.pass_obj
def command(invocation: Invocation, /, **asked: Any) -> None:
    """Hold journeys to the budgets of lichen.toml.

    The journeys of lichen.toml are measured, or those named; with --run or --verdict nothing is. Exit codes: 0 pass, 1 a bound is
    broken, 4 a journey failed, 6 inconclusive with --strict.
    """
    words = _Asked(**asked)
    _check(words)
    workspace = invocation.workspace()
    settings = workspace.settings
    targets = outputs.plan(None, _formats(words), keep=settings.file, group=outputs.GATE_GROUP)
    result = _gated(invocation, workspace, words)
    show(invocation, result, settings.lang, github=words.github)
    outputs.deliver_gate(invocation, result, targets, settings.lang)
    if words.github:
        _tell_github(result, settings.lang)
    if result.exit_code:
        raise click.exceptions.Exit(result.exit_code)


def _formats(words: _Asked) -> list[str]:
    short = [f"{name}={path}" for flag, name in _SHORT.items() if (path := getattr(words, flag)) is not None]
    return [*short, *words.formats]


def _check(words: _Asked) -> None:
    """Words that exclude each other."""
    measured = [
        flag
        for flag, given in (("--changed-paths", words.changed_paths), ("--measure-next", words.measure_next))
        if given
    ]
    recorded = [flag for flag, given in (("--run", words.run), ("--verdict", words.verdict)) if given]
    compared = [] if words.base is None or words.base.startswith(_RUN) else ["--base"]
    for one, other in (
        (recorded, measured),
        (recorded, compared),
        (measured[:1], measured[1:]),
        (["a journey"] if words.journeys else [], measured),
    ):
        if one and other:
            raise UsageError(
                f"{one[0]} and {other[0]} exclude each other.", repair="Leave one of them out.", culprit=other[0]
            )
    if words.head is not None and not compared:
        raise UsageError("--head has nothing to be compared with.", repair="Give --base git:REF.", culprit="--head")


def _gated(invocation: Invocation, workspace: Workspace, words: _Asked) -> GateResult:
    from lichen.service.gating.gate import Order, check_gate, gate, nothing_to_measure

    today = datetime.now(UTC).date()
    if words.run or words.verdict is not None:
        verdict = None if words.verdict is None else _read_verdict(words.verdict)
        order = Order(
            today=today, runs=words.run or _runs_of(verdict), journeys=words.journeys, verdict=verdict, strict=words.strict,
            baseline=_baseline(words),
        )  # fmt: skip
        return gate(workspace, order)
    check_gate(workspace)
    journeys, why = _journeys(workspace.settings, words)
    if why:
        return nothing_to_measure(workspace, why)
    if words.base is not None and not words.base.startswith(_RUN):
        verdict = _compared(invocation, workspace, words, journeys)
        return gate(workspace, Order(today=today, runs=_runs_of(verdict), verdict=verdict, strict=words.strict))
    runs, failed = _measured(invocation, workspace, journeys)
    return gate(workspace, Order(today=today, runs=runs, failed=failed, strict=words.strict, baseline=_baseline(words)))


def _baseline(words: _Asked) -> Path | None:
    return Path(words.base.removeprefix(_RUN)) if words.base is not None and words.base.startswith(_RUN) else None


def _runs_of(verdict: Verdict | None) -> tuple[Path, ...]:
    """Run files of the newer side that lie here: bounds that are no increases are held against them."""
    paths = () if verdict is None else tuple(Path(run) for run in verdict.head.runs)
    return paths if all(path.is_file() for path in paths) else ()


def _read_verdict(path: Path) -> Verdict:
    from lichen.ledger.runfile import read_document
    from lichen.service.verdict import read_verdict

    return read_verdict(read_document(path), source=str(path))


def _journeys(settings: Settings, words: _Asked) -> tuple[tuple[str, ...], str]:
    """The journeys to measure, all declared ones when empty; or why there is none, as the key of a note."""
    from lichen.service.gating.choosing import changed_journeys, next_journeys

    if words.changed_paths is not None:
        changed = changed_journeys(settings, words.changed_paths)
        return changed, "" if changed else "no_changed"
    if words.measure_next is not None:
        chosen = next_journeys(settings, words.measure_next)
        return chosen, "" if chosen else "no_next"
    return words.journeys, ""


def _compared(invocation: Invocation, workspace: Workspace, words: _Asked, journeys: tuple[str, ...]) -> Verdict:
    from lichen.service.comparing import Options, compare

    base = words.base or ""
    head = words.head or (f"{_GIT}HEAD" if base.startswith(_GIT) else None)
    if head is None:
        raise UsageError(f"{base} is compared with nothing.", repair="Give --head url:… or cmd:….", culprit="--head")
    options = Options(journeys=journeys, on_written=invocation.written.append)
    with contextlib.closing(invocation.progress(workspace.settings.lang)) as progress:
        return compare(workspace, base, head, options, progress)


def _measured(
    invocation: Invocation, workspace: Workspace, journeys: Sequence[str]
) -> tuple[tuple[Path, ...], dict[str, str]]:
    """The run file of the journeys that succeed, and why each of the others failed."""
    from lichen.service.measure import measure

    failures: list[JourneyFailed] = []
    paths: tuple[Path, ...] = ()
    with contextlib.closing(invocation.progress(workspace.settings.lang)) as progress:
        try:
            result = measure(
                workspace, journeys, progress, on_written=invocation.written.append, on_failed=failures.append
            )
            paths = (Path(result.run_path),)
        except JourneyFailed as error:
            failures.append(error)
    pushing.send(invocation, workspace.settings, paths)
    return paths, {error.culprit.partition("/")[0] or "journey": error.sentence() for error in failures}


def _tell_github(gate: GateResult, lang: str) -> None:
    from lichen.outputs.ci import GateMarkdown
    from lichen.outputs.ci.github import append_outputs, append_summary

    append_summary(GateMarkdown().render(gate, lang=lang), os.environ)
    append_outputs(gate, os.environ)
