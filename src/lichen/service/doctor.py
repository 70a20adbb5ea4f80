# SPDX-License-Identifier: Apache-2.0
"""What this machine can measure and how precisely, with the repair for each lack."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

from lichen.collect.journeys import BrowserInfo, find_browser
from lichen.collect.machine import calibrate as calibrate_host
from lichen.collect.machine import diagnose as diagnose_machine
from lichen.collect.machine import sources
from lichen.errors import BrowserMissing, NothingMeasured
from lichen.factors.store import FactorStore
from lichen.records import ID_SHOWN
from lichen.service.metering import probe_meters
from lichen.service.workspace import Workspace
from lichen.stats.detectable import smallest_change

Profile = Literal["fidelity", "fast"]
PROFILES: Final[tuple[Profile, ...]] = ("fidelity", "fast")
_PACKAGES: Final = {"fidelity": "chromium", "fast": "chromium-headless-shell"}


def _finding(topic: str, ok: bool, what: str, repair: str = "") -> dict[str, Any]:
    return {"topic": topic, "ok": ok, "what": what, "repair": repair}


def _browser(workspace: Workspace, profile: Profile) -> BrowserInfo:
    """The browser that `measure` would drive: the configured executable belongs to the configured profile."""
    settings = workspace.settings
    return find_browser(profile, settings.browser.executable if profile == settings.measure.profile else None)


def _browsers(workspace: Workspace) -> Iterator[dict[str, Any]]:
    for profile in PROFILES:
        try:
            browser = _browser(workspace, profile)
            yield _finding(f"browser ({profile})", True, f"{browser.path}, version {browser.version}")
        except BrowserMissing as error:
            yield _finding(f"browser ({profile})", False, error.problem, error.repair)


def _driver() -> dict[str, Any]:
    try:
        from importlib.metadata import PackageNotFoundError, version

        return _finding("browser driver", True, f"Playwright {version('playwright')}")
    except PackageNotFoundError:
        return _finding("browser driver", False, "Playwright is not installed.", 'pip install "lichen[journeys]"')


def _sandbox() -> dict[str, Any]:
    if os.geteuid() == 0:
        return _finding("sandbox", False, "As root, Chromium runs without its sandbox.", "Measure as a plain user.")
    return _finding("sandbox", True, "Chromium's sandbox is on.")


def _folder(workspace: Workspace) -> dict[str, Any]:
    """A diagnosis changes nothing: the folder is not made, its nearest existing parent is looked at."""
    folder = workspace.settings.output.runs
    place = folder.absolute()
    while not place.exists():
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        why = _why_not(place)
        return _finding(
            "run files",
            False,
            f"{folder} cannot be written to: {place}: {why}",
            "Choose another folder: --out, or runs under [output].",
        )
    return _finding("run files", True, f"{folder} can be written to")


def _why_not(place: Path) -> str:
    """Why nothing can be written at ``place``, in the system's words."""
    if not place.is_dir():
        return os.strerror(errno.ENOTDIR)
    read_only = os.statvfs(place).f_flag & os.ST_RDONLY
    return os.strerror(errno.EROFS if read_only else errno.EACCES)


def _factors(workspace: Workspace) -> Iterator[dict[str, Any]]:
    factors: FactorStore = workspace.factors
    places = len([place for place in factors.places("grid.gwp100") if place != "WORLD"])
    yield _finding(
        "factors", True, f"{len(factors)} rows, {places} places with electricity, hash {factors.hash()[:ID_SHOWN]}"
    )
    zone = workspace.settings.context.zone
    if zone is None:
        yield _finding(
            "place",
            False,
            "No zone is set: world values stand in.",
            'Set zone = "FR" (your visitors\') under [context].',
        )


def _precision(workspace: Workspace, seconds: float) -> Iterator[dict[str, Any]]:
    """The machine's noise floor, and the smallest change that the fewest and the most samples of `measure` can show."""
    plan = workspace.settings.measure
    fewest, most = max(2, plan.min_samples), max(2, plan.max_samples)
    measured = calibrate_host(seconds)
    yield _finding(
        "precision",
        measured.grade in "AB",
        f"grade {measured.grade}: CPU seconds of equal work vary by {measured.cv:.1%} ({measured.repetitions} repetitions; "
        f"meanwhile other programs used {measured.others_share:.0%} of the machine, "
        f"the hypervisor took {measured.steal_share:.1%})",
        "" if measured.grade in "AB" else "Close other programs, or take more samples.",
    )
    yield _finding(
        "smallest change",
        True,
        f"{fewest} samples a side show a change of {smallest_change(measured.cv, fewest):.1%} or more, "
        f"{most} samples one of {smallest_change(measured.cv, most):.1%}",
    )


def diagnose(workspace: Workspace, *, calibrate: bool = False, seconds: float = 5.0) -> list[dict[str, Any]]:
    """What can be measured here.

    Args:
        calibrate: also measure the noise of the machine, for ``seconds``.

    Returns:
        Rows of topic, ok, what, repair.
    """
    findings = [*_browsers(workspace), _driver(), _sandbox(), _folder(workspace), *_factors(workspace)]
    settings = workspace.settings
    found = (*diagnose_machine(), *sources(settings), *probe_meters(settings))
    findings += [_finding(f.topic, f.ok, f.what, f.repair) for f in found]
    if calibrate:
        findings += _precision(workspace, seconds)
    return findings


def fix(workspace: Workspace, run: Iterable[Profile] = PROFILES) -> list[str]:
    """Installs the browsers that lack, where that is possible without asking: Debian's packages, as root.

    Returns:
        What was done, a sentence each.

    Raises:
        NothingMeasured: something lacks that cannot be installed from here.
    """
    lacking = []
    for profile in run:
        try:
            _browser(workspace, profile)
        except BrowserMissing:
            lacking.append(_PACKAGES[profile])
    if not lacking:
        return ["Nothing to repair: the browsers are there."]
    command = ["apt-get", "install", "-y", "--no-install-recommends", *lacking]
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise NothingMeasured(
            f"{' and '.join(lacking)} must be installed, which needs root and Debian's packages.",
            repair=f"Run: sudo {' '.join(command)}",
            culprit=" ".join(lacking),
        )
    for step in (["apt-get", "update"], command):
        done = subprocess.run(step, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise NothingMeasured(
                f"{' '.join(step)} failed: {last}", repair="Repair the package sources, then try again."
            )
    return [f"Installed {' and '.join(lacking)}."]
