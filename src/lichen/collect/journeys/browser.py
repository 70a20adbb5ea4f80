# SPDX-License-Identifier: Apache-2.0
"""Which browser: the system's own Chromium, found by name, never downloaded."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from lichen.errors import BrowserMissing

Profile = Literal["fidelity", "fast"]

_NAMES: Final[dict[Profile, tuple[str, ...]]] = {
    "fidelity": ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"),
    "fast": ("chromium-headless-shell", "chrome-headless-shell", "headless_shell"),
}
_PACKAGE: Final[dict[Profile, str]] = {"fidelity": "chromium", "fast": "chromium-headless-shell"}
_LIBRARY_FOLDERS: Final = ("/usr/lib/chromium", "/usr/lib64/chromium", "/usr/lib/chromium-browser")
_VERSION_TIMEOUT_S: Final = 20


@dataclass(frozen=True, slots=True)
class BrowserInfo:
    """A browser that can be started.

    Attributes:
        path: the program itself; a distribution's wrapper script is looked through, because it adds flags,
            writes to the console and, when it does not ``exec``, would outlive the browser.
        version: as the program prints it, e.g. ``156.0.8078.79``.
        profile: ``fidelity`` (full Chromium, new headless: what users run) or ``fast`` (headless shell: starts five
            times cheaper). Never mixed in one series.
    """

    path: str
    version: str
    profile: Profile


def find_browser(profile: Profile = "fidelity", executable: str | None = None) -> BrowserInfo:
    """The browser of a profile.

    Args:
        profile: ``fidelity`` or ``fast``.
        executable: path or name to use instead of searching PATH; the environment variable ``LICHEN_BROWSER`` is used
            when it is None.

    Raises:
        BrowserMissing: none is installed, or the one named does not start.
    """
    wanted = executable or os.environ.get("LICHEN_BROWSER") or None
    if wanted is not None:
        found = shutil.which(wanted)
        if found is None:
            origin = "the setting" if executable else "LICHEN_BROWSER"
            raise BrowserMissing(
                f"There is no program '{wanted}', which {origin} names as the browser.",
                repair="Give the path of a Chromium, or leave it out to search PATH.",
                culprit=wanted,
            )
        _check_kind(found, profile, "The setting" if executable else "LICHEN_BROWSER")
    else:
        found = next((path for name in _NAMES[profile] if (path := shutil.which(name))), None)
    if found is None:
        package = _PACKAGE[profile]
        other = "" if profile == "fidelity" else " (or use the profile 'fidelity')"
        raise BrowserMissing(
            f"No browser for the profile '{profile}' is installed: looked for {', '.join(_NAMES[profile])} in PATH.",
            repair=f"Debian and Ubuntu: apt-get install {package}{other}; elsewhere install Chromium and set LICHEN_BROWSER.",
            culprit=_NAMES[profile][0],
        )
    program = _behind_wrapper(Path(found))
    return BrowserInfo(path=str(program), version=_version(str(program), program.stat().st_mtime_ns), profile=profile)


def _check_kind(found: str, profile: Profile, origin: str) -> None:
    """Full Chromium and the headless shell are never taken for each other: their figures do not compare."""
    names = {Path(found).name, Path(found).resolve().name}
    other: Profile = "fast" if profile == "fidelity" else "fidelity"
    if names & {*_NAMES[other]} and not names & {*_NAMES[profile]}:
        raise BrowserMissing(
            f"{origin} names {found}, which is the browser of the profile '{other}', not of '{profile}'.",
            repair=f"Choose the profile '{other}', or name a {_PACKAGE[profile]}.",
            culprit=found,
        )


def _behind_wrapper(path: Path) -> Path:
    """The program that a distribution's shell wrapper of the same name starts; ``path`` itself when there is none."""
    with path.open("rb") as file:
        if file.read(2) != b"#!":
            return path.resolve()
    for folder in _LIBRARY_FOLDERS:
        for name in (path.name, "chromium" if path.name == "chromium-browser" else path.name):
            program = Path(folder, name)
            if program.is_file() and os.access(program, os.X_OK):
                return program
    return path.resolve()


@lru_cache(maxsize=8)
def _version(program: str, _changed_ns: int) -> str:
    try:
        answer = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=_VERSION_TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BrowserMissing(
            f"The browser {program} does not start: {error}.", repair="Reinstall it.", culprit=program
        ) from error
    version = re.search(r"\b\d+(?:\.\d+){1,3}\b", answer.stdout)
    if answer.returncode != 0 or version is None:
        told = (answer.stderr.strip() or answer.stdout.strip()).splitlines()[-1:] or ["no output"]
        raise BrowserMissing(
            f"The program {program} does not answer --version as Chromium does: {told[0]}.",
            repair="Give the path of a Chromium.",
            culprit=program,
        )
    return version[0]
