# SPDX-License-Identifier: Apache-2.0
"""Each side of a comparison up and ready: its server started, its journeys pointed at it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from lichen import redact
from lichen.collect.journeys import BrowserInfo, BrowserSettings, Journey, load_journey
from lichen.collect.machine import Calibrator, Parts
from lichen.config import Part, Settings, load_settings
from lichen.errors import ConfigError, PartFailed
from lichen.service.comparing.operands import Operand
from lichen.service.comparing.revisions import build, checked_out
from lichen.service.measure import JourneyRunner
from lichen.service.parts import declared_parts, run_folder
from lichen.service.planning import JourneyPlan, on_parts, plan_journeys
from lichen.service.progress import Progress

SideName = Literal["base", "head"]
SERVER: Final = "server"
"""Name of the one part of a site that a command starts."""
_PORT: Final = {"PORT": "{port}"}
"""A command that asks for no {port} may read its port here, as most servers do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """What both sides share: settings, journeys asked for, browser, and who is told."""

    settings: Settings
    asked: tuple[str, ...]
    browser: BrowserInfo
    browser_settings: BrowserSettings
    calibrator: Calibrator
    progress: Progress
    load: Callable[..., Journey]


def bench_load(settings: Settings) -> Callable[..., Journey]:
    """`load_journey` with the times of the settings."""
    measure = settings.measure
    return partial(load_journey, page_dwell_s=measure.page_dwell_s, action_timeout_s=measure.action_timeout_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One side, measurable.

    Attributes:
        settings: with the parts of this side.
        runner: takes its samples.
        journeys: the same names on both sides, in the same order.
        parts: names of its server parts.
        revision: commit of a Git reference.
        address: where the site answers.
    """

    name: SideName
    operand: Operand
    settings: Settings
    runner: JourneyRunner
    journeys: tuple[Journey, ...]
    parts: tuple[str, ...]
    revision: str = ""
    address: str = ""


@contextlib.contextmanager
def naming(side: SideName) -> Iterator[None]:
    """A part that fails is said with its side: both have parts of the same names."""
    try:
        yield
    except PartFailed as error:
        raise PartFailed(f"On the {side}: {error.problem}", repair=error.repair, culprit=error.culprit) from error


def open_side(stack: contextlib.ExitStack, name: SideName, operand: Operand, bench: Bench) -> Side:
    """Makes a side ready; ``stack`` stops what was started.

    Raises:
        UsageError, ConfigError: the operand, its build or its journeys are wrong.
        NothingMeasured: its server does not start.
    """
    if operand.kind == "url":
        settings = replace(bench.settings, parts=(), meters=())
        parts = Parts((), folder=_logs(bench, name))
        return _side(name, operand, settings, stack.enter_context(parts), bench, address=operand.value)
    if operand.kind == "cmd":
        settings = _served_by(bench.settings, operand.command, bench.settings.folder)
        return _started(stack, name, operand, settings, bench)
    bench.progress.phase(f"checking out {operand.value}")
    revision = stack.enter_context(checked_out(operand.value, bench.settings.folder))
    compare = bench.settings.compare
    if compare.build is not None:
        bench.progress.phase(f"building {operand.value}")
        build(revision, compare.build, name, minutes=compare.build_minutes)
    settings = _settings_of(revision.folder, bench.settings)
    if compare.serve is not None:
        settings = _served_by(settings, compare.serve, revision.folder)
    elif not any(part.command for part in settings.parts):
        raise ConfigError(
            f"Nothing says how to serve the {name} ({operand.text}).",
            repair='Declare a [[part]] with a command in its lichen.toml, or set compare.serve = ["…", "{port}"].',
            culprit="compare.serve",
        )
    return replace(_started(stack, name, operand, settings, bench), revision=revision.commit)


def _settings_of(folder: Path, own: Settings) -> Settings:
    """The settings in force with the parts of a revision's own lichen.toml; with their own parts moved there when it has none."""
    file = folder / (own.file.name if own.file is not None else "lichen.toml")
    if file.exists():
        there = load_settings(file)
        return replace(own, parts=tuple(_in_folder(part, folder) for part in there.parts), folder=folder)
    moved = tuple(_in_folder(part, _moved(part.cwd, own.folder, folder)) for part in own.parts)
    return replace(own, parts=moved, folder=folder)


def _in_folder(part: Part, folder: Path) -> Part:
    return replace(part, cwd=part.cwd if part.cwd is not None and part.cwd.is_relative_to(folder) else folder)


def _moved(cwd: Path | None, before: Path, after: Path) -> Path:
    return after / cwd.relative_to(before) if cwd is not None and cwd.is_relative_to(before) else after


def _served_by(settings: Settings, command: Sequence[str], folder: Path) -> Settings:
    part = Part(name=SERVER, command=tuple(command), cwd=folder, env=_PORT)
    return replace(settings, parts=(part,), meters=())


def _started(stack: contextlib.ExitStack, name: SideName, operand: Operand, settings: Settings, bench: Bench) -> Side:
    declared = declared_parts(settings)
    bench.progress.phase(f"starting {', '.join(part.name for part in declared)}")
    with naming(name):
        parts = stack.enter_context(Parts(declared, folder=_logs(bench, name)))
    address = parts.url(SERVER) if declared[0].name == SERVER and settings.parts[0].env == _PORT else ""
    return _side(name, operand, settings, parts, bench, address=address)


def _logs(bench: Bench, name: SideName) -> Path:
    return run_folder(bench.settings, "logs") / name


def _side(
    name: SideName, operand: Operand, settings: Settings, parts: Parts, bench: Bench, *, address: str = ""
) -> Side:
    runner = JourneyRunner(
        replace(settings, measure=replace(settings.measure, survey=False)),
        bench.browser, bench.browser_settings, parts, bench.progress,
    )  # fmt: skip
    runner.calibrator = bench.calibrator
    return Side(
        name=name,
        operand=operand,
        settings=settings,
        runner=runner,
        journeys=tuple(_journeys(parts, address, bench)),
        parts=parts.names,
        address=redact.text(address),
    )


def _journeys(parts: Parts, address: str, bench: Bench) -> list[Journey]:
    """The journeys of lichen.toml, or those asked for, at an address or on the parts; the address alone when there are none."""
    if address and not bench.asked and not bench.settings.journeys:
        return [bench.load(address, name="page")]
    plans = plan_journeys(bench.settings, bench.asked)
    if address:
        plans = [_at(plan, address) for plan in plans]
    elif fixed := next((plan for plan in plans if _place_of(plan) and "{" not in _place_of(plan)), None):
        raise ConfigError(
            f"The journey '{fixed.name or fixed.source}' goes to {_place_of(fixed)} on both sides.",
            repair='Write the address of the part that is started: base_url = "{NAME.url}".',
            culprit=fixed.name or fixed.source,
        )
    return on_parts(plans, {}, parts, bench.load)


def _place_of(plan: JourneyPlan) -> str:
    """What a plan says of where it goes; empty when it says nothing."""
    return plan.base_url or (plan.source if "://" in plan.source or "{" in plan.source else "")


def _at(plan: JourneyPlan, address: str) -> JourneyPlan:
    """A plan at another address; paths that it names below its own are kept."""
    if plan.base_url is None and "://" not in plan.source and "{" not in plan.source:
        return replace(plan, base_url=address)
    if plan.base_url is not None:
        return replace(plan, base_url=_moved_to(plan.base_url, address))
    return replace(plan, source=_moved_to(plan.source, address), name=plan.name or _path_of(plan.source) or "page")


def _moved_to(place: str, address: str) -> str:
    return address.rstrip("/") + _path_of(place) if _path_of(place) not in ("", "/") else address


def _path_of(place: str) -> str:
    """Path and query of an address that may begin with a part, ``{portal.url}/about``."""
    if place.startswith("{"):
        return place.partition("}")[2]
    found = urlsplit(place)
    return found.path + (f"?{found.query}" if found.query else "")
