# SPDX-License-Identifier: Apache-2.0
"""A stranger extends Lichen from outside with one new file or row each, as an installed package and as files of lichen.toml."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]

COLLECTOR: Final = '''
"""A collector of a stranger."""
from lichen.collect.base import Availability
from lichen.records import Activity

class Sundial:
    """Counts the seconds of a window."""
    name = "sundial"
    emits = ("window_time",)

    def probe(self):
        return Availability(True)

    def collect(self, window):
        yield Activity(entity=window.entity, quantity="window_time", value=window.duration_s, unit="s")
'''
OUTPUT: Final = '''
"""An output of a stranger."""

class Headline:
    """One line."""
    name = "headline"
    media_type = "text/plain"
    suffix = ".txt"

    def render(self, result, *, lang):
        return f"{result.project} ({lang})\\n".encode()
'''
NOMENCLATURE: Final = (
    "kind,name,unit,boundary,additive,min,max,description_en,description_fr\n"
    "indicator,land_use,m2a,,yes,0,,Land occupation,Occupation des sols\n"
)
PACK: Final = """
[pack]
id = "stranger"
version = "1"
description = "One factor of a stranger."
[source.survey]
title = "Survey of our fields"
publisher = "The stranger"
year = 2026
url = "https://survey.example/"
licence = "CC-BY-4.0"
retrieved_at = 2026-11-22
[[factor]]
id = "stranger.land_use"
value = 0.25
low = 0.2
high = 0.3
unit = "m2a/kWh"
boundary = "none"
geography = "WORLD"
valid_from = 2026-01-01
source = "survey"
[[factor]]
id = "stranger.cpu"
value = 3.6e6
low = 3.0e6
high = 4.0e6
unit = "J/s"
boundary = "device"
geography = "WORLD"
valid_from = 2026-01-01
source = "survey"
"""
METHOD: Final = """
id = "stranger-1"
version = "1"
title = "Land of computing"
sources = ["the stranger"]
licence = "CC-BY-4.0"
validity = "a test"
[[rule]]
id = "cpu"
indicator = "energy"
quantities = ["cpu_time"]
[[rule.step]]
formula = "energy.from_cpu_time/1"
bind = { cpu_time_s = "quantity:cpu_time", energy_j_per_cpu_s = "factor:stranger.cpu" }
[[derive]]
indicator = "land_use"
formula = "electricity.use/1"
bind = { energy_delivered_kwh = "result", grid_x_per_kwh = "factor:stranger.land_use" }
"""
PACKAGE: Final = """
from pathlib import Path
HERE = Path(__file__).parent
NOMENCLATURE = HERE / "nomenclature.csv"
PACK = HERE / "pack.toml"
METHOD = HERE / "stranger-1.toml"
"""
ENTRY_POINTS: Final = """
[lichen.collectors]
sundial = stranger.collector:Sundial
[lichen.outputs]
headline = stranger.output:Headline
[lichen.nomenclatures]
stranger = stranger:NOMENCLATURE
[lichen.factor_packs]
stranger = stranger:PACK
[lichen.methods]
stranger-1 = stranger:METHOD
"""
RENDER: Final = """
import runpy, sys
from lichen import plugins
from lichen.config import load_settings
from lichen.service.workspace import Workspace
Workspace(load_settings(None, overrides={}, env={}))
result = runpy.run_path(sys.argv[1])["sample_result"]()
sys.stdout.buffer.write(plugins.load("lichen.outputs", "headline")().render(result, lang="fr"))
"""
COLLECT: Final = """
from lichen import plugins
from lichen.collect.base import Window
from lichen.config import load_settings
from lichen.service.workspace import Workspace
Workspace(load_settings(None, overrides={}, env={}))
collector = plugins.load("lichen.collectors", "sundial")()
print(collector.probe().ok, [(row.quantity, row.value) for row in collector.collect(Window(entity="a/b", duration_s=2.5))])
"""


def _installed(folder: Path) -> None:
    """A package with entry points, as an installer would leave it on the path."""
    package = folder / "site" / "stranger"
    package.mkdir(parents=True)
    for name, content in {
        "__init__.py": PACKAGE,
        "collector.py": COLLECTOR,
        "output.py": OUTPUT,
        "nomenclature.csv": NOMENCLATURE,
        "pack.toml": PACK,
        "stranger-1.toml": METHOD,
    }.items():
        (package / name).write_text(content, encoding="utf-8")
    info = folder / "site" / "stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(ENTRY_POINTS, encoding="utf-8")


def _declared(folder: Path) -> None:
    """Loose files, named by lichen.toml."""
    table = '\nPLUGINS = {{"{group}": {{"{name}": {cls}}}}}\n'
    for name, content in {
        "collector.py": COLLECTOR + table.format(group="lichen.collectors", name="sundial", cls="Sundial"),
        "output.py": OUTPUT + table.format(group="lichen.outputs", name="headline", cls="Headline"),
        "nomenclature.csv": NOMENCLATURE,
        "pack.toml": PACK,
        "stranger-1.toml": METHOD,
        "lichen.toml": (
            '[extend]\nfactors = ["pack.toml"]\nmethods = ["stranger-1.toml"]\n'
            'nomenclature = ["nomenclature.csv"]\nmodules = ["collector.py", "output.py"]\n'
        ),
    }.items():
        (folder / name).write_text(content, encoding="utf-8")


class Stranger:
    """Runs Lichen in a process of its own, where the stranger's things are."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def python(self, code: str, *arguments: str, given: str = "") -> str:
        """Standard output of a Python program; its errors fail the test."""
        environment = {k: v for k, v in os.environ.items() if not k.startswith("LICHEN_")}
        environment["PYTHONPATH"] = str(self.folder / "site")
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            cwd=self.folder, env=environment, input=given, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return done.stdout

    def lichen(self, *arguments: str, given: str = "") -> Any:
        """What the command line prints as JSON."""
        return json.loads(self.python("from lichen.cli import main; main()", *arguments, given=given))


@pytest.fixture(params=["installed", "declared"])
def stranger(request: pytest.FixtureRequest, tmp_path: Path) -> Stranger:
    {"installed": _installed, "declared": _declared}[request.param](tmp_path)
    return Stranger(tmp_path)


@pytest.mark.parametrize(
    ("group", "name"),
    [("lichen.collectors", "sundial"), ("lichen.outputs", "headline")],
)
def test_the_stranger_is_listed(stranger: Stranger, group: str, name: str) -> None:
    assert name in stranger.lichen("plugins", "--json")[group]


def test_a_collector_of_a_stranger_collects(stranger: Stranger) -> None:
    assert stranger.python(COLLECT).strip() == "True [('window_time', 2.5)]"


def test_an_output_of_a_stranger_renders(stranger: Stranger) -> None:
    text = stranger.python(RENDER, str(ROOT / "tests" / "fixtures" / "result.py"))
    assert text.endswith("(fr)\n")


def test_an_indicator_a_factor_and_a_method_of_a_stranger_give_a_figure(stranger: Stranger) -> None:
    document = {"activities": [{"entity": "shop/browser", "quantity": "cpu_time", "value": 2.0}]}
    answer = stranger.lichen("evaluate", "stranger-1", "-", given=json.dumps(document))
    impacts = {impact["indicator"]: impact for impact in answer["impacts"]}
    assert impacts["energy"]["value"] == pytest.approx(2.0)
    assert impacts["land_use"]["value"] == pytest.approx(0.5)
    assert impacts["land_use"]["unit"] == "m2a"
    assert impacts["land_use"]["low"] < 0.5 < impacts["land_use"]["high"]
    assert [factor["id"] for factor in impacts["land_use"]["factors"]] == ["stranger.cpu", "stranger.land_use"]
    assert impacts["land_use"]["factors"][1]["source_title"] == "Survey of our fields"
    assert {"entity": "shop/browser", "indicator": "land_use"}.items() <= answer["totals"][1].items()


def test_the_stranger_changes_no_figure_of_ours(stranger: Stranger, tmp_path_factory: pytest.TempPathFactory) -> None:
    document = json.dumps(
        {"activities": [{"entity": "shop/browser", "quantity": "cpu_time", "value": 2.0, "zone": "FR"}]}
    )
    alone = Stranger(tmp_path_factory.mktemp("alone"))
    ours = alone.lichen("evaluate", "lichen-1", "-", given=document)
    theirs = stranger.lichen("evaluate", "lichen-1", "-", given=document)
    assert [total["value"] for total in theirs["totals"]] == [total["value"] for total in ours["totals"]]
    assert "stranger-1" not in json.dumps(alone.lichen("methods", "--json"))
    assert "stranger-1" in json.dumps(stranger.lichen("methods", "--json"))
