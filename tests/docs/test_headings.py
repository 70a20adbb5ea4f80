# SPDX-License-Identifier: Apache-2.0
"""Each command, setting, error and exit code has its place in the documentation, and each link leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click
import pytest

from lichen import errors
from lichen.cli.app import root as cli
from lichen.config.settings import KEYS
from lichen.errors import ExitCode, LichenError
from lichen.plugins import GROUPS

ROOT: Final = Path(__file__).resolve().parents[2]
DOCS: Final = ROOT / "docs"
CONTRACT: Final = (DOCS / "public-contract.md").read_text(encoding="utf-8")
PAGES: Final = sorted([*DOCS.rglob("*.md"), *ROOT.glob("*.md")])


def _headings(page: Path) -> list[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    return [match[1].strip().replace("`", "") for match in re.finditer(r"^#+ (.+)$", text, re.MULTILINE)]


def _anchor(heading: str) -> str:
    """The fragment that GitLab and GitHub give to a heading."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-")


def _errors(base: type[LichenError] = LichenError) -> Iterator[type[LichenError]]:
    yield base
    for child in base.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from _errors(child)


def _commands(group: click.Group, prefix: str = "lichen") -> Iterator[str]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        yield f"{prefix} {name}"
        if isinstance(command, click.Group):
            yield from _commands(command, f"{prefix} {name}")


@pytest.mark.parametrize("error", list(_errors()), ids=lambda error: error.code)
def test_every_error_has_a_heading_that_its_anchor_leads_to(error: type[LichenError]) -> None:
    headings = _headings(DOCS / "errors.md")
    assert error.code in headings
    page, _, fragment = error("x").anchor.partition("#")
    assert page == "docs/errors.md"
    assert fragment in map(_anchor, headings)


def test_error_codes_are_distinct_and_documented_ones_exist() -> None:
    codes = [error.code for error in _errors()]
    assert len(set(codes)) == len(codes)
    assert {heading for heading in _headings(DOCS / "errors.md") if re.fullmatch(r"E\d+", heading)} == set(codes)


@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_has_a_heading(code: ExitCode) -> None:
    assert any(
        re.match(rf"(?:Exit code )?{code.value}\b", heading, re.IGNORECASE)
        for heading in _headings(DOCS / "commands.md")
    )


@pytest.mark.parametrize("command", list(_commands(cli)))
def test_every_command_has_a_heading(command: str) -> None:
    assert command in _headings(DOCS / "commands.md")


@pytest.mark.parametrize("key", KEYS)
def test_every_setting_has_a_heading(key: str) -> None:
    assert key in _headings(DOCS / "configuration.md")


@pytest.mark.parametrize("group", GROUPS)
def test_every_plug_in_group_has_a_recipe_and_is_in_the_public_contract(group: str) -> None:
    assert any(f'"{group}"' in page.read_text(encoding="utf-8") for page in (DOCS / "recipes").glob("*.md")), group
    assert f"`{group}`" in CONTRACT


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        leads = (page.parent / path).resolve() if path else page
        assert leads.exists(), f"{page.name}: {target} leads nowhere"
        if fragment and leads.suffix == ".md":
            assert fragment in map(_anchor, _headings(leads)), f"{page.name}: {target} has no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_begins_with_its_title(page: Path) -> None:
    assert page.read_text(encoding="utf-8").startswith("# ")


def test_decisions_are_numbered_without_a_gap_and_tell_their_consequences() -> None:
    pages = sorted((DOCS / "adr").glob("*.md"))
    assert [page.name[:4] for page in pages] == [f"{number:04d}" for number in range(1, len(pages) + 1)]
    for page in pages:
        headings = _headings(page)
        assert {"Context", "Decision", "Consequences"} <= set(headings), page.name
