# SPDX-License-Identifier: Apache-2.0
"""Checks, without a network, that the lock files fit pyproject.toml and that each pin carries hashes and no address.

Usage: ``python tools/check_locks.py [FOLDER]``. Prints one line per finding; exit 1 when there is one.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

LOCKS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "requirements.lock": (("journeys", "demo"), ("build",)),
    "requirements-dev.lock": (("journeys", "demo"), ("build", "dev")),
}
"""Lock file -> the extras and the dependency groups it holds beside the base dependencies."""

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>[^\s;\\]+)")
_ADDRESS = re.compile(r"://|^\s*-|(?:^|\s)@\s|(?:^|\s)/\w|\bfile:", re.MULTILINE)


def declared(project: Mapping[str, Any], extras: Iterable[str], groups: Iterable[str]) -> dict[str, Requirement]:
    """Requirements of pyproject.toml by normalised name: base, then extras and groups.

    Raises:
        KeyError: an extra or a group does not exist.
    """
    texts = list(project["project"]["dependencies"])
    for extra in extras:
        texts += project["project"]["optional-dependencies"][extra]
    for group in groups:
        texts += project["dependency-groups"][group]
    return {canonicalize_name(r.name): r for r in map(Requirement, texts)}


def pins(text: str) -> Iterator[tuple[int, str, str, str]]:
    """Line number, normalised name, version and whole block of each pin of a lock file."""
    lines = text.splitlines()
    starts = [i for i, line in enumerate(lines) if _PIN.match(line)]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        match = _PIN.match(lines[start])
        if match:
            yield start + 1, canonicalize_name(match["name"]), match["version"], "\n".join(lines[start:end])


def check_lock(path: Path, wanted: Mapping[str, Requirement]) -> list[str]:
    """Findings of one lock file, each as ``file:line: what``."""
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
        if "(pyproject.toml" in block:
            direct.add(name)
    for name, requirement in wanted.items():
        versions = pinned.get(name, [])
        if not versions:
            found.append(f"{path.name}: {requirement} of pyproject.toml is not pinned")
        found += [
            f"{path.name}: {name}=={version} does not satisfy {requirement} of pyproject.toml"
            for version in versions
            if not requirement.specifier.contains(Version(version), prereleases=True)
        ]
    found += [
        f"{path.name}: {name} is pinned for pyproject.toml, which no longer asks for it"
        for name in direct - set(wanted)
    ]
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


def main(arguments: list[str]) -> int:
    """Prints findings; 0 when there is none."""
    found = check(Path(arguments[0]) if arguments else Path.cwd())
    for line in found:
        print(line)
    if found:
        print("repair: make lock")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
