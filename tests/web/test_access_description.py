# SPDX-License-Identifier: Apache-2.0
"""The description of the API says who may call what."""

from __future__ import annotations

from pathlib import Path

from tests.web.access_support import world

from lichen.outputs.web import access


def test_every_operation_says_who_may_call_it(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        described = here.program().get("/api/v1/openapi.json").json()
        rules = {
            (route.path, method.lower()): route.rule for route in access.routes(here.app) for method in route.methods
        }
    assert set(described["components"]["securitySchemes"]) == {"token", "session"}
    seen = 0
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            rule = rules[path, method]
            assert rule is not None
            assert bool(operation["security"]) == (rule.scope is not None), path
            assert ("401" in operation["responses"]) == (rule.scope is not None), path
            assert "429" in operation["responses"], path
            seen += 1
    assert seen > 20


def test_every_reference_leads_somewhere(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        answer = here.program().get("/api/v1/openapi.json")
    described = answer.json()
    names = {part.split('"')[0] for part in answer.text.split("#/components/schemas/")[1:]}
    assert names
    assert names <= set(described["components"]["schemas"])


def test_a_wrong_method_is_told_every_right_one(tmp_path: Path) -> None:
    with world(tmp_path) as here:
        answer = here.program().delete("/api/v1/runs")
        assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
        assert here.program().put("/health").headers["allow"] == "GET"
