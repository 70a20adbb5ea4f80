# SPDX-License-Identifier: Apache-2.0
"""``attribute:NAME|…``: what answers where an activity does not state an attribute."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pytest

from lichen import nomenclature
from lichen.config import Settings
from lichen.errors import MethodError
from lichen.model.method import Method
from lichen.model.method_reader import read_method
from lichen.service.evaluation import describe_method, evaluate_activities, parse_document
from lichen.service.workspace import Workspace

HOUR_S: Final = 3600
METHOD: Final = """
id = "planted"
version = "1"
title = "Planted"
sources = ["test"]
licence = "Apache-2.0"
validity = "test"
DEFAULTS
[[rule]]
id = "processors"
indicator = "energy"
quantities = ["vcpu_time"]
[[rule.step]]
formula = "ccf.processor_energy/1"
[rule.step.bind]
processor_time_s = "quantity:vcpu_time"
idle_w = "factor:ccf.idle_power.aws_amd_epyc_2nd_gen"
full_w = "factor:ccf.full_power.aws_amd_epyc_2nd_gen"
utilisation_share = "BOUND"
[[rule.step]]
formula = "ccf.replicated/1"
bind = { energy_it_kwh = "result", replication = "attribute:replication|catalogue:ccf_replication" }
"""


def method(folder: Path, bound: str, defaults: str = "") -> Method:
    path = folder / "planted.toml"
    path.write_text(METHOD.replace("BOUND", bound).replace("DEFAULTS", defaults))
    return read_method(path, nomenclature.load())


def energies_kwh(asked: Method, **attributes: Any) -> list[float]:
    workspace = Workspace(Settings())
    row = {"entity": "shop/server", "quantity": "vcpu_time", "value": HOUR_S, "tier": "server", **attributes}
    rows, context = parse_document(workspace, {"activities": [row]})
    return [impact.value for impact in evaluate_activities(workspace, asked, rows, context, on=None).impacts]


def test_the_stated_attribute_goes_before_the_factor(tmp_path: Path) -> None:
    """A thread of this EPYC draws 0.47 W at rest and 1.69 W at full load; the usual load is a half."""
    asked = method(tmp_path, "attribute:utilisation|factor:ccf.usual_utilisation")
    common = {"platform": "aws:m5.large", "replication": 1}
    assert energies_kwh(asked, **common) == pytest.approx([(0.47 + 1.69) / 2 / 1000])
    assert energies_kwh(asked, **common, utilisation=1) == pytest.approx([1.69 / 1000])
    assert energies_kwh(asked, **common, utilisation=0) == pytest.approx([0.47 / 1000])


def test_the_catalogue_answers_and_what_nobody_knows_is_not_covered(tmp_path: Path) -> None:
    asked = method(tmp_path, "attribute:utilisation|attribute:duration_s|factor:ccf.usual_utilisation")
    # What is rented as aws:ebs-gp2 is kept twice where the activity does not say otherwise.
    of_catalogue, stated = (energies_kwh(asked, platform="aws:ebs-gp2", **said) for said in ({}, {"replication": 3}))
    assert stated == pytest.approx([1.5 * of_catalogue[0]])
    assert energies_kwh(asked) == []


def test_the_method_shows_both(tmp_path: Path) -> None:
    workspace = Workspace(Settings())
    binds = [step["bind"] for rule in describe_method(workspace, "ccf-2024")["rules"] for step in rule["steps"]]
    assert {bind["replication"] for bind in binds if "replication" in bind} == {
        "attribute replication | catalogue ccf_replication",
        "catalogue ccf_replication",
    }


@pytest.mark.parametrize(
    ("bound", "defaults"),
    [
        ("factor:ccf.usual_utilisation|attribute:utilisation", ""),
        ("attribute:utilisation|quantity:vcpu_time", ""),
        ("attribute:utilisation|result", ""),
        ("attribute:utilisation|", ""),
        ("attribute:utilisation|factor:ccf.usual_utilisation", "[defaults]\nutilisation = 0.5"),
    ],
)
def test_an_alternative_that_could_never_answer_is_refused(tmp_path: Path, bound: str, defaults: str) -> None:
    with pytest.raises(MethodError, match="rule 'processors': utilisation_share is bound to") as caught:
        method(tmp_path, bound, defaults)
    assert caught.value.repair
