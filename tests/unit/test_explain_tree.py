# SPDX-License-Identifier: Apache-2.0
"""The derivation is one tree in terminal, page and JSON: each step can be computed again from what stands below it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from tests.fixtures import run as fixture

from lichen.cli.app import root
from lichen.config import load_settings
from lichen.ledger import runfile
from lichen.ledger.runfile import RunFile
from lichen.model import registry
from lichen.outputs.report.derivation import DerivationPage
from lichen.service.explain import explain
from lichen.service.workspace import Workspace

FIGURES = (
    ("lichen-1", "gwp100"), ("lichen-1", "energy"), ("greenframe-2", "gwp100"), ("swdm-4", "gwp100"), ("ecoindex", "water"),
)  # fmt: skip
VOID = frozenset({"meta", "link", "br"})


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(load_settings(None, overrides={"output.runs": str(tmp_path)}, env={}))


@pytest.fixture
def run(tmp_path: Path) -> RunFile:
    return runfile.read(fixture.write(tmp_path).path)


def impacts(tree: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    figure = tree["figure"]
    return list(figure.get("terms", [figure]))


def origins(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for impact in impacts(tree):
        for step in impact["steps"]:
            yield from step["arguments"]


class Opened(HTMLParser):
    """Checks that tags close in order, and gathers texts and links."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.targets: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        named = dict(attrs)
        if named.get("id"):
            self.ids.append(str(named["id"]))
        if str(named.get("href", "")).startswith("#"):
            self.targets.append(str(named["href"])[1:])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize(("method_id", "indicator"), FIGURES)
def test_each_step_follows_from_its_arguments(
    workspace: Workspace, run: RunFile, method_id: str, indicator: str
) -> None:
    tree = explain(workspace, f"apply#{indicator}", run.path, method_id)
    seen = 0
    for impact in impacts(tree):
        for step in impact["steps"]:
            given = {
                one["name"]: np.asarray(one["value"]) if isinstance(one["value"], list) else one["value"]
                for one in step["arguments"]
            }
            again = registry.get(step["formula"]).function(**given)
            assert float(np.asarray(again).reshape(-1)[0]) == pytest.approx(step["value"], rel=1e-12)
            for one in step["arguments"]:
                if one["from"] == "result":
                    assert one["value"] == impact["steps"][one["step"] - 1]["value"]
            seen += 1
        assert impact["steps"][-1]["value"] == pytest.approx(impact["value"], rel=1e-12)
    assert seen


def test_it_goes_down_to_factors_with_their_source_and_to_the_file(workspace: Workspace, run: RunFile) -> None:
    tree = explain(workspace, "apply", run.path)
    factors = [one["factor"] for one in origins(tree) if one["from"] == "factor"]
    assert factors
    for factor in factors:
        assert factor["source_title"]
        assert factor["licence"]
        assert factor["low"] <= factor["value"] <= factor["high"]
        assert isinstance(factor["fallback"], list)
    for impact in impacts(tree):
        known = {row["quantity"]: row for row in impact["activities"]}
        for step in impact["steps"]:
            for one in step["arguments"]:
                if one["from"] == "quantity":
                    assert known[one["quantity"]]["value"] == one["value"]
        for row in impact["activities"]:
            assert row["evidence"] == {
                "run_id": run.run_id, "file": str(run.path), "source": "apply.py", "source_sha256": "0" * 64,
            }  # fmt: skip
            stored = [one for one in run.content["activities"] if one["entity"] == impact["entity"]]
            assert row["value"] in [one["value"] for one in stored if one["quantity"] == row["quantity"]]


def test_formulas_are_those_of_the_page_on_formulas(workspace: Workspace, run: RunFile) -> None:
    """`docs/model/formulas.md` and a derivation are made from the same registry: text, tags and sources agree."""
    page = (Path(__file__).parents[2] / "docs/model/formulas.md").read_text(encoding="utf-8")
    sections = {part.split("\n", 1)[0]: part for part in page.split("\n## ")}
    for figure in ("apply", "apply#energy", "apply#water", "apply#sci"):
        tree = explain(workspace, figure, run.path)
        for step in [*(s for i in impacts(tree) for s in i["steps"]), *tree["figure"].get("steps", ())]:
            section = sections[step["formula"]]
            assert f"```text\n{step['expression']}\n```" in section
            assert f"Sources: {'; '.join(step['sources'])}." in section
            for one in step["arguments"]:
                assert f"| `{one['name']}` | {one['tag'].split(' ')[0].replace('*', '.')} |" in section


def test_the_range_is_put_down_to_factors(workspace: Workspace, run: RunFile) -> None:
    tree = explain(workspace, "apply", run.path)
    found = tree["figure"]["range_from"]
    assert [row["share"] for row in found] == sorted((row["share"] for row in found), reverse=True)
    assert 0.01 <= found[-1]["share"] <= found[0]["share"] <= 1
    used = {(one["factor"]["id"], one["factor"]["geography"]) for one in origins(tree) if "factor" in one}
    assert {(row["id"], row["geography"]) for row in found} <= used
    one = explain(workspace, impacts(tree)[0]["impact_id"], run.path)["figure"]
    assert one["range_from"][0]["share"] > 0.3


class TestPage:
    @pytest.mark.parametrize("lang", ["en", "fr"])
    @pytest.mark.parametrize("figure", ["apply#sci", "apply/open/browser#cpu_time", "apply/open"])
    def test_it_is_one_tree_whose_links_lead_somewhere(
        self, workspace: Workspace, run: RunFile, figure: str, lang: str
    ) -> None:
        tree = explain(workspace, figure, run.path)
        page = DerivationPage(tree, lang).render().decode()
        opened = Opened()
        opened.feed(page)
        assert opened.open == []
        assert len(set(opened.ids)) == len(opened.ids)
        assert set(opened.targets) <= set(opened.ids)
        assert "details" in opened.tags
        assert "http://" not in page.replace("http://127", "")
        assert len(page) < 150_000
        assert f'<html lang="{lang}">' in page

    def test_everything_that_the_tree_holds_is_there(self, workspace: Workspace, run: RunFile) -> None:
        import html

        tree = explain(workspace, "apply", run.path)
        page = html.unescape(re.sub(r"</?bdi[^>]*>", "", DerivationPage(tree, "en").render().decode()))
        for impact in impacts(tree):
            assert impact["rule"] in page
            for step in impact["steps"]:
                assert step["expression"] in page
                assert step["formula"] in page
        for one in origins(tree):
            assert one["name"] in page
            if "factor" in one:
                assert one["factor"]["id"] in page
                assert one["factor"]["licence"] in page
                assert one["factor"]["source_title"][:500] in page

    def test_names_of_strangers_stay_text(self, workspace: Workspace, run: RunFile) -> None:
        page = DerivationPage(explain(workspace, "apply", run.path), "en").render().decode()
        assert "pay &lt;b&gt;now" in page
        assert "<b>now" not in page


class TestCommand:
    def lichen(self, run: RunFile, *args: str) -> Result:
        return CliRunner().invoke(
            root, ["explain", *args, "--run", str(run.path)], prog_name="lichen", env={"COLUMNS": "1000", "LANG": "C"}
        )

    def test_a_page_is_written_beside_what_is_printed(self, run: RunFile, tmp_path: Path) -> None:
        page = tmp_path / "why.html"
        answer = self.lichen(run, "apply#sci", "--html", str(page), "--lang", "fr")
        assert answer.exit_code == 0
        assert "sci.rate/1" in answer.stdout
        assert "cette fourchette vient de" in answer.stdout
        assert "Software Carbon Intensity par visite" in page.read_text(encoding="utf-8")
        tree = json.loads(self.lichen(run, "apply#sci", "--html", str(page), "--json").stdout)
        assert math.isclose(tree["figure"]["value"], tree["figure"]["steps"][0]["value"])

    def test_a_place_that_cannot_be_written_to_is_refused_first(self, run: RunFile, tmp_path: Path) -> None:
        answer = self.lichen(run, "apply", "--html", str(tmp_path / "no" / "why.html"))
        assert answer.exit_code == 2
        assert "there is no folder" in answer.stderr
        assert not answer.stdout
