# SPDX-License-Identifier: Apache-2.0
"""Checks, without a network, that the lock files fit pyproject.toml and that each pin carries hashes and no address.

Usage: ``python tools/check_locks.py [FOLDER]``. Prints one line per finding; exit 1 when there is one.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

LOCKS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "requirements.lock": (("journeys", "demo", "imports", "server"), ("build",)),
    "requirements-dev.lock": (("journeys", "demo", "imports", "server", "postgres"), ("build", "dev")),
}
"""Lock file -> the extras and the dependency groups it holds beside the base dependencies."""
SUITES: Final = Path("tests/suites")
"""Folder of the suites that tests measure: their requirements and locks are apart from Lichen's."""
SPARK: Final = Path("tests/spark")
"""Folder of what Spark reads a ledger with."""

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[^\s;\\]+)")
_ADDRESS = re.compile(r"://|^\s*-|(?:^|\s)@\s|(?:^|\s)/\w|\bfile:", re.MULTILINE)


def declared(project: Mapping[str, Any], extras: Iterable[str], groups: Iterable[str]) -> dict[str, Requirement]:
    """Requirements of pyproject.toml by normalised name: base, then extras (and the extras these name), then groups.

    Raises:
        KeyError: an extra or a group does not exist.
    """
    optional, own = project["project"]["optional-dependencies"], canonicalize_name(project["project"]["name"])
    texts = list(project["project"]["dependencies"])
    waiting, taken = list(extras), set[str]()
    while waiting:
        extra = waiting.pop()
        if extra not in taken:
            taken.add(extra)
            texts += optional[extra]
            waiting += _by_name(optional[extra]).get(own, Requirement(own)).extras
    for group in groups:
        texts += project["dependency-groups"][group]
    found = _by_name(texts)
    found.pop(own, None)
    return found


def _by_name(texts: Iterable[str]) -> dict[str, Requirement]:
    return {canonicalize_name(requirement.name): requirement for requirement in map(Requirement, texts)}


def pins(text: str) -> Iterator[tuple[int, str, str, str]]:
    """Line number, normalised name, version and whole block of each pin of a lock file."""
    lines = text.splitlines()
    starts = [i for i, line in enumerate(lines) if _PIN.match(line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        match = _PIN.match(lines[start])
        if match:
            yield start + 1, canonicalize_name(match["name"]), match["version"], "\n".join(lines[start:end])


def check_lock(path: Path, wanted: Mapping[str, Requirement], asks: str = "pyproject.toml") -> list[str]:
    """Findings of one lock file, each as ``file:line: what``; ``asks`` is the file that states what is ``wanted``."""
    text = path.read_text(encoding="utf-8")
    found = [
        f"{path.name}:{text.count(chr(10), 0, match.start()) + 1}: an option, an address or a path; a lock holds pins and hashes"
        for match in _ADDRESS.finditer(re.sub(r"#.*|--hash=\S+", "", text))
    ]
    pinned: dict[str, list[str]] = {}
    direct: set[str] = set()
    for line, name, version, block in pins(text):
        pinned.setdefault(name, []).append(version)
        if "--hash=sha256:" not in block:
            found.append(f"{path.name}:{line}: {name} has no hash")
        if asks in block:
            direct.add(name)
    for name, requirement in wanted.items():
        versions = pinned.get(name, [])
        if not versions:
            found.append(f"{path.name}: {requirement} of {asks} is not pinned")
        found += [
            f"{path.name}: {name}=={version} does not satisfy {requirement} of {asks}"
            for version in versions
            if not requirement.specifier.contains(Version(version), prereleases=True)
        ]
    found += [f"{path.name}: {name} is pinned for {asks}, which no longer asks for it" for name in direct - set(wanted)]
    return found


def check(root: Path) -> list[str]:
    """Findings of every lock file of the project at ``root``, and of pins that differ between two files."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    found = []
    seen: dict[tuple[str, str], str] = {}
    for name, (extras, groups) in LOCKS.items():
        path = root / name
        if not path.is_file():
            found.append(f"{name}: missing")
            continue
        found += check_lock(path, declared(project, extras, groups))
        seen |= {(name, pin): version for _, pin, version, _ in pins(path.read_text(encoding="utf-8"))}
    first, second = LOCKS
    for (lock, pin), version in seen.items():
        other = seen.get((second, pin))
        if lock == first and other != version:
            found.append(f"{second}: {pin} is {other or 'absent'} but {version} in {first}")
    return found


def check_requirements(folder: Path) -> list[str]:
    """Findings of the lock of an environment that is apart from Lichen's."""
    lines = (folder / "requirements.in").read_text(encoding="utf-8").splitlines()
    wanted = _by_name(line for line in lines if line and not line.startswith("#"))
    return check_lock(folder / "requirements.lock", wanted, asks="requirements.in")


def check_suites(folder: Path) -> list[str]:
    """Findings of the locks of the measured suites: Python's as above, npm's must hold hashes and no address."""
    found = check_requirements(folder)
    project = json.loads((folder / "package.json").read_text(encoding="utf-8"))
    lock = json.loads((folder / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    if lock[""]["devDependencies"] != project["devDependencies"]:
        found.append("package-lock.json: package.json asks for something else")
    for name, package in lock.items():
        if "resolved" in package:
            found.append(f"package-lock.json: {name} has an address; a lock holds versions and hashes")
        if name and "integrity" not in package:
            found.append(f"package-lock.json: {name} has no hash")
    return [f"{SUITES}/{line}" for line in found]


def main(arguments: list[str]) -> int:
    """Prints findings; 0 when there is none."""
    root = Path(arguments[0]) if arguments else Path.cwd()
    found = check(root)
    if (root / SUITES).is_dir():
        found += check_suites(root / SUITES)
    if (root / SPARK).is_dir():
        found += [f"{SPARK}/{line}" for line in check_requirements(root / SPARK)]
    for line in found:
        print(line)
    if found:
        print("repair: make lock")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
