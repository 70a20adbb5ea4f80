# SPDX-License-Identifier: Apache-2.0
"""What every file of the repository keeps to: licence line, size, no address of a registry, no path of one machine."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
LONGEST: Final = 400
LONGER: Final[dict[str, str]] = {}
"""Modules past the limit: path -> why one concept needs so many lines."""
PARAMETERS: Final = 7
_BINARY: Final = {".gz", ".png", ".ico", ".webp", ".jpg", ".pdf", ".mo", ".woff2", ".zip"}

# Written in pieces so that this file does not contain what it looks for.
_REGISTRY: Final = re.compile(
    "|".join(
        (
            r"pypi\." + "org", r"python" + r"hosted\.org", r"registry\." + "npmjs", r"deb\." + "debian", r"/opt/" + "pypi",
            r"index-" + r"url\s*=", r"trusted-" + "host",
        )
    )
)  # fmt: skip
_MACHINE: Final = re.compile(r"(?<![\w.~-])/(?:" + r"work|root|home/\w+|Users/\w+" + r")/[\w.]+")


def _tracked() -> list[Path]:
    """Files of the commit, and those that git does not ignore."""
    done = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


TRACKED: Final = _tracked()
PYTHON: Final = [path for path in TRACKED if path.suffix == ".py"]
SOURCE: Final = [path for path in PYTHON if path.is_relative_to(ROOT / "src")]


def _texts() -> list[tuple[Path, str]]:
    return [(path, path.read_text(encoding="utf-8")) for path in TRACKED if path.suffix not in _BINARY]


def _lines(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]}"
        for path, text in _texts()
        for match in pattern.finditer(text)
    ]


def test_the_lists_are_not_empty() -> None:
    assert len(SOURCE) > 20
    assert len(PYTHON) > len(SOURCE)


def test_every_file_is_text_in_utf_8() -> None:
    assert all(isinstance(text, str) for _, text in _texts())


def test_no_address_of_a_package_registry() -> None:
    assert _lines(_REGISTRY) == []


def test_no_path_of_one_machine() -> None:
    assert _lines(_MACHINE) == []


def test_every_module_states_its_licence() -> None:
    wanted = "# SPDX-License-Identifier: Apache-2.0"
    texts = {path: path.read_text(encoding="utf-8") for path in PYTHON}
    missing = [
        str(path.relative_to(ROOT)) for path, text in texts.items() if text and wanted not in text.splitlines()[:2]
    ]
    assert missing == []


def test_modules_are_small_or_say_why_not() -> None:
    long = {
        str(path.relative_to(ROOT)): lines
        for path in SOURCE
        if (lines := path.read_text(encoding="utf-8").count("\n")) > LONGEST
    }
    assert set(long) == set(LONGER), long


def test_functions_take_few_parameters() -> None:
    found = []
    for path in SOURCE:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not path.is_relative_to(
                ROOT / "src/lichen/model"
            ):
                positional = [a.arg for a in (*node.args.posonlyargs, *node.args.args) if a.arg not in ("self", "cls")]
                if len(positional) > PARAMETERS:
                    found.append(f"{path.relative_to(ROOT)}:{node.lineno}: {node.name} takes {len(positional)}")
    assert found == []


def test_no_unfinished_work() -> None:
    words = "TO" + "DO|FIX" + "ME|XX" + "X:|NotImplemented" + r"Error\("
    assert [line for line in _lines(re.compile(rf"\b(?:{words})")) if not line.startswith("tests/")] == []


@pytest.mark.parametrize(
    "name", ["LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", ".ci/run", "Makefile"]
)
def test_the_repository_has(name: str) -> None:
    assert (ROOT / name).stat().st_size > 0


def test_every_changelog_fragment_has_a_known_kind() -> None:
    kinds = {"added", "changed", "fixed", "security"}
    for path in (ROOT / "changelog.d").iterdir():
        if path.name not in (".gitignore", "README.md"):
            assert path.suffix == ".md"
            assert path.stem.rpartition(".")[2].rstrip("0123456789") in kinds, path.name
            assert path.read_text(encoding="utf-8").strip().endswith(".")


def test_the_version_is_said_once() -> None:
    import tomllib

    from lichen import __version__

    assert tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"] == __version__
